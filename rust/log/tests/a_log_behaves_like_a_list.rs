//! The log against a model: a list of batches, under everything that may happen to a log in any order.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs;
use std::path::Path;

use kafkalite_log::{Log, LogConfig, OpenOptions, ReadUpTo};
use proptest::prelude::*;
use support::{CLIENT, NOW, batch, read_all, sequenced};

#[derive(Clone, Debug)]
enum Event {
    /// A batch of so many values of so many bytes.
    Append(usize, usize),
    /// One value of an idempotent producer.
    AppendSequenced(usize),
    /// The producer sends its last batch again.
    Retry,
    Flush,
    /// Keeps about so many bytes.
    Retain(u64),
    /// Forgets this share of the log (in 1/100).
    DeleteRecords(i64),
    Reopen,
    /// The active segment keeps this share of its bytes (in 1/1000); an index may be lost or hold garbage.
    Crash(u64, Damage),
    Resize(u32),
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Nothing,
    LostIndex,
    GarbageIndex(u8),
    GarbageBehind,
}

fn event() -> impl Strategy<Value = Event> {
    let damage = prop_oneof![
        Just(Damage::Nothing),
        Just(Damage::LostIndex),
        any::<u8>().prop_map(Damage::GarbageIndex),
        Just(Damage::GarbageBehind),
    ];
    prop_oneof![
        8 => (1..5usize, 0..200usize).prop_map(|(count, size)| Event::Append(count, size)),
        4 => (0..200usize).prop_map(Event::AppendSequenced),
        2 => Just(Event::Retry),
        1 => Just(Event::Flush),
        1 => (0..4000u64).prop_map(Event::Retain),
        1 => (0..=100i64).prop_map(Event::DeleteRecords),
        1 => Just(Event::Reopen),
        2 => (0..=1000u64, damage).prop_map(|(kept, damage)| Event::Crash(kept, damage)),
        1 => (1100..3000u32).prop_map(Event::Resize),
    ]
}

/// One batch that was appended and has not been lost.
#[derive(Clone, Debug)]
struct Stored {
    base_offset: i64,
    values: Vec<Vec<u8>>,
    size: u64,
    sequence: Option<i32>,
}

struct World<'a> {
    dir: &'a Path,
    config: LogConfig,
    log: Option<Log>,
    batches: Vec<Stored>,
    start: i64,
    end: i64,
    counter: usize,
}

