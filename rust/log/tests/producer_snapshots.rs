//! Kafka's `.snapshot` files: what is written is read back, and nothing else is believed.

use std::fs;
use std::path::Path;

use kafkalite_log::producers::snapshot::encode;
use kafkalite_log::producers::{Admission, Origin, ProducerBatch, Producers, Staged};
use kafkalite_log::{LogError, Result, snapshots};
use kafkalite_world::disk::os;
use proptest::prelude::*;

fn decode(bytes: &[u8]) -> Result<Producers> {
    kafkalite_log::producers::snapshot::decode(Path::new("here.snapshot"), bytes)
}

fn refusal(bytes: &[u8]) -> String {
    match decode(bytes) {
        Err(LogError::MalformedFile { path, reason }) if path == Path::new("here.snapshot") => {
            reason
        }
        other => panic!("{other:?}"),
    }
}

fn producers(batches: &[ProducerBatch]) -> Producers {
    let mut producers = Producers::default();
    for batch in batches {
        producers.replay(batch);
    }
    producers
}

fn one(producer_id: i64, sequence: i32) -> ProducerBatch {
    ProducerBatch {
        producer_id,
        producer_epoch: 2,
        base_sequence: sequence,
        base_offset: 100,
        last_offset_delta: 9,
        max_timestamp: 1_700_000_000_000,
        transactional: false,
    }
}

fn reseal(bytes: &mut [u8]) {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[6..]) as u32;
    bytes[2..6].copy_from_slice(&crc.to_be_bytes());
}

#[test]
fn the_bytes_are_those_of_kafka() {
    // Field by field from Kafka's schema ProducerSnapshot, version 1.
    let bytes = encode(&producers(&[one(0x0102, 5)]));
    #[rustfmt::skip]
    let body = [
        0, 0, 0, 1,
        0, 0, 0, 0, 0, 0, 1, 2,
        0, 2,
        0, 0, 0, 14,
        0, 0, 0, 0, 0, 0, 0, 109,
        0, 0, 0, 9,
        0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0,
        255, 255, 255, 255,
        255, 255, 255, 255, 255, 255, 255, 255,
    ];
    assert_eq!(bytes[..2], [0, 1]);
    assert_eq!(bytes[6..], body);
}

#[test]
fn after_a_restart_the_last_batch_is_a_duplicate_and_the_next_is_new() {
    let loaded = decode(&encode(&producers(&[one(7, 0), one(7, 10)]))).unwrap();
    let admit = |batch| loaded.admit(&mut Staged::default(), Origin::Client, &batch);
    assert!(
        matches!(admit(one(7, 10)), Ok(Admission::Duplicate(earlier)) if earlier.last_offset == 109)
    );
    assert!(matches!(admit(one(7, 20)), Ok(Admission::New)));
    assert!(admit(one(7, 21)).is_err());
}

#[test]
fn what_is_not_a_snapshot_is_an_error() {
    let good = encode(&producers(&[one(7, 0), one(8, 0)]));
    for length in 0..good.len() {
        refusal(&good[..length]);
    }
    for position in 0..good.len() {
        let mut bad = good.clone();
        bad[position] ^= 0x10;
        refusal(&bad);
    }
    assert!(refusal(&[0, 9, 1, 1]).contains("version 9"));
}

#[test]
fn a_count_is_not_believed_even_with_a_right_checksum() {
    for count in [-1, 1, 3, i32::MAX, i32::MIN] {
        let mut bytes = encode(&producers(&[one(7, 0), one(8, 0)]));
        bytes[6..10].copy_from_slice(&count.to_be_bytes());
        reseal(&mut bytes);
        assert!(refusal(&bytes).contains(&format!("where {count} were announced")));
    }
}

