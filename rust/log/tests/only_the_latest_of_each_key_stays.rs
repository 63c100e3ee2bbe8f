//! What compaction keeps, what it removes, and that nobody who reads is disturbed by it.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod compacting;
mod support;

use std::fs;

use compacting::{
    CONFIG, Entry, FOREVER, compact, compact_at, delete, entries, keyed, latest, open, put, roll,
};
use kafkalite_log::{Compactor, CompactorSettings, LogConfig, LogError, ReadUpTo};
use kafkalite_records::{BatchOrigin, Compression};
use support::{NOW, read_batches};

fn values(entries: &[Entry]) -> Vec<(i64, &str)> {
    entries
        .iter()
        .map(|entry| (entry.offset, entry.value.as_deref().unwrap_or("(gone)")))
        .collect()
}

#[test]
fn only_the_latest_of_each_key_stays_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"), ("b", "5")] {
        put(&log, key, value);
    }
    roll(&log);
    put(&log, "a", "6"); // in the active segment: it neither goes nor supersedes
    let before = entries(&log);
    let done = compact(&log, 0);
    let after = entries(&log);
    assert_eq!(values(&after), [(2, "3"), (3, "4"), (4, "5"), (6, "6")]);
    assert!(after.iter().all(|entry| before.contains(entry)));
    assert_eq!(
        (
            done.first_dirty,
            done.keys,
            done.records_before,
            done.records_after
        ),
        (5, 3, 5, 3)
    );
    assert!(done.bytes_after < done.bytes_before);
    assert_eq!((log.start_offset(), log.end_offset()), (0, 7));
}

#[test]
fn a_read_at_an_offset_that_is_gone_gives_what_comes_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for number in 0..100 {
        put(
            &log,
            if number == 70 { "b" } else { "a" },
            &number.to_string(),
        );
    }
    roll(&log);
    compact(&log, 0);
    for (offset, expected) in [(0, 70), (69, 70), (70, 70), (71, 99), (99, 99)] {
        let slice = log.read(offset, 1, ReadUpTo::HighWatermark, true).unwrap();
        let batch = kafkalite_records::BatchHeader::parse(&slice.bytes().unwrap()).unwrap();
        assert_eq!(batch.base_offset, expected, "{offset}");
        assert_eq!(slice.next_offset(), expected + 1);
    }
    let end = log.read(101, 1, ReadUpTo::HighWatermark, true).unwrap();
    assert!(end.is_empty());
}

#[test]
fn times_are_found_in_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for number in 0..200 {
        let key = (number % 20).to_string();
        log.append(&keyed(NOW + number, &[(&key, Some("v"))]), &support::CLIENT)
            .unwrap();
    }
    roll(&log);
    compact(&log, 0);
    let found = |time| log.offset_for_timestamp(time).unwrap().unwrap().offset;
    assert_eq!(
        (found(0), found(NOW + 50), found(NOW + 185)),
        (180, 180, 185)
    );
    assert_eq!(log.offset_of_max_timestamp().unwrap().unwrap().offset, 199);
}

#[test]
fn the_newest_message_is_found_where_the_batch_of_the_largest_time_was_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    let append = |time, key: &str| log.append(&keyed(time, &[(key, Some("v"))]), &support::CLIENT);
    append(NOW, "a").unwrap();
    append(NOW + 9, "b").unwrap();
    roll(&log);
    append(NOW + 5, "b").unwrap();
    roll(&log);
    let one_each = LogConfig {
        segment_bytes: 100,
        ..CONFIG
    };
    log.reconfigure(one_each);
    compact(&log, 0);
    assert_eq!(values(&entries(&log)), [(0, "v"), (3, "v")]);
    let newest = log.offset_of_max_timestamp().unwrap().unwrap();
    assert_eq!((newest.offset, newest.timestamp), (3, NOW + 5));
}

#[test]
fn a_tombstone_stays_until_everybody_had_time_to_see_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        delete_retention_ms: 1000,
        ..CONFIG
    };
    let log = open(dir.path(), &config);
    put(&log, "a", "1");
    put(&log, "b", "2");
    delete(&log, "a");
    roll(&log);
    let dirty = compact_at(&log, 0, NOW).first_dirty;
    let seen = entries(&log);
    assert_eq!(values(&seen), [(1, "2"), (2, "(gone)")]);
    assert_eq!(seen[1].timestamp, NOW);
    let horizon = |log: &kafkalite_log::Log| {
        let batches = read_batches(log, 2);
        (batches[0].has_delete_horizon(), batches[0].base_timestamp)
    };
    assert_eq!(horizon(&log), (true, NOW + 1000));

    // Not sooner, and the time counts from the first compaction.
    put(&log, "c", "3");
    roll(&log);
    let dirty = compact_at(&log, dirty, NOW + 999).first_dirty;
    assert_eq!(horizon(&log), (true, NOW + 1000));
    assert_eq!(values(&entries(&log)), [(1, "2"), (2, "(gone)"), (4, "3")]);
    put(&log, "d", "4");
    roll(&log);
    compact_at(&log, dirty, NOW + 1000);
    assert_eq!(values(&entries(&log)), [(1, "2"), (4, "3"), (6, "4")]);
}

