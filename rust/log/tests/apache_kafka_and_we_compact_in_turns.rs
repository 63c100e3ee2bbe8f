//! One compacted topic, compacted by Apache Kafka and by us in turn: each reads what the other left, and goes on; and
//! Kafka's own dump tool finds our compacted segments sound.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

mod compacting;
mod peer;
mod reading;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use compacting::{CONFIG, batch, compact, delete, entries, latest, put, roll};
use kafkalite_log::PartitionName;
use kafkalite_log::datadir::{DataDir, Expected};
use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, Log, LogConfig, OpenOptions};
use kafkalite_records::{BatchOrigin, Compression};

const NOW: i64 = 1_700_000_000_000;
/// How long Kafka may take before the test gives up; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(90);

fn files(dir: &Path, suffixes: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let wanted = |path: &PathBuf| {
        let kind = path.extension().and_then(|kind| kind.to_str());
        kind.is_some_and(|kind| suffixes.contains(&kind))
    };
    files.retain(wanted);
    files.sort();
    files
}

fn dump(files: &[PathBuf], option: &str) -> String {
    let files: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    let class = "org.apache.kafka.tools.DumpLogSegments";
    let files = files.join(",");
    peer::run(peer::script("kafka").args(["run", class, "--files", &files, option]))
}

/// What the tool finds wrong. Gaps between offsets, which it tells too, are what compaction is for.
fn complaints(output: &str) -> Vec<&str> {
    let phrases = [
        "ismatch",
        "out of order",
        "isvalid: false",
        "xception",
        "corrupt",
        "not found",
    ];
    let mut found: Vec<&str> = output.lines().collect();
    found.retain(|line| phrases.iter().any(|phrase| line.contains(phrase)));
    found
}

#[test]
fn its_dump_tool_finds_our_compacted_segments_sound() {
    if !peer::available() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("clicks-0");
    let config = LogConfig {
        segment_bytes: 16 << 10,
        index_interval_bytes: 256,
        segment_index_bytes: 1200,
        ..CONFIG
    };
    let log = compacting::open(&dir, &config);
    let mut sequence = 0;
    for number in 0..400 {
        let text = "x".repeat(200);
        let (shared, own) = (format!("shared {}", number % 40), format!("own {number}"));
        let pairs = [
            (shared.as_str(), (number % 9 != 0).then_some(text.as_str())),
            (own.as_str(), Some(text.as_str())),
        ];
        // Some batches lose all of their records.
        let pairs = &pairs[..=usize::from(number % 5 != 0)];
        let origin = if number % 3 == 0 {
            BatchOrigin::ANONYMOUS
        } else {
            BatchOrigin {
                producer_id: 7,
                producer_epoch: 0,
                base_sequence: sequence,
                transactional: false,
            }
        };
        sequence += if number % 3 == 0 {
            0
        } else {
            pairs.len() as i32
        };
        let timestamp = NOW + i64::from(number) * 1000 - i64::from(number % 4) * 7000;
        let options = AppendOptions {
            leader_epoch: i32::from(number >= 200),
            now_ms: NOW,
            origin: Origin::Client,
        };
        let batch = batch(
            timestamp,
            pairs,
            Compression::ALL[number as usize % 5],
            origin,
        );
        log.append(&batch, &options).unwrap();
    }
    roll(&log);
    let done = compact(&log, 0);
    assert!(done.records_after * 4 < done.records_before * 3, "{done:?}");
    let records: usize = entries(&log).len();
    log.close().unwrap();

    let logs = files(&dir, &["log"]);
    assert!(logs.len() > 3);
    let output = dump(&logs, "--print-data-log");
    assert_eq!(complaints(&output), [""; 0]);
    let data = output.lines().filter(|line| line.starts_with("| offset: "));
    // One more begins the active segment.
    assert_eq!(data.count(), records + 1);
    assert!(
        output.contains("deleteHorizonMs: OptionalLong["),
        "{output}"
    );
    let indexes = files(&dir, &["index", "timeindex"]);
    let output = dump(&indexes, "--index-sanity-check");
    let sound = |line: &&str| line.ends_with("passed sanity check.") || line.ends_with("is empty.");
    let sound = output.lines().filter(sound).count();
    assert_eq!(sound, indexes.len(), "{output}");
    for option in ["--verify-index-only", "--deep-iteration"] {
        let output = dump(&indexes, option);
        assert_eq!(complaints(&output), [""; 0]);
    }
}

/// Apache Kafka in a directory, compacting as soon as it can.
struct Kafka {
    dir: PathBuf,
    address: String,
}

impl Kafka {
    fn start(dir: &Path) -> Kafka {
        let mut command = peer::script("kafka");
        command.arg("start").arg(dir).args(["0"]);
        command.args([
            "log.cleaner.backoff.ms=50",
            "log.cleaner.min.cleanable.ratio=0.01",
        ]);
        let ready = peer::run(&mut command);
        let address = ready.trim_end().strip_prefix("kafka ").unwrap();
        let (address, _) = address.split_once(" pid=").unwrap();
        Kafka {
            dir: dir.to_owned(),
            address: address.to_owned(),
        }
    }

    fn stop(self, signal: &str) {
        peer::run(peer::script("kafka").arg("stop").arg(&self.dir).arg(signal));
    }

