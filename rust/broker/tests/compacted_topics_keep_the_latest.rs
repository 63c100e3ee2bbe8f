//! Topics with `cleanup.policy=compact`, and the committed offsets: what was superseded goes while the broker runs, and
//! what counts is there, whatever happens to the broker.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kafkalite_records::{
    BatchBuilder, BatchOrigin, Compression, Compressor, Decompressor, Records, batches,
};
use kafkalite_wire::api::delete_groups::DeleteGroupsRequest;
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use kafkalite_wire::api::produce::ProduceResponse;
use kafkalite_wire::{ErrorCode, Response};
use support::child::ChildBroker;
use support::data::{batch_with, now_ms, produce_by_name};
use support::groups::committing;
use support::{Client, PATIENCE, config, frame, start};

const EAGER: (&str, &str) = ("log.cleaner.backoff.ms", "10");
const COMPACT: [(&str, &str); 3] = [
    ("cleanup.policy", "compact"),
    ("internal.segment.bytes", "2000"),
    ("file.delete.delay.ms", "1"),
];

/// The timestamp that stands for the beginning of a log.
const EARLIEST: i64 = -2;

/// Offset, key and value; a tombstone has none.
type Stored = (i64, String, Option<String>);

fn keyed(pairs: &[(&str, Option<&str>)], compression: Compression) -> Bytes {
    let mut builder = BatchBuilder::new(1 << 20);
    for (key, value) in pairs {
        let (key, value) = (key.as_bytes(), value.map(str::as_bytes));
        assert!(builder.try_append(now_ms(), Some(key), value, &[]));
    }
    let mut compressor = Compressor::new(compression, None).unwrap();
    builder
        .build(0, BatchOrigin::ANONYMOUS, &mut compressor)
        .unwrap()
}

async fn put(client: &mut Client, pairs: &[(&str, Option<&str>)]) {
    let produced = client
        .produce("t", 0, keyed(pairs, Compression::None))
        .await;
    assert_eq!(produced.error_code, ErrorCode::None, "{produced:?}");
}

/// Everything that a reader from the start sees of `t`, and where the log ends.
async fn read(client: &mut Client) -> (Vec<Stored>, i64) {
    let mut found = Vec::new();
    let mut offset = client.offset_at("t", 0, EARLIEST).await.offset;
    loop {
        let fetched = client.fetch("t", 0, offset).await;
        if fetched.error_code == ErrorCode::OffsetOutOfRange {
            // Retention was here in between.
            offset = client.offset_at("t", 0, EARLIEST).await.offset;
            continue;
        }
        assert_eq!(fetched.error_code, ErrorCode::None);
        let bytes = fetched.records.into_bytes();
        let before = offset;
        for batch in batches(&bytes) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            offset = batch.header().next_offset();
            let payload = batch.decompress(&mut Decompressor::new(), 1 << 24).unwrap();
            for record in Records::new(batch.header(), &payload) {
                let record = record.unwrap();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                found.push((
                    record.offset,
                    record.key.map(text).unwrap(),
                    record.value.map(text),
                ));
            }
        }
        if offset == before {
            return (found, offset);
        }
    }
}

fn latest(stored: &[Stored]) -> BTreeMap<String, String> {
    let mut latest = BTreeMap::new();
    for (_, key, value) in stored {
        match value {
            Some(value) => latest.insert(key.clone(), value.clone()),
            None => latest.remove(key),
        };
    }
    latest
}

