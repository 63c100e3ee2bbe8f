//! Apache Kafka's own dump tool finds our segments, indexes and producer snapshots sound, and reads every record.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

mod peer;

use std::fs;
use std::path::{Path, PathBuf};

use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, Log, LogConfig, OpenOptions};
use kafkalite_records::{
    BatchBuilder, BatchHeader, BatchOrigin, Compression, Compressor, Header, TimestampType,
};

const NOW: i64 = 1_700_000_000_000;
/// So many that the last segment has index entries: of a preallocated index without any, the tool reads zeros as one.
const BATCHES: i32 = 150;

/// A log of many small segments: every codec, two idempotent producers and others, two leader epochs, timestamps that
/// go back now and then, headers that do not say the largest. Answers also what was written, as the tool prints it.
fn written(dir: &Path, timestamp_type: TimestampType) -> (Log, Vec<String>) {
    let config = LogConfig {
        segment_bytes: 8 * 1024,
        index_interval_bytes: 256,
        segment_index_bytes: 1024,
        timestamp_type,
        ..LogConfig::default()
    };
    let (log, _) = Log::open(dir, config, &OpenOptions::default()).unwrap();
    let mut expected = Vec::new();
    for number in 0..BATCHES {
        let codec = Compression::ALL[number as usize % Compression::ALL.len()];
        let mut builder = BatchBuilder::new(1 << 20);
        for record in 0..=number % 7 {
            let timestamp = NOW + i64::from(number) * 1000 - i64::from(record % 3) * 5000;
            let (key, value) = (
                format!("key-{record}"),
                format!("value-{number}-{record}-{}", "x".repeat(40)),
            );
            let offset = expected.len();
            let taken = builder.try_append(
                timestamp,
                Some(key.as_bytes()),
                Some(value.as_bytes()),
                &[Header::new("number", number.to_string().as_bytes())],
            );
            assert!(taken);
            expected.push(format!("{offset} key: {key} payload: {value}"));
        }
        let origin = match number % 3 {
            2 => BatchOrigin::ANONYMOUS,
            producer => BatchOrigin {
                producer_id: 1000 + i64::from(producer),
                producer_epoch: 0,
                base_sequence: sequence_of(number),
                transactional: false,
            },
        };
        let mut compressor = Compressor::new(codec, None).unwrap();
        let batch = said(number, &builder.build(0, origin, &mut compressor).unwrap());
        let options = AppendOptions {
            leader_epoch: i32::from(number >= BATCHES / 2),
            now_ms: NOW + i64::from(number) * 1000,
            origin: Origin::Client,
        };
        log.append(&batch, &options).unwrap();
    }
    (log, expected)
}

/// The batch as some producers send it: the largest timestamp is not set, or is one that no record has.
fn said(number: i32, batch: &[u8]) -> Vec<u8> {
    let mut header = BatchHeader::parse(batch).unwrap();
    match number % 4 {
        1 => header.max_timestamp = -1,
        2 => header.max_timestamp += 3_000_000,
        _ => {}
    }
    let payload = &batch[BatchHeader::LEN..];
    [&header.sealed(payload).to_bytes()[..], payload].concat()
}

/// How many records the same producer has sent before batch `number`.
fn sequence_of(number: i32) -> i32 {
    (0..number)
        .filter(|before| before % 3 == number % 3)
        .map(|before| before % 7 + 1)
        .sum()
}

fn files(dir: &Path, suffixes: &[&str]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        suffixes
            .iter()
            .any(|suffix| path.extension().is_some_and(|found| found == *suffix))
    });
    files.sort();
    files
}

fn dump(files: &[PathBuf], option: &str) -> String {
    let files: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    peer::run(peer::script("kafka").args([
        "run",
        "org.apache.kafka.tools.DumpLogSegments",
        "--files",
        &files.join(","),
        option,
    ]))
}

/// What the tool says of something that is not as it should be; it does not fail then.
fn complaints(output: &str) -> Vec<&str> {
    let phrases = [
        "ismatch",
        "out of order",
        "is followed by", // a gap between offsets
        "isvalid: false",
        "xception",
        "corrupt",
        "not found",
    ];
    // Kafka 4.3's finds a gap before the first record of every segment but the first, also in Kafka's own.
    let own_quirk = |line: &str| line.contains(" -1 is followed by ");
    let lines = output.lines().filter(|line| !own_quirk(line));
    lines
        .filter(|line| phrases.iter().any(|phrase| line.contains(phrase)))
        .collect()
}

