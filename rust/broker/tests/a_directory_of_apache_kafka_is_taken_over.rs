//! What Apache Kafka left behind is served as it was: topics with their ids, records, offsets, producers.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::fs;
use std::path::Path;

use kafkalite_wire::ErrorCode;
use support::data::{fetch_by_id, fetched, from};
use support::{Client, restart};

/// The directories of brokers that are their own controllers.
const WITHOUT_ZOOKEEPER: [&str; 2] = ["kafka-4.3", "kafka-4.4"];

/// A copy of one of the directories that the log's tests keep.
fn copy_of(name: &str) -> tempfile::TempDir {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../log/tests/golden")
        .join(name);
    let dir = tempfile::tempdir().unwrap();
    copy(&golden, dir.path());
    dir
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry
            .path()
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The offsets of the records that the golden file beside the directory lists.
fn golden_offsets(name: &str, topic: &str) -> Vec<i64> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../log/tests/golden")
        .join(name)
        .join(format!("{topic}.jsonl"));
    let text = fs::read_to_string(file).unwrap();
    let offset = |line: &str| line.split(['{', ':', ',']).nth(2).unwrap().parse().unwrap();
    text.lines().map(offset).collect()
}

#[tokio::test]
async fn topics_keep_their_ids_and_records() {
    for version in WITHOUT_ZOOKEEPER {
        let dir = copy_of(version);
        let metadata = fs::read_to_string(dir.path().join("codecs-0/partition.metadata")).unwrap();
        let id = metadata
            .lines()
            .find_map(|line| line.strip_prefix("topic_id: "))
            .unwrap();
        let id = kafkalite_names::ids::from_text(id).unwrap();
        for run in 0..2 {
            let broker = restart(dir.path(), &[]).await;
            let mut client = Client::connect(&broker).await;
            let codecs = client.describe("codecs").await;
            assert_eq!(
                (codecs.error_code, codecs.topic_id),
                (ErrorCode::None, id),
                "run {run}"
            );
            for topic in ["codecs", "append-time"] {
                let found = client.read_all(topic, 0, 0).await;
                let offsets: Vec<i64> = found.iter().map(|(offset, _)| *offset).collect();
                let expected = golden_offsets(version, topic);
                assert_eq!(offsets[..expected.len()], expected, "{topic}");
                assert_eq!(
                    offsets.len(),
                    expected.len() + if topic == "codecs" { run } else { 0 }
                );
            }
            let next = client.offset_at("codecs", 0, -1).await;
            assert_eq!(client.put("codecs", 0, &["ours"]).await, next.offset);

            // A fetch that knows the epoch of the leader that there was.
            let epoch = codecs.partitions[0].leader_epoch;
            let mut request = fetch_by_id(id, vec![from(0, 0)]);
            request.session_epoch = -1;
            request.topics[0].partitions[0].current_leader_epoch = epoch;
            assert_eq!(
                fetched(client.ask(18, &request).await)[0].error_code,
                ErrorCode::None
            );
            broker.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn ids_of_its_producers_are_not_given_out_again() {
    for version in WITHOUT_ZOOKEEPER {
        let dir = copy_of(version);
        let broker = restart(dir.path(), &[]).await;
        let mut client = Client::connect(&broker).await;
        let last = client.offset_at("transactions", 0, -1).await.offset - 1;
        let mut used = -1;
        let bytes = client
            .fetch("transactions", 0, 0)
            .await
            .records
            .into_bytes();
        for batch in kafkalite_records::batches(&bytes) {
            used = used.max(batch.unwrap().header().producer_id);
        }
        assert!(last > 0 && used >= 0);
        assert!(client.producer_id().await > used);
    }
}

#[tokio::test]
async fn message_sets_of_old_formats_are_served_as_they_are() {
    let dir = copy_of("kafka-1.1");
    let broker = restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    for (topic, magic) in [("format-0.9.0", 0), ("format-0.10.0", 1)] {
        let fetched = client.fetch(topic, 0, 0).await;
        assert_eq!(fetched.error_code, ErrorCode::None);
        assert_eq!(fetched.records.into_bytes()[16], magic);
        let expected = golden_offsets("kafka-1.1", topic);
        assert_eq!(fetched.high_watermark, expected.last().unwrap() + 1);
        client.put(topic, 0, &["of the new format"]).await;
    }
}