#[test]
fn an_impossible_entry_is_refused_even_with_a_right_checksum() {
    for (position, there) in [
        (10, &[255u8; 8][..]),
        (20, &[255, 255, 255, 254]),
        (32, &[255; 4]),
    ] {
        let mut bytes = encode(&producers(&[one(7, 0)]));
        bytes[position..position + there.len()].copy_from_slice(there);
        reseal(&mut bytes);
        assert!(refusal(&bytes).contains("impossible"), "{position}");
    }
}

#[test]
fn the_newest_sound_snapshot_in_range_is_loaded_and_the_others_make_way() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for offset in [0, 10, 20, 30, 40, 50] {
        snapshots::write(
            &*os(),
            dir,
            offset,
            &encode(&producers(&[one(offset, 0)])),
            offset % 20 == 0,
        )
        .unwrap();
    }
    fs::write(snapshots::path(dir, 30), b"torn").unwrap();
    fs::write(dir.join("notes.snapshot"), b"not ours").unwrap();

    let (offset, loaded) = snapshots::load_newest(&*os(), dir, 0, 35, 35)
        .unwrap()
        .unwrap();
    assert_eq!(offset, 20);
    assert_eq!(loaded, producers(&[one(20, 0)]));
    assert_eq!(snapshots::list(&*os(), dir).unwrap(), [10, 20]);
    let (earlier, _) = snapshots::load_newest(&*os(), dir, 0, 35, 19)
        .unwrap()
        .unwrap();
    assert_eq!(earlier, 10);
    assert_eq!(snapshots::list(&*os(), dir).unwrap(), [10, 20]);
    assert!(dir.join("notes.snapshot").exists());

    assert!(
        snapshots::load_newest(&*os(), dir, 20, 35, 35)
            .unwrap()
            .is_none()
    );
    assert_eq!(snapshots::list(&*os(), dir).unwrap(), []);
}

#[test]
fn strays_go_but_the_one_of_a_clean_stop_stays() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let write = |offsets: &[i64]| {
        for offset in offsets {
            snapshots::write(&*os(), dir, *offset, &encode(&producers(&[])), false).unwrap();
        }
    };
    write(&[5, 10, 15, 20, 25, 33]);
    snapshots::remove_strays(&*os(), dir, &[0, 10, 20]).unwrap();
    assert_eq!(snapshots::list(&*os(), dir).unwrap(), [10, 20, 33]);
    write(&[5]);
    snapshots::remove_strays(&*os(), dir, &[0, 10, 40]).unwrap();
    assert_eq!(snapshots::list(&*os(), dir).unwrap(), [10]);
}

fn any_batch() -> impl Strategy<Value = ProducerBatch> {
    let numbers = (
        0..6i64,
        -1..9i16,
        -1..i32::MAX,
        0..i64::MAX / 2,
        0..i32::MAX,
    );
    (numbers, any::<i64>(), any::<bool>()).prop_map(|(numbers, max_timestamp, transactional)| {
        let (producer_id, producer_epoch, base_sequence, base_offset, last_offset_delta) = numbers;
        ProducerBatch {
            producer_id,
            producer_epoch,
            base_sequence,
            base_offset,
            last_offset_delta,
            max_timestamp,
            transactional,
        }
    })
}

proptest! {
    #[test]
    fn a_snapshot_keeps_the_last_batch_of_everyone(batches in prop::collection::vec(any_batch(), 0..40)) {
        let before = producers(&batches);
        let after = decode(&encode(&before)).unwrap();
        prop_assert_eq!(before.iter().len(), after.iter().len());
        for ((id, entry), (loaded_id, loaded)) in before.iter().zip(after.iter()) {
            prop_assert_eq!(id, loaded_id);
            prop_assert_eq!(entry.epoch, loaded.epoch);
            prop_assert_eq!(entry.last_batch(), loaded.last_batch());
            prop_assert_eq!(entry.transaction_start, loaded.transaction_start);
            prop_assert_eq!(entry.last_timestamp, loaded.last_timestamp);
        }
        prop_assert_eq!(encode(&after), encode(&before));
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }
}
