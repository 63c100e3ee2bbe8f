//! What happens without anybody asking: old segments go, progress is noted, idle producers are forgotten.

mod support;

use std::path::Path;
use std::time::Duration;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use support::{PATIENCE, data, start, start_with_clock};

const DAY: Duration = Duration::from_hours(24);

/// Waits until `done` says so. Housekeeping comes when it comes.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "{what}");
}

fn files(dir: &Path, suffix: &str) -> usize {
    let entries = std::fs::read_dir(dir)
        .expect("the partition's directory")
        .flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(suffix))
        .count()
}

#[tokio::test]
async fn segments_beyond_retention_bytes_go_from_the_log_and_from_the_disk() {
    let broker = start(&[("log.retention.check.interval.ms", "20")]).await;
    let mut client = broker.connect().await;
    let settings = [
        ("internal.segment.bytes", "2000"),
        ("retention.bytes", "4000"),
        ("file.delete.delay.ms", "1"),
    ];
    client.create("clicks", 1, &settings).await;
    let value = "x".repeat(900);
    for _ in 0..40 {
        client.put("clicks", 0, &[value.as_str()]).await;
    }
    let dir = broker.broker.data_dir().join("clicks-0");
    until("old segments are removed", || {
        files(&dir, ".log") <= 4 && files(&dir, ".deleted") == 0
    })
    .await;
    let topics = broker.broker.topics().await.unwrap();
    let left = topics[0].partitions[0];
    assert!(left.start_offset > 30 && left.end_offset == 40, "{left:?}");
    let read = client.read_all("clicks", 0, left.start_offset).await;
    assert_eq!(read.len() as i64, 40 - left.start_offset);
    assert_eq!(
        client.fetch("clicks", 0, 0).await.error_code,
        ErrorCode::OffsetOutOfRange
    );
}

#[tokio::test]
async fn segments_beyond_retention_ms_go_even_the_last() {
    let often = [("log.retention.check.interval.ms", "20")];
    let (broker, clock) = start_with_clock(&often).await;
    let mut client = broker.connect().await;
    let two_days = [("retention.ms", "172800000")];
    for (topic, settings) in [("clicks", &two_days[..]), ("kept", &[])] {
        client.create(topic, 1, settings).await;
        client.put(topic, 0, &["old"]).await;
    }
    clock.advance(DAY);
    assert_eq!(client.read_all("clicks", 0, 0).await.len(), 1);
    clock.advance(DAY + Duration::from_mins(1));
    let wait = async {
        while client.fetch("clicks", 0, 0).await.error_code != ErrorCode::OffsetOutOfRange {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("the message is removed");
    assert_eq!(client.put("clicks", 0, &["new"]).await, 1, "offsets go on");
    let kept = client.read_all("kept", 0, 0).await;
    assert_eq!(kept.len(), 1, "a week is not over");
}

fn deletion(topic: &str, before: i64) -> DeleteRecordsRequest {
    DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: topic.to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset: before,
            }],
        }],
        ..Default::default()
    }
}

#[tokio::test]
async fn how_far_logs_are_flushed_and_where_they_begin_is_noted() {
    let settings = [
        ("log.flush.offset.checkpoint.interval.ms", "20"),
        ("log.flush.start.offset.checkpoint.interval.ms", "20"),
        ("log.flush.scheduler.interval.ms", "20"),
    ];
    let broker = start(&settings).await;
    let mut client = broker.connect().await;
    client.create("clicks", 1, &[("flush.ms", "1")]).await;
    client.put("clicks", 0, &["one", "two", "three"]).await;
    let request = deletion("clicks", 2);
    let deleted = client.ask(2, &request).await;
    assert_eq!(deleted.topics[0].partitions[0].error_code, ErrorCode::None);
    let noted = |file: &str| {
        std::fs::read_to_string(broker.broker.data_dir().join(file)).unwrap_or_default()
    };
    until("the flushed offset", || {
        noted("recovery-point-offset-checkpoint").contains("clicks 0 3")
    })
    .await;
    until("the start offset", || {
        noted("log-start-offset-checkpoint").contains("clicks 0 2")
    })
    .await;
    until("the high watermark", || {
        noted("replication-offset-checkpoint").contains("clicks 0 3")
    })
    .await;
}

#[tokio::test]
async fn records_whose_deletion_cannot_be_noted_are_not_called_deleted() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("clicks", 1, &[]).await;
    client.put("clicks", 0, &["one", "two", "three"]).await;
    // Where the checkpoint is written before it gets its name.
    let in_the_way = broker
        .broker
        .data_dir()
        .join("log-start-offset-checkpoint.tmp");
    std::fs::create_dir(&in_the_way).unwrap();
    let request = deletion("clicks", 2);
    let refused = client.ask(2, &request).await.topics.remove(0);
    let refused = &refused.partitions[0];
    assert_eq!(refused.error_code, ErrorCode::KafkaStorageError);
    assert_eq!(refused.low_watermark, -1);
    std::fs::remove_dir(in_the_way).unwrap();
    let deleted = client.ask(2, &request).await.topics.remove(0);
    let deleted = &deleted.partitions[0];
    assert_eq!(deleted.error_code, ErrorCode::None);
    assert_eq!(deleted.low_watermark, 2);
}

#[tokio::test]
async fn a_producer_that_is_silent_for_long_is_forgotten() {
    let often = [("producer.id.expiration.check.interval.ms", "20")];
    let (broker, clock) = start_with_clock(&often).await;
    let mut client = broker.connect().await;
    client.create("clicks", 1, &[]).await;
    let id = client.producer_id().await;
    let batch = data::batch_of(
        &["once"],
        kafkalite_records::Compression::None,
        data::origin(id, 0),
    );
    assert_eq!(
        client.produce("clicks", 0, batch.clone()).await.base_offset,
        0
    );
    // As long as it is known, the same batch again is a duplicate; a forgotten producer begins anew.
    clock.advance(DAY / 2);
    assert_eq!(
        client.produce("clicks", 0, batch.clone()).await.base_offset,
        0
    );
    clock.advance(DAY);
    let wait = async {
        while client.produce("clicks", 0, batch.clone()).await.base_offset == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("the producer is forgotten");
}
