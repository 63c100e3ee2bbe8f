//! What is lost of a log while the broker is stopped is told at the next start, also where compaction leaves holes.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::fs;
use std::path::Path;

use kafkalite_broker::Broker;
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};
use kafkalite_wire::ErrorCode;
use support::data::now_ms;
use support::warnings::{self, Warning};
use support::{Client, TestBroker, config, start};
use tracing::Level;

/// A stopped broker's directory, with a compacted topic of several segments.
async fn stopped(topic: &str) -> tempfile::TempDir {
    warnings::listen();
    let TestBroker { broker, dir } = start(&[]).await;
    let mut client = Client::connect(&broker).await;
    let settings = [
        ("cleanup.policy", "compact"),
        ("internal.segment.bytes", "300"),
        ("retention.ms", "-1"),
    ];
    client.create(topic, 1, &settings).await;
    for number in 0..20 {
        let mut builder = BatchBuilder::new(1 << 10);
        let key = format!("key-{number}");
        assert!(builder.try_append(now_ms(), Some(key.as_bytes()), Some(b"value"), &[]));
        let mut compressor = Compressor::new(Compression::None, None).unwrap();
        let batch = builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor);
        let produced = client.produce(topic, 0, batch.unwrap()).await;
        assert_eq!(produced.error_code, ErrorCode::None);
    }
    broker.stop().await.unwrap();
    dir
}

/// Where the segments of a partition begin.
fn segments(partition: &Path) -> Vec<i64> {
    let names = fs::read_dir(partition).unwrap().flatten();
    let names = names.map(|entry| entry.file_name().into_string().unwrap());
    let mut bases: Vec<i64> = names
        .filter_map(|name| name.strip_suffix(".log")?.parse().ok())
        .collect();
    bases.sort_unstable();
    bases
}

fn lose(partition: &Path, base: i64) {
    for suffix in ["log", "index", "timeindex"] {
        fs::remove_file(partition.join(format!("{base:020}.{suffix}"))).unwrap();
    }
}

fn told_of(topic: &str) -> Vec<Warning> {
    warnings::containing(&format!("{topic}-0: segments that were there"))
}

#[tokio::test]
async fn with_the_offsets_that_are_missing_and_the_rest_is_served() {
    let dir = stopped("lossy").await;
    let partition = dir.path().join("lossy-0");
    let bases = segments(&partition);
    assert!(bases.len() > 4, "{bases:?}");
    lose(&partition, bases[1]);
    lose(&partition, bases[2]);

    let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
    let told = told_of("lossy");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].level, Level::ERROR);
    let missing = format!("offsets {} to {}.", bases[1], bases[3] - 1);
    assert!(told[0].text.contains(&missing), "{told:?}");
    let read = Client::connect(&broker).await.read_all("lossy", 0, 0).await;
    let left: Vec<i64> = read.iter().map(|(offset, _)| *offset).collect();
    let expected: Vec<i64> = (0..bases[1]).chain(bases[3]..20).collect();
    assert_eq!(left, expected);
    broker.stop().await.unwrap();

    // It is the state of things by now.
    let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
    assert_eq!(told_of("lossy").len(), 1);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn but_not_where_apache_kafka_had_the_directory_since() {
    // With an epoch, and without: of a broker of ZooKeeper's, or one that was stopped before it was registered.
    for (topic, epoch) in [("shared", 14), ("lent", -1)] {
        let dir = stopped(topic).await;
        let partition = dir.path().join(format!("{topic}-0"));
        lose(&partition, segments(&partition)[1]);
        // What it leaves when it stops. It may have compacted that segment away.
        let marker = dir.path().join(".kafka_cleanshutdown");
        fs::write(marker, format!(r#"{{"version":0,"brokerEpoch":{epoch}}}"#)).unwrap();
        let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
        assert_eq!(told_of(topic).len(), 0, "{epoch}");
        broker.stop().await.unwrap();
    }
}
