//! A compacted log against a model, under everything that may happen to it in any order: a reader from the start ends with
//! the last value of every key, and whatever it meets is where it was when it was written.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod compacting;
mod support;

use std::path::Path;

use compacting::{CONFIG, Entry, batch, entries, latest};
use kafkalite_log::{Compactor, CompactorSettings, Log, LogConfig, OpenOptions, ReadUpTo};
use kafkalite_records::{BatchOrigin, Compression};
use proptest::prelude::*;
use support::{CLIENT, NOW, read_batches};

const RETENTION_MS: i64 = 1000;

#[derive(Clone, Debug)]
enum Event {
    /// Keys, each with a value or a tombstone, in one batch.
    Append(Vec<(u8, bool)>, usize),
    /// One record of an idempotent producer.
    AppendSequenced(u8),
    /// The producer sends its last batch again.
    Retry,
    /// With memory for so many keys.
    Compact(u64),
    /// Compaction is told to stop after so many reads and writes.
    Interrupt(u64),
    /// Forgets this share of the log (in 1/100).
    DeleteRecords(i64),
    Reopen,
    /// Without a clean stop, trusting what was flushed or nothing.
    Crash(bool),
    Wait(i64),
    Resize(u32),
}

fn event() -> impl Strategy<Value = Event> {
    let pairs = prop::collection::vec((0..12u8, prop::bool::weighted(0.8)), 1..5);
    prop_oneof![
        10 => (pairs, 0..5usize).prop_map(|(pairs, codec)| Event::Append(pairs, codec)),
        3 => (0..12u8).prop_map(Event::AppendSequenced),
        1 => Just(Event::Retry),
        4 => (0..20u64).prop_map(Event::Compact),
        1 => (0..6u64).prop_map(Event::Interrupt),
        1 => (0..=30i64).prop_map(Event::DeleteRecords),
        1 => Just(Event::Reopen),
        1 => any::<bool>().prop_map(Event::Crash),
        2 => (0..2 * RETENTION_MS).prop_map(Event::Wait),
        1 => (600..3000u32).prop_map(Event::Resize),
    ]
}

struct World<'a> {
    dir: &'a Path,
    config: LogConfig,
    log: Option<Log>,
    /// All that was ever appended.
    written: Vec<Entry>,
    start: i64,
    now: i64,
    compacted_to: i64,
    /// Sequence, offset and batch of what the producer wrote last.
    last_sequenced: Option<(i32, i64, Vec<u8>)>,
}

