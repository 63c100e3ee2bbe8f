//! What readers of committed messages get (KIP-98) from a directory in which Apache Kafka 4.4 has left transactions of every
//! kind: see `golden/transactions.py`.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::fs;
use std::path::Path;

use kafkalite_broker::Broker;
use kafkalite_records::batches;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::{FetchRequest, FetchedPartition};
use kafkalite_wire::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use support::data::{fetch_by_name, fetched, from};
use support::{TestBroker, config, copy};

const COMMITTED: i8 = 1;
/// The messages are from when the directory was made.
const KEEP: (&str, &str) = ("log.retention.ms", "-1");

/// The directory as a stop of Apache Kafka left it, or as a crash would have.
async fn broker(crashed: bool) -> TestBroker {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/transactions");
    let dir = tempfile::tempdir().unwrap();
    copy(&golden, dir.path());
    if crashed {
        for file in [
            ".kafka_cleanshutdown",
            "recovery-point-offset-checkpoint",
            "t-0/00000000000000000000.txnindex",
            "t-0/00000000000000000009.snapshot",
        ] {
            fs::remove_file(dir.path().join(file)).unwrap();
        }
    }
    let broker = Broker::start(config(dir.path(), &[KEEP])).await.unwrap();
    TestBroker { broker, dir }
}

fn request(topic: &str, partition: i32, offset: i64, isolation_level: i8) -> FetchRequest {
    FetchRequest {
        isolation_level,
        ..fetch_by_name(topic, vec![from(partition, offset)])
    }
}

/// The offset after the last batch.
fn end_of(found: FetchedPartition) -> i64 {
    let bytes = found.records.into_bytes();
    let last = batches(&bytes).last().unwrap().unwrap();
    last.header().next_offset()
}

#[tokio::test]
async fn a_fetch_ends_at_the_last_stable_offset_and_names_what_was_aborted() {
    for crashed in [false, true] {
        let broker = broker(crashed).await;
        let mut client = broker.connect().await;
        let all = fetched(client.ask(12, &request("t", 0, 0, 0)).await).remove(0);
        assert_eq!((all.high_watermark, all.last_stable_offset), (9, 8));
        assert_eq!(all.aborted_transactions, None);
        assert_eq!(end_of(all), 9);

        let committed = fetched(client.ask(12, &request("t", 0, 0, COMMITTED)).await).remove(0);
        let ends = (committed.high_watermark, committed.last_stable_offset);
        assert_eq!(ends, (9, 8));
        let aborted = committed.aborted_transactions.clone().unwrap();
        let first: Vec<i64> = aborted.iter().map(|one| one.first_offset).collect();
        assert_eq!(first, [4], "crashed: {crashed}");
        assert_eq!(end_of(committed), 8);
    }
}

#[tokio::test]
async fn where_nothing_is_aborted_it_is_null_or_empty_as_apache_kafka_says_it() {
    let broker = broker(false).await;
    let mut client = broker.connect().await;
    for (topic, partition, offset, isolation_level, code, is_null) in [
        ("t", 0, 7, 0, ErrorCode::None, true),
        ("t", 0, 7, COMMITTED, ErrorCode::None, false),
        ("t", 0, 8, COMMITTED, ErrorCode::None, false),
        ("t", 0, 99, COMMITTED, ErrorCode::OffsetOutOfRange, true),
        ("t", 1, 0, 0, ErrorCode::UnknownTopicOrPartition, false),
        (
            "u",
            0,
            0,
            COMMITTED,
            ErrorCode::UnknownTopicOrPartition,
            false,
        ),
    ] {
        let asked = request(topic, partition, offset, isolation_level);
        let found = fetched(client.ask(12, &asked).await).remove(0);
        assert_eq!(found.error_code, code);
        let expected = if is_null { None } else { Some(Vec::new()) };
        assert_eq!(found.aborted_transactions, expected, "{asked:?}");
    }
}

#[tokio::test]
async fn the_latest_offset_is_the_last_stable_one() {
    let broker = broker(false).await;
    let mut client = broker.connect().await;
    for (isolation_level, expected) in [(0, 9), (COMMITTED, 8)] {
        let request = ListOffsetsRequest {
            replica_id: -1,
            isolation_level,
            topics: vec![ListOffsetsTopic {
                name: "t".to_owned(),
                partitions: vec![ListOffsetsPartition {
                    timestamp: -1,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        };
        let mut answer = client.ask(7, &request).await;
        let found = answer.topics.remove(0).partitions.remove(0);
        assert_eq!(
            (found.error_code, found.offset),
            (ErrorCode::None, expected)
        );
    }
}

#[tokio::test]
async fn a_message_of_an_open_transaction_is_not_found_by_its_time() {
    let broker = broker(false).await;
    let mut client = broker.connect().await;
    // The time of the newest message, which is the open one.
    let newest = client.offset_at("t", 0, -3).await;
    assert_eq!(newest.offset, 8);
    let request = ListOffsetsRequest {
        replica_id: -1,
        isolation_level: COMMITTED,
        topics: vec![ListOffsetsTopic {
            name: "t".to_owned(),
            partitions: vec![ListOffsetsPartition {
                timestamp: newest.timestamp,
                ..Default::default()
            }],
        }],
        ..Default::default()
    };
    let mut answer = client.ask(7, &request).await;
    let found = answer.topics.remove(0).partitions.remove(0);
    assert_eq!((found.error_code, found.offset), (ErrorCode::None, -1));
}