impl World<'_> {
    fn log(&self) -> &Log {
        self.log.as_ref().expect("open between events")
    }

    fn value(&mut self, size: usize) -> Vec<u8> {
        self.counter += 1;
        format!("{} {}", self.counter, "v".repeat(size)).into_bytes()
    }

    fn append(&mut self, bytes: &[u8], values: Vec<Vec<u8>>, sequence: Option<i32>) {
        let appended = self.log().append(bytes, &CLIENT).unwrap();
        assert!(!appended.duplicate);
        assert_eq!(appended.first_offset, self.end);
        self.end += values.len() as i64;
        assert_eq!(appended.last_offset, self.end - 1);
        let base_offset = appended.first_offset;
        self.batches.push(Stored {
            base_offset,
            values,
            size: bytes.len() as u64,
            sequence,
        });
    }

    fn next_sequence(&self) -> i32 {
        self.batches
            .iter()
            .rev()
            .find_map(|batch| batch.sequence)
            .map_or(0, |sequence| sequence + 1)
    }

    fn open(&mut self, clean_shutdown: bool, recovery_point: i64) {
        let options = OpenOptions {
            clean_shutdown,
            recovery_point,
            log_start_offset: self.start,
            now_ms: NOW,
            ..OpenOptions::default()
        };
        self.log = Some(
            Log::open(self.dir, self.config.clone(), &options)
                .unwrap()
                .0,
        );
    }

    fn crash(&mut self, kept: u64, damage: Damage) {
        let log = self.log.take().expect("open between events");
        let bases = log.segment_bases();
        let base = *bases.last().unwrap();
        let flushed = log.flushed_offset();
        drop(log);

        let path = self.dir.join(format!("{base:020}.log"));
        let kept = fs::metadata(&path).unwrap().len() * kept / 1000;
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(kept).unwrap();
        let mut position = 0;
        self.batches.retain(|batch| {
            position += if batch.base_offset >= base {
                batch.size
            } else {
                0
            };
            batch.base_offset < base || position <= kept
        });
        self.end = self
            .batches
            .last()
            .map_or(base, |batch| batch.base_offset + batch.values.len() as i64)
            .max(base);
        if self.end < self.start {
            // All that was left is gone; the log starts anew where its records were deleted up to.
            self.batches.clear();
            self.end = self.start;
        }
        let index = self
            .dir
            .join(format!("{:020}.index", bases[kept as usize % bases.len()]));
        match damage {
            Damage::Nothing => {}
            Damage::LostIndex => fs::remove_file(index).unwrap(),
            Damage::GarbageIndex(byte) => fs::write(index, [byte; 64]).unwrap(),
            Damage::GarbageBehind => {
                let sound = fs::read(&path).unwrap();
                fs::write(&path, [&sound[..], &[7; 100]].concat()).unwrap();
            }
        }
        // Bytes that were flushed are there after a crash; where the test took some all the same, nothing is trusted.
        self.open(false, if self.end >= flushed { flushed } else { 0 });
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Append(count, size) => {
                let values: Vec<Vec<u8>> = (0..count).map(|_| self.value(size)).collect();
                let bytes = batch(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
                self.append(&bytes, values, None);
            }
            Event::AppendSequenced(size) => {
                let (value, sequence) = (self.value(size), self.next_sequence());
                self.append(&sequenced(7, sequence, &value), vec![value], Some(sequence));
            }
            Event::Retry => {
                // Still in the log, so surely known, also after a crash.
                let last = self
                    .batches
                    .iter()
                    .rev()
                    .find(|batch| batch.sequence.is_some());
                if let Some(last) = last.filter(|batch| batch.base_offset >= self.start) {
                    let bytes = sequenced(7, last.sequence.unwrap(), &last.values[0]);
                    let again = self.log().append(&bytes, &CLIENT).unwrap();
                    assert!(again.duplicate);
                    assert_eq!(again.first_offset, last.base_offset);
                }
            }
            Event::Flush => assert_eq!(self.log().flush().unwrap(), self.end),
            Event::Retain(bytes) => {
                self.config.retention_bytes = Some(bytes);
                self.log().reconfigure(self.config.clone());
                let before = self.log().size();
                let retained = self.log().retain(NOW).unwrap();
                assert_eq!(self.log().size(), before - retained.bytes);
                let first = self.log().segment_bases()[0];
                assert!(
                    first <= self.start || before - retained.bytes >= bytes,
                    "more went than had to"
                );
                self.start = self.start.max(first);
            }
            Event::DeleteRecords(share) => {
                self.start += (self.end - self.start) * share / 100;
                assert_eq!(
                    self.log().delete_records_before(self.start).unwrap(),
                    self.start
                );
            }
            Event::Reopen => {
                self.log().close().unwrap();
                self.open(true, self.end);
            }
            Event::Crash(kept, damage) => self.crash(kept, damage),
            Event::Resize(segment_bytes) => {
                self.config.segment_bytes = segment_bytes;
                self.log().reconfigure(self.config.clone());
            }
        }
    }

    fn check(&self) {
        let log = self.log();
        assert_eq!(
            (log.start_offset(), log.end_offset(), log.high_watermark()),
            (self.start, self.end, self.end)
        );
        let expected: Vec<(i64, Vec<u8>)> = self
            .batches
            .iter()
            .flat_map(|batch| (batch.base_offset..).zip(batch.values.iter().cloned()))
            .filter(|(offset, _)| *offset >= self.start)
            .collect();
        assert_eq!(
            read_all(log, self.start, 500, ReadUpTo::HighWatermark),
            expected
        );
        let middle = i64::midpoint(self.start, self.end);
        let rest = read_all(log, middle, 1, ReadUpTo::End);
        assert_eq!(rest, expected[(middle - self.start) as usize..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(events in prop::collection::vec(event(), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        let config = LogConfig {
            segment_bytes: 1500,
            index_interval_bytes: 200,
            segment_index_bytes: 240,
            retention_ms: None,
            file_delete_delay_ms: 0,
            ..LogConfig::default()
        };
        let mut world = World {
            dir: dir.path(), config, log: None, batches: Vec::new(), start: 0, end: 0, counter: 0,
        };
        world.open(false, 0);
        for event in &events {
            world.happen(event);
            world.check();
        }
    }
}