impl World<'_> {
    fn log(&self) -> &Log {
        self.log.as_ref().expect("open between events")
    }

    fn open(&mut self, clean_shutdown: bool, recovery_point: i64) {
        let options = OpenOptions {
            clean_shutdown,
            recovery_point,
            log_start_offset: self.start,
            now_ms: self.now,
            ..OpenOptions::default()
        };
        let (log, recovered) = Log::open(self.dir, self.config.clone(), &options).unwrap();
        assert_eq!((recovered.bytes_cut, recovered.segments_removed), (0, 0));
        self.log = Some(log);
    }

    fn append(&mut self, pairs: &[(u8, bool)], codec: Compression, origin: BatchOrigin) -> i64 {
        let end = self.written.len() as i64;
        let owned: Vec<(String, Option<String>)> = (end..)
            .zip(pairs)
            .map(|(offset, (key, value))| {
                (
                    format!("key {key}"),
                    value.then(|| format!("value {offset}")),
                )
            })
            .collect();
        let pairs: Vec<(&str, Option<&str>)> = owned
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_deref()))
            .collect();
        let bytes = batch(self.now, &pairs, codec, origin);
        let appended = self.log().append(&bytes, &CLIENT).unwrap();
        assert_eq!(appended.first_offset, end);
        for (offset, (key, value)) in (end..).zip(owned) {
            self.written.push(Entry {
                offset,
                timestamp: self.now,
                key: Some(key),
                value,
            });
        }
        if origin.producer_id >= 0 {
            self.last_sequenced = Some((origin.base_sequence, end, bytes));
        }
        end
    }

    fn compact(&mut self, keys: u64, stop_after: u64) {
        let mut compactor = Compactor::new(CompactorSettings {
            dedupe_buffer_bytes: keys * 24,
            ..CompactorSettings::default()
        });
        let mut left = stop_after;
        let mut go_on = |_| {
            left = left.saturating_sub(1);
            left > 0
        };
        let cleanable = self.log().cleanable(self.compacted_to, self.now).unwrap();
        let log = self.log.as_ref().unwrap();
        if let Ok(done) = log.compact(&cleanable, &mut compactor, self.now, &mut go_on) {
            assert!(done.first_dirty >= cleanable.first_dirty);
            assert!(done.first_dirty > cleanable.first_dirty || cleanable.dirty_bytes == 0);
            self.compacted_to = done.first_dirty;
        } else {
            assert!(stop_after < u64::MAX);
        }
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Append(pairs, codec) => {
                self.append(pairs, Compression::ALL[*codec], BatchOrigin::ANONYMOUS);
            }
            Event::AppendSequenced(key) => {
                let last = self.last_sequenced.as_ref();
                let origin = BatchOrigin {
                    producer_id: 7,
                    producer_epoch: 0,
                    base_sequence: last.map_or(0, |(sequence, ..)| sequence + 1),
                    transactional: false,
                };
                self.append(&[(*key, true)], Compression::None, origin);
            }
            Event::Retry => {
                // What is before the start is forgotten, and with it who wrote it.
                if let Some((_, offset, bytes)) = &self.last_sequenced
                    && *offset >= self.start
                {
                    let again = self.log().append(bytes, &CLIENT).unwrap();
                    assert!(again.duplicate);
                    assert_eq!(again.first_offset, *offset);
                }
            }
            Event::Compact(keys) => self.compact(*keys, u64::MAX),
            Event::Interrupt(after) => self.compact(100, *after),
            Event::DeleteRecords(share) => {
                self.start += (self.written.len() as i64 - self.start) * share / 100;
                self.log().delete_records_before(self.start).unwrap();
                self.log().retain(self.now).unwrap();
            }
            Event::Reopen => {
                self.log().close().unwrap();
                self.open(true, self.written.len() as i64);
            }
            Event::Crash(trusting) => {
                let log = self.log.take().unwrap();
                let recovery_point = if *trusting { log.recovery_point() } else { 0 };
                drop(log);
                self.open(false, recovery_point);
            }
            Event::Wait(ms) => self.now += ms,
            Event::Resize(segment_bytes) => {
                self.config.segment_bytes = *segment_bytes;
                self.log().reconfigure(self.config.clone());
            }
        }
    }

    fn check(&self) {
        let log = self.log();
        let end = self.written.len() as i64;
        assert_eq!((log.start_offset(), log.end_offset()), (self.start, end));
        let found = entries(log);
        let found: Vec<&Entry> = found.iter().filter(|e| e.offset >= self.start).collect();
        assert!(found.is_sorted_by(|one, next| one.offset < next.offset));
        for entry in &found {
            assert_eq!(**entry, self.written[entry.offset as usize]);
        }
        let of =
            |entries: &[&Entry]| latest(&entries.iter().map(|e| (*e).clone()).collect::<Vec<_>>());
        let all: Vec<&Entry> = self.written[self.start as usize..].iter().collect();
        assert_eq!(of(&found), of(&all));

        let active = *log.segment_bases().last().unwrap();
        let there = |entry: &&Entry| found.iter().any(|found| found.offset == entry.offset);
        let fresh = all.iter().filter(|entry| entry.offset >= active);
        assert!(fresh.into_iter().all(there), "the active segment is whole");
        for (at, entry) in all.iter().enumerate() {
            let superseded = all[at + 1..].iter().any(|later| later.key == entry.key);
            let seen_by_all = self.now - entry.timestamp >= RETENTION_MS;
            if !superseded && (entry.value.is_some() || !seen_by_all) {
                assert!(there(entry), "{entry:?} is gone");
            }
        }
        // From anywhere a reader gets the rest, and batches cover what they covered.
        let middle = i64::midpoint(self.start, end);
        if middle < end {
            let slice = log.read(middle, 1, ReadUpTo::End, true).unwrap();
            let first = kafkalite_records::BatchHeader::parse(&slice.bytes().unwrap()).unwrap();
            assert!(first.last_offset() >= middle);
        }
        let headers = read_batches(log, self.start);
        assert!(headers.is_sorted_by(|one, next| one.last_offset() < next.base_offset));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(events in prop::collection::vec(event(), 1..100)) {
        let dir = tempfile::tempdir().unwrap();
        let config = LogConfig {
            segment_bytes: 700,
            index_interval_bytes: 100,
            segment_index_bytes: 240,
            delete_retention_ms: RETENTION_MS,
            file_delete_delay_ms: 0,
            ..CONFIG
        };
        let mut world = World {
            dir: dir.path(), config, log: None, written: Vec::new(), start: 0, now: NOW,
            compacted_to: 0, last_sequenced: None,
        };
        world.open(false, 0);
        for event in &events {
            world.happen(event);
            world.check();
        }
    }
}
