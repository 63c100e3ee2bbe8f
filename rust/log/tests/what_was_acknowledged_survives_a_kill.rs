//! A process that appends is killed with SIGKILL at any moment, again and again: what it had acknowledged is there, in
//! order, and of what it had not nothing is half there.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, Durability, Log, LogConfig, OpenOptions, ReadUpTo};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor, Records, batches};

const ROUNDS: u64 = 25;
const NOW: i64 = 1_700_000_000_000;

/// Small enough to roll now and then, with batches that take more than one page.
fn open(dir: &Path, recovery_point: i64, durability: Durability) -> Log {
    let config = LogConfig {
        segment_bytes: 1 << 20,
        index_interval_bytes: 1024,
        segment_index_bytes: 64 * 1024,
        durability,
        ..LogConfig::default()
    };
    let options = OpenOptions {
        recovery_point,
        ..OpenOptions::default()
    };
    Log::open(dir, config, &options).unwrap().0
}

/// The value of the record at `offset`: it names its offset, and its length depends on it.
fn value(offset: i64) -> Vec<u8> {
    let length = if offset % 97 == 0 {
        100_000
    } else {
        offset % 1000
    };
    let mut value = format!("{offset:020}").into_bytes();
    value.resize(20 + length as usize, offset as u8);
    value
}

/// The child: appends until it is killed, or nobody listens any more, and says after each append up to which offset.
#[expect(clippy::print_stdout, reason = "that is how it acknowledges")]
fn append_for_ever(dir: &Path, recovery_point: i64, durability: Durability) {
    let log = open(dir, recovery_point, durability);
    let mut compressor = Compressor::new(Compression::None, None).unwrap();
    let mut builder = BatchBuilder::new(1 << 24);
    loop {
        let first = log.end_offset();
        for offset in first..first + 1 + first % 20 {
            assert!(builder.try_append(NOW + offset, None, Some(&value(offset)), &[]));
        }
        // Idempotent, so that an append also fails if recovery has not understood where this producer is.
        let origin = BatchOrigin {
            producer_id: 7,
            producer_epoch: 0,
            base_sequence: first as i32,
            transactional: false,
        };
        let batch = builder.build(0, origin, &mut compressor).unwrap();
        let options = AppendOptions {
            leader_epoch: 0,
            now_ms: NOW,
            origin: Origin::Client,
        };
        let appended = log.append(&batch, &options).unwrap();
        if durability == Durability::Synced {
            log.flush_to(appended.last_offset + 1).unwrap();
        }
        assert_eq!(appended.first_offset, first);
        println!("acknowledged {}", appended.last_offset);
    }
}

/// Walks the log from `offset` to the end: every record is there, once, in order and whole.
fn check(log: &Log, mut offset: i64) {
    while offset < log.end_offset() {
        let bytes = log
            .read(offset, 1 << 20, ReadUpTo::End, true)
            .unwrap()
            .bytes()
            .unwrap();
        assert!(
            !bytes.is_empty(),
            "nothing at {offset}, the end is {}",
            log.end_offset()
        );
        for batch in batches(&bytes) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            for record in Records::new(batch.header(), batch.records_payload()) {
                let record = record.unwrap();
                if record.offset >= offset {
                    assert_eq!(record.offset, offset);
                    assert!(
                        record.value == Some(&value(offset)),
                        "the record at {offset} is another"
                    );
                    offset += 1;
                }
            }
        }
    }
    assert_eq!(offset, log.end_offset());
}

fn kill_again_and_again(test: &str, durability: Durability) {
    if let Some(dir) = std::env::var_os("KAFKALITE_TEST_APPEND") {
        let recovery_point = std::env::var("KAFKALITE_TEST_RECOVERY_POINT")
            .unwrap()
            .parse()
            .unwrap();
        append_for_ever(Path::new(&dir), recovery_point, durability);
    }
    let temp = tempfile::tempdir().unwrap();
    let (mut checked, mut died_in_an_append) = (0, 0);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env("KAFKALITE_TEST_APPEND", temp.path())
            .env("KAFKALITE_TEST_RECOVERY_POINT", checked.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = move || {
            let line = lines.by_ref().find_map(|line| {
                line.unwrap()
                    .split_once("acknowledged ")
                    .map(|(_, at)| at.to_owned())
            });
            line.map(|offset| offset.parse::<i64>().unwrap())
        };
        // Now after a few appends and now after many; and not always right after one.
        let mut last = -1;
        for _ in 0..=round * 7 % 40 {
            last = acknowledged().expect("the child appends until it is killed");
        }
        std::thread::sleep(Duration::from_micros(round * 379 % 3000));
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(offset) = acknowledged() {
            last = offset;
        }

        let log = open(temp.path(), checked, durability);
        assert!(
            log.end_offset() > last,
            "round {round}: {last} was acknowledged, the log ends at {}",
            log.end_offset()
        );
        died_in_an_append += u64::from(log.end_offset() > last + 1);
        check(&log, checked);
        checked = log.flush().unwrap();
        assert_eq!(checked, log.end_offset());
    }
    check(&open(temp.path(), 0, durability), 0);
    eprintln!(
        "{checked} records; killed {ROUNDS} times, {died_in_an_append} of them between append and acknowledgement"
    );
}

#[test]
fn visible_on_append() {
    kill_again_and_again("visible_on_append", Durability::Visible);
}

#[test]
fn visible_when_flushed() {
    kill_again_and_again("visible_when_flushed", Durability::Synced);
}
