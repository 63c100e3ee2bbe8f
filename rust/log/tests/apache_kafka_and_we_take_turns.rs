//! One data directory, opened by Apache Kafka and by us in turn: each finds all that the other wrote, and goes on.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

mod peer;
mod reading;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafkalite_log::PartitionName;
use kafkalite_log::datadir::{DataDir, Expected};
use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, Log, LogConfig, LogError, OpenOptions, Recovered};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};

/// Of each codec, by Kafka's client.
const BY_CLIENT: i64 = 60;
/// By Kafka's performance tool, to fill some segments.
const BY_TOOL: i64 = 15_000;
/// By us.
const BY_US: i64 = 500;

/// Apache Kafka in a directory.
struct Kafka {
    dir: PathBuf,
    address: String,
    pid: String,
}

impl Kafka {
    fn start(dir: &Path) -> Self {
        let ready = peer::run(peer::script("kafka").arg("start").arg(dir).arg("0"));
        let (address, pid) = ready
            .trim_end()
            .strip_prefix("kafka ")
            .unwrap()
            .split_once(" pid=")
            .unwrap();
        Self {
            dir: dir.to_owned(),
            address: address.to_owned(),
            pid: pid.to_owned(),
        }
    }

    fn stop(self, signal: &str) {
        peer::run(peer::script("kafka").arg("stop").arg(&self.dir).arg(signal));
    }

    fn tool(&self, class: &str, arguments: &[&str]) {
        let mut command = peer::script("kafka");
        command.args(["run", class, "--bootstrap-server", &self.address]);
        peer::run(command.args(arguments));
    }

    /// Publishes records with keys, headers and timestamps, as of `start`.
    fn produce(&self, codec: Compression, start: i64) {
        let mut lines = String::new();
        for number in start..start + BY_CLIENT {
            let value = STANDARD.encode(format!(
                "{codec} {number} {}",
                "y".repeat(number as usize % 100)
            ));
            let key = if number % 4 == 0 {
                "null".to_owned()
            } else {
                format!("\"{}\"", STANDARD.encode(number.to_string()))
            };
            let timestamp = 1_700_000_000_000 + number;
            writeln!(lines, r#"{{"timestamp":{timestamp},"key":{key},"value":"{value}","headers":[["h","aGk="]]}}"#).unwrap();
        }
        let mut command = peer::script("java-client");
        command.args(["produce", &self.address, "turns", "0", &codec.to_string()]);
        let mut client = command.stdin(Stdio::piped()).spawn().unwrap();
        client
            .stdin
            .take()
            .unwrap()
            .write_all(lines.as_bytes())
            .unwrap();
        assert!(client.wait().unwrap().success());
    }

    fn consume(&self, count: i64) -> Vec<String> {
        let mut command = peer::script("java-client");
        let output =
            peer::run(command.args(["consume", &self.address, "turns", "0", &count.to_string()]));
        output
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(str::to_owned)
            .collect()
    }
}

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 1 << 20,
        ..LogConfig::default()
    }
}

fn turns() -> PartitionName {
    PartitionName::new("turns", 0).unwrap()
}

/// Opens Kafka's directory and the log in it.
fn open(dir: &Path) -> (DataDir, Log, Recovered) {
    let dir = DataDir::open(&dir.join("data"), &Expected::default()).unwrap();
    assert!(
        dir.list()
            .unwrap()
            .partitions
            .iter()
            .any(|found| found.partition == turns() && found.topic_id.is_some())
    );
    let options = OpenOptions {
        recovery_point: dir
            .recovery_points()
            .read()
            .unwrap()
            .get(&turns())
            .copied()
            .unwrap_or(0),
        log_start_offset: dir
            .start_offsets()
            .read()
            .unwrap()
            .get(&turns())
            .copied()
            .unwrap_or(0),
        clean_shutdown: dir.was_clean(),
        ..OpenOptions::default()
    };
    let (log, recovered) = Log::open(dir.partition_path(&turns()), config(), &options).unwrap();
    (dir, log, recovered)
}

