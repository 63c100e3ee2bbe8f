//! Somebody appends, somebody compacts, and others read from the start again and again: nobody waits for anybody, and no
//! reader meets anything that was not there, or out of order, or twice.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod compacting;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use compacting::{CONFIG, compact, entries, open, put};
use kafkalite_log::{Compactor, CompactorSettings, LogConfig};

const NOW: i64 = 1_700_000_000_000;
const RECORDS: i64 = 6_000;
const KEYS: i64 = 31;

#[test]
fn nobody_is_disturbed() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 4000,
        index_interval_bytes: 200,
        file_delete_delay_ms: 0,
        ..CONFIG
    };
    let log = open(dir.path(), &config);
    let (written, done) = (AtomicI64::new(-1), AtomicBool::new(false));
    let (mut compactions, mut readings) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..RECORDS {
                let key = format!("key {}", number % KEYS);
                assert_eq!(put(&log, &key, &number.to_string()), number);
                written.store(number, Ordering::Release);
            }
            done.store(true, Ordering::Release);
        });
        let compacting = scope.spawn(|| {
            let mut compactor = Compactor::new(CompactorSettings::default());
            let (mut dirty, mut count) = (0, 0);
            while !done.load(Ordering::Acquire) {
                let compacted = log.compact(
                    &log.cleanable(dirty, NOW).unwrap(),
                    &mut compactor,
                    NOW,
                    &mut |_| true,
                );
                dirty = compacted.unwrap().first_dirty;
                log.retain(NOW).unwrap();
                count += 1;
            }
            count
        });
        let read = || {
            let mut count = 0;
            while !done.load(Ordering::Acquire) {
                let before = written.load(Ordering::Acquire);
                let mut newest: HashMap<String, i64> = HashMap::new();
                let mut last = -1;
                for entry in entries(&log) {
                    assert!(entry.offset > last);
                    last = entry.offset;
                    // A value is the offset that it was given.
                    assert_eq!(entry.value.unwrap(), entry.offset.to_string());
                    assert_eq!(
                        entry.key.clone().unwrap(),
                        format!("key {}", entry.offset % KEYS)
                    );
                    newest.insert(entry.key.unwrap(), entry.offset);
                }
                assert!(last >= before);
                for offset in (before - KEYS + 1).max(0)..=before {
                    assert!(newest[&format!("key {}", offset % KEYS)] >= offset);
                }
                count += 1;
            }
            count
        };
        let readers = [scope.spawn(read), scope.spawn(read)];
        compactions += compacting.join().unwrap();
        readings += readers
            .map(|reader| reader.join().unwrap())
            .iter()
            .sum::<i32>();
    });
    assert!(compactions > 0 && readings > 0);
    let done = compact(&log, 0);
    assert_eq!(done.records_after, KEYS as u64);
}