    /// Publishes values of 2,000 bytes under 50 keys in turn, and answers the last of each.
    fn produce(&self, numbers: std::ops::Range<i64>) -> BTreeMap<String, String> {
        let (mut lines, mut last) = (String::new(), BTreeMap::new());
        for number in numbers {
            let key = format!("key {}", number % 50);
            let value = format!("{number} {}", "y".repeat(2000));
            let (key64, value64) = (STANDARD.encode(&key), STANDARD.encode(&value));
            let timestamp = NOW + number;
            writeln!(
                lines,
                r#"{{"timestamp":{timestamp},"key":"{key64}","value":"{value64}","headers":[]}}"#
            )
            .unwrap();
            last.insert(key, value);
        }
        let mut command = peer::script("java-client");
        command.args(["produce", &self.address, "turns", "0", "none"]);
        let mut client = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = client.stdin.take().unwrap();
        input.write_all(lines.as_bytes()).unwrap();
        drop(input);
        assert!(client.wait().unwrap().success());
        last
    }

    fn consume(&self, count: usize) -> Vec<String> {
        let mut command = peer::script("java-client");
        command.args(["consume", &self.address, "turns", "0", &count.to_string()]);
        let output = peer::run(&mut command);
        let lines = output.lines().filter(|line| line.starts_with('{'));
        lines.map(str::to_owned).collect()
    }

    /// Waits until its cleaner has come beyond `offset`.
    fn compacts_beyond(&self, offset: i64) {
        let began = Instant::now();
        while compacted_to(&self.dir) <= offset {
            assert!(began.elapsed() < PATIENCE, "Kafka does not compact");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn compacted_to(dir: &Path) -> i64 {
    let text = fs::read_to_string(dir.join("data/cleaner-offset-checkpoint")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("turns 0 "));
    line.map_or(0, |offset| offset.parse().unwrap())
}

fn turns() -> PartitionName {
    PartitionName::new("turns", 0).unwrap()
}

fn open(dir: &Path) -> (DataDir, Log) {
    let dir = DataDir::open(&dir.join("data"), &Expected::default()).unwrap();
    let recovery_points = dir.recovery_points().read().unwrap();
    let options = OpenOptions {
        recovery_point: recovery_points.get(&turns()).copied().unwrap_or(0),
        clean_shutdown: dir.was_clean(),
        ..OpenOptions::default()
    };
    let config = LogConfig {
        index_interval_bytes: 4096,
        segment_index_bytes: 10 << 20,
        ..CONFIG
    };
    let (log, recovered) = Log::open(dir.partition_path(&turns()), config, &options).unwrap();
    assert_eq!((recovered.bytes_cut, recovered.segments_removed), (0, 0));
    (dir, log)
}

fn close(dir: DataDir, log: &Log, compacted_to: i64) {
    log.close().unwrap();
    let note = |file: kafkalite_log::checkpoint::OffsetCheckpoint, offset| {
        let mut offsets = file.read().unwrap();
        offsets.insert(turns(), offset);
        file.write(&offsets).unwrap();
    };
    note(dir.recovery_points(), log.end_offset());
    note(dir.compacted(), compacted_to);
    dir.close_clean().unwrap();
}

#[test]
fn each_goes_on_where_the_other_has_compacted() {
    if !peer::available() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path();

    // Kafka writes and compacts.
    let kafka = Kafka::start(path);
    let mut create = peer::script("kafka");
    create.args(["run", "org.apache.kafka.tools.TopicCommand"]);
    create.args([
        "--bootstrap-server",
        &kafka.address,
        "--create",
        "--topic",
        "turns",
    ]);
    create.args(["--partitions", "1", "--config", "cleanup.policy=compact"]);
    peer::run(create.args(["--config", "segment.bytes=1048576"]));
    let mut expected = kafka.produce(0..2000);
    kafka.compacts_beyond(1000);
    kafka.stop("TERM");

    // We read it, write and compact.
    let (dir, log) = open(path);
    let found = entries(&log);
    assert!(found.len() < 1500, "{}", found.len());
    assert!(latest(&found) == expected);
    for number in 0..1500 {
        let key = format!("key {}", number % 70);
        let value = format!("ours {number} {}", "z".repeat(1000));
        put(&log, &key, &value);
        expected.insert(key, value);
    }
    delete(&log, "key 3");
    expected.remove("key 3");
    roll(&log);
    let done = compact(&log, dir.compacted().read().unwrap()[&turns()]);
    assert!(done.records_after < 200, "{done:?}");
    assert!(latest(&entries(&log)) == expected);
    let ours = reading::lines(&log);
    let compacted_by_us = done.first_dirty;
    close(dir, &log, compacted_by_us);

    // Kafka reads it, writes and compacts again, and is killed.
    let kafka = Kafka::start(path);
    assert!(
        kafka.consume(ours.len()) == ours,
        "we left one thing, Kafka reads another"
    );
    expected.extend(kafka.produce(5000..7000));
    kafka.compacts_beyond(compacted_by_us);
    kafka.stop("KILL");

    // We recover it, and compact what it had not.
    let (dir, log) = open(path);
    assert!(latest(&entries(&log)) == expected);
    roll(&log);
    let done = compact(&log, dir.compacted().read().unwrap()[&turns()]);
    assert!(done.records_after < 200, "{done:?}");
    assert!(latest(&entries(&log)) == expected);
}