#[test]
fn batches_of_every_codec_lose_records_and_keep_their_codec() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for codec in Compression::ALL {
        let text = "x".repeat(300);
        let own = codec.to_string();
        let batch = compacting::batch(
            NOW,
            &[
                ("shared", Some(&text)),
                (&own, Some(&text)),
                ("shared", Some(&text)),
            ],
            codec,
            BatchOrigin::ANONYMOUS,
        );
        log.append(&batch, &support::CLIENT).unwrap();
    }
    roll(&log);
    let done = compact(&log, 0);
    assert_eq!((done.records_before, done.records_after), (15, 6));
    let offsets: Vec<i64> = entries(&log).iter().map(|entry| entry.offset).collect();
    assert_eq!(offsets, [1, 4, 7, 10, 13, 14]);
    let codecs = &read_batches(&log, 0)[..5];
    assert!(
        codecs
            .iter()
            .map(kafkalite_records::BatchHeader::compression)
            .eq(Compression::ALL)
    );
    assert!(codecs.iter().all(|header| header.last_offset_delta == 2));
}

#[test]
fn a_batch_that_loses_nothing_is_copied_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    put(&log, "a", "old");
    let appended = put(&log, "b", "kept");
    put(&log, "a", "new");
    roll(&log);
    let read = || {
        let slice = log.read(appended, 1, ReadUpTo::End, true).unwrap();
        slice.bytes().unwrap().to_vec()
    };
    let before = read();
    compact(&log, 0);
    assert_eq!(read(), before);
}

#[test]
fn an_idempotent_producer_goes_on_after_its_records_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    let write = |log: &kafkalite_log::Log, sequence| {
        let origin = BatchOrigin {
            producer_id: 7,
            producer_epoch: 0,
            base_sequence: sequence,
            transactional: false,
        };
        let batch = compacting::batch(NOW, &[("k", Some("v"))], Compression::None, origin);
        log.append(&batch, &support::CLIENT)
    };
    for sequence in 0..3 {
        write(&log, sequence).unwrap();
    }
    put(&log, "k", "later");
    roll(&log);
    compact(&log, 0);
    assert_eq!(values(&entries(&log)), [(3, "later")]);
    // The last batch alone tells it after a crash without snapshots.
    drop(log);
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|suffix| suffix == "snapshot") {
            fs::remove_file(path).unwrap();
        }
    }
    let log = open(dir.path(), &CONFIG);
    assert!(matches!(
        write(&log, 4),
        Err(LogError::OutOfOrderSequence { expected: 3, .. })
    ));
    assert!(write(&log, 2).unwrap().duplicate);
    assert!(!write(&log, 3).unwrap().duplicate);
}

#[test]
fn small_neighbours_are_joined_and_their_files_go_later() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        file_delete_delay_ms: 1000,
        ..CONFIG
    };
    let log = open(dir.path(), &config);
    for number in 0..6 {
        put(&log, "same", &number.to_string());
        roll(&log);
    }
    assert_eq!(log.segment_bases(), [0, 1, 3, 5, 7, 9, 11]);
    let done = compact_at(&log, 0, NOW);
    assert_eq!((done.segments_before, done.segments_after), (6, 1));
    assert_eq!(log.segment_bases(), [0, 11]);
    let count = |suffix: &str| {
        let names = fs::read_dir(dir.path()).unwrap().flatten();
        names
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(suffix))
            .count()
    };
    assert_eq!((count(".log"), count(".log.deleted")), (2, 6));
    log.retain(NOW + 999).unwrap();
    assert_eq!(count(".log.deleted"), 6);
    log.retain(NOW + 1000).unwrap();
    assert_eq!(
        (count(".deleted"), count(".cleaned"), count(".swap")),
        (0, 0, 0)
    );
    assert_eq!(
        (count(".log"), count(".index"), count(".snapshot")),
        (2, 2, 1)
    );
}

