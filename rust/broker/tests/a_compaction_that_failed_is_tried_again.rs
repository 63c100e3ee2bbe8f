//! What keeps a log from being compacted for a while, who comes next, and what is known of a log that was cut meanwhile.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use kafkalite_broker::Broker;
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};
use kafkalite_wire::ErrorCode;
use support::data::now_ms;
use support::{Client, PATIENCE, config, start, warnings};

const EAGER: (&str, &str) = ("log.cleaner.backoff.ms", "10");
const COMPACT: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("internal.segment.bytes", "2000"),
    ("file.delete.delay.ms", "1"),
];

/// Publishes so many values of one key.
async fn fill(client: &mut Client, topic: &str, records: usize) {
    for number in 0..records {
        let mut builder = BatchBuilder::new(1 << 10);
        let value = number.to_string();
        assert!(builder.try_append(now_ms(), Some(b"same"), Some(value.as_bytes()), &[]));
        let mut compressor = Compressor::new(Compression::None, None).unwrap();
        let origin = BatchOrigin::ANONYMOUS;
        let batch = builder.build(0, origin, &mut compressor).unwrap();
        let produced = client.produce(topic, 0, batch).await;
        assert_eq!(produced.error_code, ErrorCode::None);
    }
}

fn noted(dir: &Path) -> String {
    fs::read_to_string(dir.join("cleaner-offset-checkpoint")).unwrap_or_default()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn what_was_in_the_way_need_not_be_there_for_ever() {
    let broker = start(&[EAGER]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &COMPACT).await;
    // Where the first file of a compaction goes there is something that cannot be removed.
    let partition = broker.broker.data_dir().join("t-0");
    let obstacle = partition.join("00000000000000000000.log.cleaned");
    fs::create_dir(&obstacle).unwrap();
    fill(&mut client, "t", 80).await;
    // The dirtiest log comes first. So before another is compacted for the second time, this one was tried.
    client.create("other", 1, &COMPACT).await;
    let dir = broker.broker.data_dir();
    let compacted_other = || {
        noted(dir)
            .lines()
            .find(|line| line.starts_with("other"))
            .map(str::to_owned)
    };
    fill(&mut client, "other", 80).await;
    until("the other is compacted", || compacted_other().is_some()).await;
    let first = compacted_other();
    fill(&mut client, "other", 160).await;
    until("it is compacted again", || compacted_other() != first).await;
    assert!(!noted(dir).contains("t 0 "));
    fs::remove_dir(&obstacle).unwrap();
    until("it is compacted", || noted(dir).contains("t 0 ")).await;
}

#[tokio::test]
async fn nothing_is_believed_of_what_lies_behind_the_end() {
    let broker = start(&[EAGER]).await;
    let dir = broker.broker.data_dir().to_owned();
    let mut client = broker.connect().await;
    client.create("t", 1, &COMPACT).await;
    fill(&mut client, "t", 80).await;
    until("it is compacted", || noted(&dir).contains("t 0 ")).await;
    broker.broker.stop().await.unwrap();
    // The disk has lost what was compacted; the note of it is there.
    for entry in fs::read_dir(dir.join("t-0")).unwrap().flatten() {
        fs::remove_file(entry.path()).unwrap();
    }
    fs::remove_file(dir.join(".kafka_cleanshutdown")).unwrap();
    let again = Broker::start(config(broker.dir.path(), &[EAGER]))
        .await
        .unwrap();
    assert!(!noted(&dir).contains("t 0 "), "{}", noted(&dir));
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_log_that_cannot_be_flushed_waits_for_the_next_look() {
    const BACKOFF: Duration = Duration::from_millis(200);
    warnings::listen();
    let broker = start(&[("log.cleaner.backoff.ms", "200")]).await;
    let mut client = broker.connect().await;
    client.create("unflushed", 1, &COMPACT).await;
    // What is flushed before a compaction cannot be written: its place is taken.
    let partition = broker.broker.data_dir().join("unflushed-0");
    let obstacle = partition.join("leader-epoch-checkpoint.tmp");
    fs::create_dir(&obstacle).unwrap();
    fill(&mut client, "unflushed", 80).await;
    let tried = || -> Vec<Instant> {
        let told = warnings::containing("cannot compact unflushed-0");
        told.into_iter().map(|warning| warning.at).collect()
    };
    until("it is tried again", || tried().len() >= 3).await;
    // However slow the machine is, it may only take longer.
    for pair in tried().windows(2) {
        assert!(pair[1] - pair[0] >= BACKOFF, "{:?}", pair[1] - pair[0]);
    }
    fs::remove_dir(&obstacle).unwrap();
    let dir = broker.broker.data_dir();
    until("it is compacted", || noted(dir).contains("unflushed 0 ")).await;
}

/// Whether a compaction of the topic is under way.
fn is_compacting(dir: &Path, topic: &str) -> bool {
    let names = fs::read_dir(dir.join(format!("{topic}-0"))).unwrap();
    let mut names = names.flatten().map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().ends_with(".cleaned"))
}

/// Bytes of all segments of the topic.
fn size(dir: &Path, topic: &str) -> u64 {
    let files = fs::read_dir(dir.join(format!("{topic}-0")))
        .unwrap()
        .flatten();
    let logs = files.filter(|entry| entry.file_name().to_string_lossy().ends_with(".log"));
    logs.map(|entry| entry.metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn who_becomes_due_while_others_are_compacted_comes_after_all_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let with = |settings: &[(&str, &str)]| Broker::start(config(dir.path(), settings));
    // One has been compacted before, and so will always be a little cleaner than what never was.
    let broker = with(&[EAGER]).await.unwrap();
    let mut client = Client::connect(&broker).await;
    client.create("cleaner", 1, &COMPACT).await;
    fill(&mut client, "cleaner", 80).await;
    until("it is compacted", || {
        noted(dir.path()).contains("cleaner 0 ")
    })
    .await;
    broker.stop().await.unwrap();
    let broker = with(&[("log.cleaner.enable", "false")]).await.unwrap();
    let mut client = Client::connect(&broker).await;
    for topic in ["first", "late"] {
        client.create(topic, 1, &COMPACT).await;
    }
    fill(&mut client, "cleaner", 160).await;
    fill(&mut client, "first", 80).await;
    broker.stop().await.unwrap();
    let before = size(dir.path(), "cleaner");

    // So slow that there is time to fill another one meanwhile.
    let slow = ("log.cleaner.io.max.bytes.per.second", "20000");
    let broker = with(&[EAGER, slow]).await.unwrap();
    let mut client = Client::connect(&broker).await;
    until("the dirtiest is under way", || {
        is_compacting(dir.path(), "first")
    })
    .await;
    fill(&mut client, "late", 80).await;
    until("the late one is under way", || {
        is_compacting(dir.path(), "late")
    })
    .await;
    let after = size(dir.path(), "cleaner");
    assert!(after < before / 2, "{after} of {before}: it was due before");
    broker.stop().await.unwrap();
}