fn close(dir: DataDir, log: &Log) {
    log.close().unwrap();
    let mut recovery_points = dir.recovery_points().read().unwrap();
    recovery_points.insert(turns(), log.end_offset());
    dir.recovery_points().write(&recovery_points).unwrap();
    dir.close_clean().unwrap();
}

/// Appends batches of ten records, idempotently.
fn append(log: &Log) {
    let epoch = log.epoch_of(log.end_offset() - 1).unwrap();
    for batch in 0..BY_US / 10 {
        let mut builder = BatchBuilder::new(1 << 20);
        for record in 0..10 {
            let value = format!("ours {batch} {record} {}", "z".repeat(batch as usize));
            assert!(builder.try_append(
                1_700_000_100_000 + batch,
                Some(b"k"),
                Some(value.as_bytes()),
                &[]
            ));
        }
        let origin = BatchOrigin {
            producer_id: 999_000,
            producer_epoch: 0,
            base_sequence: batch as i32 * 10,
            transactional: false,
        };
        let codec = Compression::ALL[batch as usize % Compression::ALL.len()];
        let batch = builder
            .build(0, origin, &mut Compressor::new(codec, None).unwrap())
            .unwrap();
        let options = AppendOptions {
            leader_epoch: epoch,
            now_ms: 1_700_000_200_000,
            origin: Origin::Client,
        };
        log.append(&batch, &options).unwrap();
    }
}

#[test]
fn each_finds_all_that_the_other_wrote() {
    if !peer::available() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path();

    // Kafka writes.
    let kafka = Kafka::start(path);
    kafka.tool(
        "org.apache.kafka.tools.TopicCommand",
        &[
            "--create",
            "--topic",
            "turns",
            "--partitions",
            "1",
            "--config",
            "segment.bytes=1048576",
            "--config",
            "retention.ms=-1",
        ],
    );
    for (round, codec) in Compression::ALL.into_iter().enumerate() {
        kafka.produce(codec, round as i64 * BY_CLIENT);
    }
    let count = BY_TOOL.to_string();
    kafka.tool(
        "org.apache.kafka.tools.ProducerPerformance",
        &[
            "--topic",
            "turns",
            "--num-records",
            &count,
            "--record-size",
            "200",
            "--throughput",
            "-1",
        ],
    );
    let written = Compression::ALL.len() as i64 * BY_CLIENT + BY_TOOL;
    let by_kafka = kafka.consume(written);
    assert_eq!(by_kafka.len() as i64, written);

    // While it runs the directory is its own.
    let refused = DataDir::open(&path.join("data"), &Expected::default()).unwrap_err();
    assert!(
        matches!(refused, LogError::DirectoryInUse { .. }),
        "{refused}"
    );
    assert!(
        refused
            .to_string()
            .contains(&format!("process {} (java)", kafka.pid)),
        "{refused}"
    );

    // We read it, and write.
    kafka.stop("TERM");
    let (dir, log, recovered) = open(path);
    assert_eq!(recovered, Recovered::default());
    assert!(log.segment_bases().len() > 2);
    assert!(
        reading::lines(&log) == by_kafka,
        "Kafka read one thing, we another"
    );
    append(&log);
    assert_eq!(log.end_offset(), written + BY_US);
    let ours = reading::lines(&log);
    close(dir, &log);

    // Kafka reads it, writes again, and is killed.
    let kafka = Kafka::start(path);
    assert!(
        kafka.consume(written + BY_US) == ours,
        "we read one thing, Kafka another"
    );
    kafka.produce(Compression::Zstd, 1000);
    let by_kafka = kafka.consume(written + BY_US + BY_CLIENT);
    kafka.stop("KILL");

    // We recover it.
    let (dir, log, recovered) = open(path);
    assert!(!dir.was_clean());
    assert_eq!((recovered.bytes_cut, recovered.segments_removed), (0, 0));
    assert!(recovered.segments_rebuilt > 0);
    assert!(
        reading::lines(&log) == by_kafka,
        "Kafka read one thing, we recovered another"
    );
}