#[test]
fn a_slice_that_is_held_stays_what_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        file_delete_delay_ms: 0,
        ..CONFIG
    };
    let log = open(dir.path(), &config);
    for number in 0..50 {
        put(&log, "same", &number.to_string());
    }
    roll(&log);
    let slice = log.read(0, 1 << 20, ReadUpTo::End, true).unwrap();
    let mapped = slice.bytes().unwrap();
    let before = mapped.to_vec();
    compact(&log, 0);
    log.retain(NOW + FOREVER).unwrap();
    assert_eq!(entries(&log).len(), 1);
    assert_eq!(&mapped[..], before);
    let mut copied = Vec::new();
    slice.read_into(&mut copied).unwrap();
    assert_eq!(copied, before);
}

#[test]
fn a_log_with_more_keys_than_memory_is_compacted_step_by_step() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for round in 0..3 {
        for number in 0..40 {
            put(&log, &number.to_string(), &round.to_string());
        }
    }
    roll(&log);
    let mut compactor = Compactor::new(CompactorSettings {
        dedupe_buffer_bytes: 24 * 20,
        ..CompactorSettings::default()
    });
    let (mut dirty, mut steps) = (0, 0);
    let end = *log.segment_bases().last().unwrap();
    while dirty < end {
        let done = log
            .compact(
                &log.cleanable(dirty, NOW).unwrap(),
                &mut compactor,
                NOW,
                &mut |_| true,
            )
            .unwrap();
        assert!(done.first_dirty > dirty && done.keys <= 18, "{done:?}");
        (dirty, steps) = (done.first_dirty, steps + 1);
    }
    assert!(steps > 3);
    let left = entries(&log);
    assert_eq!(left.len(), 40);
    assert!(left.iter().all(|entry| entry.value.as_deref() == Some("2")));
}

#[test]
fn a_clean_log_is_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for number in 0..10 {
        put(&log, &number.to_string(), "v");
    }
    roll(&log);
    let file = dir.path().join(format!("{:020}.log", 0));
    let inode = || std::os::unix::fs::MetadataExt::ino(&fs::metadata(&file).unwrap());
    let before = inode();
    let done = compact(&log, 0);
    assert_eq!((done.records_before, done.records_after), (10, 10));
    assert_eq!(inode(), before);
    let left = log.cleanable(done.first_dirty, NOW).unwrap();
    assert_eq!((left.first_dirty, left.dirty_bytes), (10, 0));
}

#[test]
fn records_without_a_key_from_before_go() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(
        dir.path(),
        &LogConfig {
            compacted: false,
            ..CONFIG
        },
    );
    support::append(&log, &[b"no key"]);
    log.reconfigure(CONFIG);
    put(&log, "a", "1");
    roll(&log);
    compact(&log, 0);
    assert_eq!(values(&entries(&log)), [(1, "1")]);
}

#[test]
fn a_corrupt_batch_makes_a_log_uncleanable_and_nothing_is_lost() {
    // Of the sixth batch: its base offset, which no checksum covers; its length; its records.
    for (damaged, bit) in [(0, 1), (7, 1), (8, 1), (65, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path(), &CONFIG);
        let sizes: Vec<u64> = (0..10)
            .map(|number| {
                put(&log, "same", &number.to_string());
                log.size()
            })
            .collect();
        roll(&log);
        let path = dir.path().join(format!("{:020}.log", 0));
        let mut bytes = fs::read(&path).unwrap();
        bytes[sizes[4] as usize + damaged] ^= bit;
        let file = fs::File::options().write(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
        let mut compactor = Compactor::new(CompactorSettings::default());
        let outcome = log.compact(
            &log.cleanable(0, NOW).unwrap(),
            &mut compactor,
            NOW,
            &mut |_| true,
        );
        assert!(
            matches!(outcome, Err(LogError::Uncleanable { .. })),
            "byte {damaged}: {outcome:?}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes);
        let mut left = fs::read_dir(dir.path()).unwrap().flatten();
        assert!(!left.any(|entry| entry.file_name().to_string_lossy().ends_with("cleaned")));
        put(&log, "same", "goes on");
    }
}

#[test]
fn a_compaction_that_is_told_to_stop_changes_nothing_and_can_be_taken_up_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for number in 0..10 {
        put(&log, "same", &number.to_string());
    }
    roll(&log);
    let before = entries(&log);
    let mut compactor = Compactor::new(CompactorSettings::default());
    for allowed in 0..2 {
        let mut left = allowed;
        let mut go_on = |_| {
            left -= 1;
            left >= 0
        };
        let error = log
            .compact(
                &log.cleanable(0, NOW).unwrap(),
                &mut compactor,
                NOW,
                &mut go_on,
            )
            .unwrap_err();
        assert!(
            matches!(error, LogError::CompactionStopped { .. }),
            "{error}"
        );
        assert_eq!(entries(&log), before);
    }
    compact(&log, 0);
    assert_eq!(latest(&entries(&log)).len(), 1);
    assert_eq!(entries(&log).len(), 1);
}