/// Reads until what is there is as `wanted` says. Housekeeping comes when it comes.
async fn until(client: &mut Client, wanted: impl Fn(&[Stored]) -> bool) -> Vec<Stored> {
    let wait = async {
        loop {
            let (found, _) = read(client).await;
            if wanted(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("it is compacted")
}

fn noted(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("cleaner-offset-checkpoint")).unwrap_or_default()
}

#[tokio::test]
async fn superseded_values_go_while_the_broker_runs_and_the_rest_survives_restarts() {
    let broker = start(&[EAGER]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &COMPACT).await;
    for round in 0..100 {
        let value = format!("{round}");
        let batch = keyed(
            &[
                ("a", Some(&value)),
                ("b", Some(&value)),
                ("a", Some(&value)),
            ],
            Compression::ALL[round % 5],
        );
        let produced = client.produce("t", 0, batch).await;
        assert_eq!(produced.error_code, ErrorCode::None);
    }
    let found = until(&mut client, |found| found.len() < 100).await;
    assert_eq!(latest(&found)["a"], "99");
    assert_eq!(latest(&found)["b"], "99");
    // Every record is where it was: a value tells its round, a round has three offsets.
    for (offset, _, value) in &found {
        assert_eq!((offset / 3).to_string(), value.clone().unwrap());
    }
    assert!(noted(broker.broker.data_dir()).contains("t 0 "));

    broker.broker.stop().await.unwrap();
    let again = kafkalite_broker::Broker::start(config(broker.dir.path(), &[EAGER]))
        .await
        .unwrap();
    let mut client = Client::connect(&again).await;
    let (after, end) = read(&mut client).await;
    assert_eq!((latest(&after), end), (latest(&found), 300));
    // A topic that is deleted leaves no note for a later one of its name.
    client.delete("t").await;
    assert!(!noted(again.data_dir()).contains("t 0 "));
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_topic_is_compacted_from_when_its_policy_says_so_and_old_segments_go_as_well() {
    let broker = start(&[EAGER, ("log.retention.check.interval.ms", "20")]).await;
    let mut client = broker.connect().await;
    client
        .create("t", 1, &[("internal.segment.bytes", "2000")])
        .await;
    for round in 0..80 {
        put(&mut client, &[("same", Some(&round.to_string()))]).await;
    }
    assert_eq!(read(&mut client).await.0.len(), 80);
    let alter = |name: &str, value: &str| IncrementalAlterConfigsRequest {
        resources: vec![IncrementalAlterConfigsResource {
            resource_type: 2,
            resource_name: "t".to_owned(),
            configs: vec![IncrementalAlterableConfig {
                name: name.to_owned(),
                config_operation: 0,
                value: Some(value.to_owned()),
            }],
        }],
        ..Default::default()
    };
    client
        .ask(1, &alter("cleanup.policy", "compact,delete"))
        .await;
    let found = until(&mut client, |found| found.len() < 40).await;
    assert_eq!(latest(&found)["same"], "79");
    for round in 0..80 {
        put(&mut client, &[(&format!("only {round}"), Some("once"))]).await;
    }
    client.ask(1, &alter("retention.bytes", "3000")).await;
    let found = until(&mut client, |found| found.len() < 70).await;
    assert_eq!(found.last().unwrap().1, "only 79");
}

#[tokio::test]
async fn a_deleted_key_goes_for_good() {
    let broker = start(&[EAGER]).await;
    let mut client = broker.connect().await;
    let settings = [&COMPACT[..], &[("delete.retention.ms", "1")]].concat();
    client.create("t", 1, &settings).await;
    put(&mut client, &[("gone", Some("v")), ("stays", Some("v"))]).await;
    put(&mut client, &[("gone", None)]).await;
    let mut round = 0;
    loop {
        for _ in 0..30 {
            round += 1;
            put(&mut client, &[("filler", Some(&round.to_string()))]).await;
        }
        let (found, _) = read(&mut client).await;
        assert!(!latest(&found).contains_key("gone"));
        if found.iter().all(|(_, key, _)| key != "gone") {
            assert_eq!(latest(&found)["stays"], "v");
            return;
        }
        assert!(round < 100_000, "the tombstone stays");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_compacted_does_not_hold_up_the_others() {
    let broker = start(&[("log.cleaner.backoff.ms", "100000")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &COMPACT).await;
    client.create("bad", 1, &COMPACT).await;
    for topic in ["bad", "t"] {
        for round in 0..80 {
            let batch = keyed(&[("same", Some(&round.to_string()))], Compression::None);
            client.produce(topic, 0, batch).await;
        }
    }
    broker.broker.stop().await.unwrap();
    let log = broker.dir.path().join("bad-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[70] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    let again = kafkalite_broker::Broker::start(config(broker.dir.path(), &[EAGER]))
        .await
        .unwrap();
    let mut client = Client::connect(&again).await;
    until(&mut client, |found| found.len() < 40).await;
    assert_eq!(std::fs::read(&log).unwrap(), bytes);
    let more = batch_with(
        &[(now_ms(), Some("k"), "v")],
        Compression::None,
        BatchOrigin::ANONYMOUS,
    );
    assert_eq!(
        client.produce("bad", 0, more).await.error_code,
        ErrorCode::None
    );
    again.stop().await.unwrap();
}

#[tokio::test]
async fn what_was_compacted_elsewhere_is_not_deleted_for_its_age_when_it_is_taken_over() {
    let broker = start(&[EAGER]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &COMPACT).await;
    client.create("plain", 1, &[]).await;
    client.put("plain", 0, &["old"]).await;
    client.commit(committing("g", "plain", 0, 7, "")).await;
    for round in 0..100 {
        let value = round.to_string();
        put(&mut client, &[("same", Some(&value))]).await;
    }
    until(&mut client, |found| found.len() < 50).await;
    broker.broker.stop().await.unwrap();
    // Of a directory of Apache Kafka we know neither the topics' settings nor our own notes.
    for ours in ["topics.catalog", "configs.altered"] {
        std::fs::remove_file(broker.dir.path().join(ours)).unwrap();
    }
    let settings = [
        ("log.retention.ms", "1"),
        ("log.retention.check.interval.ms", "20"),
    ];
    let again = kafkalite_broker::Broker::start(config(broker.dir.path(), &settings))
        .await
        .unwrap();
    let mut client = Client::connect(&again).await;
    let wait = async {
        while client.offset_at("plain", 0, EARLIEST).await.offset == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("what is plain goes");
    assert_eq!(latest(&read(&mut client).await.0)["same"], "99");
    again.stop().await.unwrap();
    let again = kafkalite_broker::Broker::start(config(broker.dir.path(), &settings))
        .await
        .unwrap();
    let mut client = Client::connect(&again).await;
    assert_eq!(client.committed("g", "plain", 0).await.committed_offset, 7);
    again.stop().await.unwrap();
}

fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "log"))
        .map(|entry| entry.metadata().map_or(0, |metadata| metadata.len()))
        .sum()
}

#[tokio::test]
async fn thousands_of_commits_become_a_small_log_with_every_last_one() {
    const COMMITS: i64 = 4000;
    let settings = [
        EAGER,
        ("offsets.topic.segment.bytes", "20000"),
        ("log.cleaner.delete.retention.ms", "1"),
        ("log.segment.delete.delay.ms", "1"),
    ];
    let broker = start(&settings).await;
    let mut client = broker.connect().await;
    client.create("t", 3, &[]).await;
    for group in ["deleted", "kept"] {
        client.commit(committing(group, "t", 0, 1, "")).await;
    }
    let names = vec!["deleted".to_owned()];
    let deleted = client
        .ask(
            2,
            &DeleteGroupsRequest {
                groups_names: names,
            },
        )
        .await;
    assert_eq!(deleted.results[0].error_code, ErrorCode::None);
    for offset in 1..=COMMITS {
        let partition = (offset % 3) as i32;
        let code = client
            .commit(committing("busy", "t", partition, offset, "note"))
            .await;
        assert_eq!(code, ErrorCode::None);
    }
    let dir = broker.broker.data_dir().join("__consumer_offsets-0");
    let holds = |text: &str| {
        let entries = std::fs::read_dir(&dir).unwrap().flatten();
        entries
            .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "log"))
            .filter_map(|entry| std::fs::read(entry.path()).ok())
            .any(|bytes| {
                bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            })
    };
    // An uncompacted log would have some 500 kB; one segment is active, and half as much again may be dirty.
    let mut offset = COMMITS;
    let wait = async {
        while size(&dir) > 70_000 || holds("deleted") {
            offset += 1;
            client
                .commit(committing("busy", "t", 0, offset, "note"))
                .await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .expect("the commits are compacted");
    broker.broker.stop().await.unwrap();

    let again = kafkalite_broker::Broker::start(config(broker.dir.path(), &settings))
        .await
        .unwrap();
    let mut client = Client::connect(&again).await;
    let first = if offset > COMMITS {
        offset
    } else {
        COMMITS - 1
    };
    for (partition, last) in [(0, first), (1, COMMITS), (2, COMMITS - 2)] {
        let found = client.committed("busy", "t", partition).await;
        assert_eq!(found.committed_offset, last, "{partition}");
        assert_eq!(found.metadata.as_deref(), Some("note"));
    }
    assert_eq!(client.committed("kept", "t", 0).await.committed_offset, 1);
    assert_eq!(
        client.committed("deleted", "t", 0).await.committed_offset,
        -1
    );
    again.stop().await.unwrap();
}

/// Publishes rising numbers under a few keys until the broker is gone, and notes the last that was acknowledged.
async fn publish(mut client: Client, acknowledged: Arc<AtomicU64>) {
    loop {
        let number = acknowledged.load(Ordering::SeqCst) + 1;
        let key = format!("key {}", number % 7);
        let batch = keyed(
            &[(&key, Some(&number.to_string()))],
            Compression::ALL[number as usize % 5],
        );
        let bytes = frame(12, 1, &produce_by_name(-1, "t", vec![(0, batch)]));
        if tokio::io::AsyncWriteExt::write_all(&mut client.stream, &bytes)
            .await
            .is_err()
        {
            return;
        }
        let Some(answer) = client.frame().await else {
            return;
        };
        let (_, answer) = ProduceResponse::decode(answer, 12).unwrap();
        assert_eq!(
            answer.responses[0].partition_responses[0].error_code,
            ErrorCode::None
        );
        acknowledged.store(number, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_middle_of_compactions_loses_nothing_and_brings_nothing_back() {
    const KILLS: usize = 8;
    let dir = tempfile::tempdir().unwrap();
    let acknowledged: Arc<AtomicU64> = Arc::default();
    let mut before: BTreeSet<Stored> = BTreeSet::new();
    let mut known_end = 0;
    for round in 0..KILLS {
        let broker = ChildBroker::start(dir.path(), &["log.cleaner.backoff.ms=1"]);
        let mut client = Client::connect_to(broker.address).await;
        if client.describe("t").await.error_code != ErrorCode::None {
            let settings = [
                ("cleanup.policy", "compact"),
                ("internal.segment.bytes", "1000"),
                ("min.cleanable.dirty.ratio", "0.01"),
                ("file.delete.delay.ms", "1"),
            ];
            client.create("t", 1, &settings).await;
        }
        let (found, _) = read(&mut client).await;
        let last = acknowledged.load(Ordering::SeqCst);
        let now = latest(&found);
        for number in last.saturating_sub(6).max(1)..=last {
            let found: u64 = now[&format!("key {}", number % 7)].parse().unwrap();
            // Of the one that was on its way nobody knows.
            assert!(
                found == number || found == last + 1,
                "round {round}: {found} for {number}"
            );
        }
        // A number never follows a larger one of its key (the one that was on its way is sent again), and nothing is there
        // that was gone.
        let mut newest = BTreeMap::new();
        for (_, key, value) in &found {
            let number: u64 = value.as_ref().unwrap().parse().unwrap();
            assert!(
                newest
                    .insert(key, number)
                    .is_none_or(|earlier| earlier <= number)
            );
        }
        for stored in found.iter().filter(|(offset, ..)| *offset < known_end) {
            assert!(
                before.contains(stored),
                "round {round}: {stored:?} came back"
            );
        }

        let publishing = tokio::spawn(publish(
            Client::connect_to(broker.address).await,
            Arc::clone(&acknowledged),
        ));
        let enough = last + 150 + (round as u64 * 37) % 100;
        let busy = async {
            while acknowledged.load(Ordering::SeqCst) < enough || before.len() == known_end as usize
            {
                let (found, end) = read(&mut client).await;
                (before, known_end) = (found.into_iter().collect(), end);
            }
        };
        tokio::time::timeout(PATIENCE, busy)
            .await
            .expect("something is published, and compacted");
        broker.kill();
        publishing.await.unwrap();
    }
}
