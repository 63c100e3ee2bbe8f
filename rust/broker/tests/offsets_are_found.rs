//! Offsets by time and by place, deleted records, the ends of leaders' epochs.

mod support;

use kafkalite_records::{BatchOrigin, Compression};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic, DeletedRecordsPartition,
};
use kafkalite_wire::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafkalite_wire::api::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use support::data::{batch_with, now_ms};
use support::{Client, restart, start};

async fn delete_records(
    client: &mut Client,
    version: i16,
    partition_index: i32,
    offset: i64,
) -> DeletedRecordsPartition {
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "t".to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index,
                offset,
            }],
        }],
        timeout_ms: 1000,
    };
    let mut answer = client.ask(version, &request).await;
    answer.topics.remove(0).partitions.remove(0)
}

/// Three records, the second of which has the largest timestamp; returns the time that all are relative to.
async fn three_records(client: &mut Client) -> i64 {
    client.create("t", 1, &[]).await;
    let now = now_ms();
    for offset in [-2000, 1000, -1000] {
        let record = [(now + offset, None, "v")];
        let batch = batch_with(&record, Compression::None, BatchOrigin::ANONYMOUS);
        assert_eq!(
            client.produce("t", 0, batch).await.error_code,
            ErrorCode::None
        );
    }
    now
}

#[tokio::test]
async fn by_time_and_by_place() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let now = three_records(&mut client).await;
    for (asked, offset, timestamp) in [
        (-1, 3, -1),
        (-2, 0, -1),
        (-3, 1, now + 1000),
        (-4, 0, -1),
        (-5, -1, -1),
        (-6, -1, -1),
        (0, 0, now - 2000),
        (now - 1999, 1, now + 1000),
        (now + 1000, 1, now + 1000),
        (now + 1001, -1, -1),
        (i64::MAX, -1, -1),
    ] {
        let found = client.offset_at("t", 0, asked).await;
        assert_eq!(found.error_code, ErrorCode::None, "{asked}");
        assert_eq!(
            (found.offset, found.timestamp),
            (offset, timestamp),
            "{asked}"
        );
        let epoch = if offset == -1 { -1 } else { 0 };
        assert_eq!(found.leader_epoch, epoch, "{asked}");
    }
    assert_eq!(
        client.offset_at("t", 0, -7).await.error_code,
        ErrorCode::UnsupportedVersion
    );
}

#[tokio::test]
async fn places_that_a_version_does_not_know_are_refused() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    for (timestamp, since) in [(-1, 1), (-2, 1), (-3, 7), (-4, 8), (-5, 9), (-6, 11)] {
        for version in 1..=11 {
            let request = ListOffsetsRequest {
                replica_id: -1,
                topics: vec![ListOffsetsTopic {
                    name: "t".to_owned(),
                    partitions: vec![ListOffsetsPartition {
                        timestamp,
                        ..Default::default()
                    }],
                }],
                ..Default::default()
            };
            let code = client.ask(version, &request).await.topics[0].partitions[0].error_code;
            let expected = if version < since {
                ErrorCode::UnsupportedVersion
            } else {
                ErrorCode::None
            };
            assert_eq!(code, expected, "{timestamp} in version {version}");
        }
    }
}

#[tokio::test]
async fn deleted_records_are_gone_also_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let broker = restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    three_records(&mut client).await;
    for offset in [4, -2, i64::MAX, i64::MIN] {
        let deleted = delete_records(&mut client, 2, 0, offset).await;
        assert_eq!(
            (deleted.error_code, deleted.low_watermark),
            (ErrorCode::OffsetOutOfRange, -1)
        );
    }
    let elsewhere = delete_records(&mut client, 2, 1, 0).await;
    assert_eq!(elsewhere.error_code, ErrorCode::UnknownTopicOrPartition);

    for (version, offset, low) in [(0, 1, 1), (1, 0, 1), (2, 2, 2)] {
        let deleted = delete_records(&mut client, version, 0, offset).await;
        assert_eq!(
            (deleted.error_code, deleted.low_watermark),
            (ErrorCode::None, low)
        );
    }
    let before = client.fetch("t", 0, 1).await;
    assert_eq!(before.error_code, ErrorCode::OffsetOutOfRange);
    assert_eq!(client.fetch("t", 0, 2).await.log_start_offset, 2);
    assert_eq!(client.offset_at("t", 0, -2).await.offset, 2);

    drop(broker);
    let broker = restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    assert_eq!(client.offset_at("t", 0, -2).await.offset, 2);
    let all = delete_records(&mut client, 2, 0, -1).await;
    assert_eq!((all.error_code, all.low_watermark), (ErrorCode::None, 3));
    assert_eq!(client.put("t", 0, &["next"]).await, 3);
}

#[tokio::test]
async fn a_new_topic_does_not_start_where_a_deleted_one_of_its_name_did() {
    let dir = tempfile::tempdir().unwrap();
    for run in 0..2 {
        let broker = restart(dir.path(), &[]).await;
        let mut client = Client::connect(&broker).await;
        if run == 0 {
            three_records(&mut client).await;
            delete_records(&mut client, 2, 0, 3).await;
            client.delete("t").await;
            client.create("t", 1, &[]).await;
            client.put("t", 0, &["first"]).await;
        }
        assert_eq!(client.offset_at("t", 0, -2).await.offset, 0, "run {run}");
        assert_eq!(client.read_all("t", 0, 0).await, [(0, "first".to_owned())]);
    }
}

#[tokio::test]
async fn where_a_leaders_epoch_ended() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    three_records(&mut client).await;
    for version in 2..=4 {
        let mut end = async |current_leader_epoch, leader_epoch| -> EpochEndOffset {
            let partition = OffsetForLeaderPartition {
                partition: 0,
                current_leader_epoch,
                leader_epoch,
            };
            let request = OffsetForLeaderEpochRequest {
                topics: vec![OffsetForLeaderTopic {
                    topic: "t".to_owned(),
                    partitions: vec![partition],
                }],
                ..Default::default()
            };
            client
                .ask(version, &request)
                .await
                .topics
                .remove(0)
                .partitions
                .remove(0)
        };
        let known = end(0, 0).await;
        assert_eq!(
            (known.error_code, known.leader_epoch, known.end_offset),
            (ErrorCode::None, 0, 3)
        );
        let unknown = end(-1, 7).await;
        assert_eq!(
            (unknown.error_code, unknown.leader_epoch, unknown.end_offset),
            (ErrorCode::None, -1, -1)
        );
        assert_eq!(end(1, 0).await.error_code, ErrorCode::UnknownLeaderEpoch);
    }
}

#[tokio::test]
async fn a_topic_that_is_only_compacted_keeps_its_records() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client
        .create("t", 1, &[("cleanup.policy", "compact")])
        .await;
    let deleted = delete_records(&mut client, 2, 0, -1).await;
    assert_eq!(deleted.error_code, ErrorCode::PolicyViolation);
}

#[tokio::test]
async fn the_largest_time_stays_that_of_a_deleted_record() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let now = three_records(&mut client).await;
    let deleted = delete_records(&mut client, 2, 0, 2).await;
    assert_eq!(deleted.low_watermark, 2);
    // As in Apache Kafka: the segment is still there, and its time with it.
    let found = client.offset_at("t", 0, -3).await;
    assert_eq!((found.offset, found.timestamp), (1, now + 1000));
}
