//! Data directories that Apache Kafka wrote (see `golden/make`) are opened, and every record comes back as Kafka's own
//! consumer read it; what we derive from its segments is what it had derived.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

mod reading;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kafkalite_log::datadir::{DataDir, Expected, PartitionDir};
use kafkalite_log::{Log, LogConfig, OpenOptions, Recovered};

/// The golden directories of brokers that are their own controllers.
const WITHOUT_ZOOKEEPER: [&str; 2] = ["kafka-4.3", "kafka-4.4"];

/// A copy of a golden directory, for the test to change.
struct Golden {
    original: PathBuf,
    copy: tempfile::TempDir,
}

impl Golden {
    fn copy(name: &str) -> Self {
        let original = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(name);
        let copy = tempfile::tempdir().unwrap();
        copy_dir(&original, copy.path());
        Self { original, copy }
    }

    fn open(&self) -> DataDir {
        DataDir::open(self.copy.path(), &Expected::default()).unwrap()
    }

    fn expected(&self, topic: &str) -> Vec<String> {
        let text = fs::read_to_string(self.original.join(format!("{topic}.jsonl"))).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Files of a partition's directory as Kafka wrote them, by name.
    fn files(&self, partition: &PartitionDir) -> BTreeMap<String, Vec<u8>> {
        files(&self.original.join(partition.path.file_name().unwrap()))
    }
}

fn copy_dir(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (from, name) = entry
            .map(|entry| (entry.path(), entry.file_name()))
            .unwrap();
        if from.is_dir() {
            fs::create_dir(to.join(&name)).unwrap();
            copy_dir(&from, &to.join(name));
        } else {
            fs::copy(&from, to.join(name)).unwrap();
        }
    }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: fs::DirEntry| {
        (
            entry.file_name().into_string().unwrap(),
            fs::read(entry.path()).unwrap(),
        )
    };
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| read(entry.unwrap()))
        .collect()
}

/// As the brokers that wrote the golden directories were configured.
fn config() -> LogConfig {
    LogConfig {
        index_interval_bytes: 128,
        ..LogConfig::default()
    }
}

#[test]
fn after_a_clean_stop_every_record_is_there_and_nothing_is_mended() {
    for version in WITHOUT_ZOOKEEPER {
        let golden = Golden::copy(version);
        let dir = golden.open();
        assert!(dir.was_clean());
        let recovery_points = dir.recovery_points().read().unwrap();
        let listing = dir.list().unwrap();
        assert_eq!(listing.partitions.len(), 3);
        for found in listing.partitions {
            assert!(found.topic_id.is_some());
            let options = OpenOptions {
                recovery_point: recovery_points[&found.partition],
                clean_shutdown: dir.was_clean(),
                ..OpenOptions::default()
            };
            let (log, recovered) = Log::open(&found.path, config(), &options).unwrap();
            assert_eq!(
                recovered,
                Recovered::default(),
                "{version} {}",
                found.partition
            );
            assert_eq!(log.end_offset(), recovery_points[&found.partition]);
            assert_eq!(log.epoch_of(0), Some(0));
            assert_eq!(
                reading::lines(&log),
                golden.expected(found.partition.topic())
            );
            log.close().unwrap();
            assert_eq!(
                files(&found.path),
                golden.files(&found),
                "{}",
                found.partition
            );
        }
    }
}

#[test]
fn after_a_crash_indexes_and_snapshots_are_built_anew_as_kafka_had_built_them() {
    for version in WITHOUT_ZOOKEEPER {
        let golden = Golden::copy(version);
        let dir = golden.open();
        for found in dir.list().unwrap().partitions {
            for name in golden.files(&found).into_keys() {
                if !name.contains(".log") && name != "partition.metadata" {
                    fs::remove_file(found.path.join(name)).unwrap();
                }
            }
            let (log, recovered) =
                Log::open(&found.path, config(), &OpenOptions::default()).unwrap();
            assert_eq!(recovered.bytes_cut, 0, "{}", found.partition);
            assert_eq!(recovered.segments_rebuilt, log.segment_bases().len());
            assert_eq!(
                reading::lines(&log),
                golden.expected(found.partition.topic())
            );
            log.close().unwrap();

            let (ours, theirs) = (files(&found.path), golden.files(&found));
            let newest_snapshot = theirs
                .keys()
                .rfind(|name| name.ends_with(".snapshot"))
                .unwrap();
            for (name, content) in &theirs {
                // Snapshots between segments are not needed again, and only the newest is made.
                if !name.ends_with(".snapshot") || name == newest_snapshot {
                    assert_eq!(ours.get(name), Some(content), "{}/{name}", found.partition);
                }
            }
        }
    }
}

#[test]
fn formats_older_than_batches_are_read_too() {
    let golden = Golden::copy("kafka-1.1");
    let dir = golden.open();
    assert_eq!(dir.identity().node_id, 0);
    let listing = dir.list().unwrap();
    assert_eq!(listing.partitions.len(), 2);
    for clean_shutdown in [true, false] {
        for found in &listing.partitions {
            assert_eq!(found.topic_id, None);
            let options = OpenOptions {
                clean_shutdown,
                ..OpenOptions::default()
            };
            let (log, recovered) = Log::open(&found.path, config(), &options).unwrap();
            assert_eq!(recovered == Recovered::default(), clean_shutdown);
            assert_eq!((recovered.bytes_cut, recovered.segments_removed), (0, 0));
            assert_eq!(log.segment_bases(), [0, 10, 20, 30]);
            assert_eq!(
                reading::lines(&log),
                golden.expected(found.partition.topic())
            );
            drop(log);
            let (ours, theirs) = (files(&found.path), golden.files(found));
            for (name, content) in theirs.iter().filter(|(name, _)| {
                name.contains(".log") || !clean_shutdown && name.contains(".index")
            }) {
                assert_eq!(
                    ours[name][..content.len()],
                    content[..],
                    "{}/{name}",
                    found.partition
                );
            }
        }
    }
}
