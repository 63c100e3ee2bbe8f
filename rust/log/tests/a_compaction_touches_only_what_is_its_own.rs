//! What a compaction must not be led into by the batches it meets, by the little memory it has, or by what happens to its
//! directory meanwhile.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod compacting;
mod support;

use std::fs;

use compacting::{CONFIG, compact, compact_at, delete, entries, keyed, open, put, roll};
use kafkalite_log::{Compactor, CompactorSettings, LogConfig, LogError};
use support::NOW;

#[test]
fn a_tombstone_from_the_beginning_of_time_does_not_stop_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    put(&log, "a", "1");
    let pairs = [("a", None), ("b", Some("2"))];
    let tombstone = keyed(NOW - i64::MAX, &pairs);
    log.append(&tombstone, &support::CLIENT).unwrap();
    put(&log, "b", "3");
    roll(&log);
    compact(&log, 0);
    let left: Vec<i64> = entries(&log).iter().map(|entry| entry.offset).collect();
    assert_eq!(left, [1, 3]);
}

#[test]
fn the_time_of_a_tombstone_begins_when_what_it_deletes_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        delete_retention_ms: 1000,
        ..CONFIG
    };
    let log = open(dir.path(), &config);
    put(&log, "a", "1");
    let pairs = [("b", Some("2")), ("a", None)];
    log.append(&keyed(NOW, &pairs), &support::CLIENT).unwrap();
    roll(&log);
    // Room for one key: "a", and the batch that deletes it is beyond that.
    let mut compactor = Compactor::new(CompactorSettings {
        dedupe_buffer_bytes: 0,
        ..CompactorSettings::default()
    });
    let first = log
        .compact(
            &log.cleanable(0, NOW).unwrap(),
            &mut compactor,
            NOW,
            &mut |_| true,
        )
        .unwrap();
    assert_eq!((first.first_dirty, entries(&log).len()), (1, 3));
    let second = log
        .compact(
            &log.cleanable(1, NOW).unwrap(),
            &mut compactor,
            NOW,
            &mut |_| true,
        )
        .unwrap()
        .first_dirty;
    assert_eq!(second, 2);
    assert_eq!(entries(&log).len(), 3, "the value is there yet");
    // Long after. Somebody may have read the value a moment ago.
    compact_at(&log, 2, NOW + 5000);
    let left: Vec<i64> = entries(&log).iter().map(|entry| entry.offset).collect();
    assert_eq!(left, [1, 2]);
    compact_at(&log, 2, NOW + 10_000);
    assert_eq!(entries(&log).len(), 1);
}

#[test]
fn it_leaves_the_directory_of_a_topic_that_was_created_anew_alone() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("t-0");
    let log = open(&dir, &CONFIG);
    for number in 0..10 {
        put(&log, "same", &number.to_string());
    }
    delete(&log, "same");
    roll(&log);
    let mut asked = 0;
    let mut compactor = Compactor::new(CompactorSettings::default());
    let stopped = log.compact(
        &log.cleanable(0, NOW).unwrap(),
        &mut compactor,
        NOW,
        &mut |_| {
            asked += 1;
            if asked == 1 {
                // The keys are known, and nothing is written yet.
                log.abandon();
                fs::rename(&dir, root.path().join("t-0.retired-delete")).unwrap();
                fs::create_dir(&dir).unwrap();
            }
            true
        },
    );
    assert!(
        matches!(
            stopped,
            Err(LogError::Closed { .. } | LogError::CompactionStopped { .. })
        ),
        "{stopped:?}"
    );
    assert_eq!(asked, 1);
    let found: Vec<_> = fs::read_dir(&dir).unwrap().flatten().collect();
    assert!(found.is_empty(), "{found:?}");
}