/// `<offset> key: <key> payload: <value>` of each record in the tool's output.
fn records(output: &str) -> Vec<String> {
    let parse = |line: &str| {
        let (offset, rest) = line.strip_prefix("| offset: ")?.split_once(' ')?;
        Some(format!("{offset} {}", &rest[rest.find("key: ")?..]))
    };
    output.lines().filter_map(parse).collect()
}

/// Lets the tool look at everything. While a log is open its last indexes are preallocated, and the tool's check of
/// sanity, which is the one that a starting Kafka makes, takes the zeros for entries, in Kafka's own directories too.
fn check(dir: &Path, expected: &[String], closed: bool) {
    let (logs, indexes) = (files(dir, &["log"]), files(dir, &["index", "timeindex"]));
    assert!(logs.len() > 3, "{} segments", logs.len());
    assert_eq!(indexes.len(), 2 * logs.len());

    let output = dump(&logs, "--print-data-log");
    assert_eq!(complaints(&output), [""; 0]);
    assert_eq!(records(&output), expected);
    for codec in Compression::ALL {
        assert!(
            output.contains(&format!("compresscodec: {codec}")),
            "{codec}"
        );
    }

    if closed {
        let output = dump(&indexes, "--index-sanity-check");
        assert_eq!(
            output.matches("passed sanity check").count(),
            indexes.len(),
            "{output}"
        );
    }
    let output = dump(&indexes, "--verify-index-only");
    assert_eq!(complaints(&output), [""; 0]);
    let output = dump(&indexes, "--deep-iteration");
    assert_eq!(complaints(&output), [""; 0]);
    assert!(
        output.matches("position: ").count() > logs.len(),
        "{output}"
    );
}

#[test]
fn segments_indexes_and_snapshots_are_sound_while_open_and_after_close() {
    if !peer::available() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("clicks-0");
    let (log, expected) = written(&dir, TimestampType::Create);
    check(&dir, &expected, false);
    log.close().unwrap();
    check(&dir, &expected, true);

    let snapshots = files(&dir, &["snapshot"]);
    assert!(snapshots.len() > 3);
    let output = dump(&snapshots, "--deep-iteration");
    assert_eq!(complaints(&output), [""; 0]);
    let last = &output[output.rfind("Dumping").unwrap()..];
    for producer in [1000, 1001] {
        assert!(
            last.contains(&format!(
                "producerId: {producer} producerEpoch: 0 coordinatorEpoch: -1"
            )),
            "{last}"
        );
    }
}

#[test]
fn so_they_are_when_the_log_stamps_the_records() {
    if !peer::available() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("clicks-0");
    let (log, expected) = written(&dir, TimestampType::LogAppend);
    log.close().unwrap();
    check(&dir, &expected, true);
}

#[test]
fn so_they_are_after_a_recovery_that_built_the_indexes_anew() {
    if !peer::available() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("clicks-0");
    let (log, expected) = written(&dir, TimestampType::Create);
    let config = (*log.config()).clone();
    drop(log);
    for index in files(&dir, &["index", "timeindex", "snapshot"]) {
        fs::remove_file(index).unwrap();
    }
    let (log, recovered) = Log::open(&dir, config, &OpenOptions::default()).unwrap();
    assert_eq!(recovered.segments_rebuilt, log.segment_bases().len());
    check(&dir, &expected, false);
    log.close().unwrap();
    check(&dir, &expected, true);
}

#[test]
fn the_tool_would_have_complained() {
    if !peer::available() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let (log, _) = written(temp.path(), TimestampType::Create);
    log.close().unwrap();
    let index = files(temp.path(), &["timeindex"]).swap_remove(1);
    let mut bytes = fs::read(&index).unwrap();
    bytes[7] ^= 1; // the first entry's timestamp
    fs::write(&index, bytes).unwrap();
    assert_ne!(complaints(&dump(&[index], "--verify-index-only")), [""; 0]);
}
