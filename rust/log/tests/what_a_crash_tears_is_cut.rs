//! Opening after a crash: what is whole stays, what is torn goes, and the indexes are right again.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use kafkalite_log::{Log, LogConfig, OpenOptions, ReadUpTo};
use support::{CLIENT, NOW, append, batch, batch_at, open, open_clean, read_all, sequenced};

fn log_file(dir: &Path, base: i64) -> PathBuf {
    dir.join(format!("{base:020}.log"))
}

fn values(log: &Log) -> Vec<String> {
    let records = read_all(log, log.start_offset(), 1 << 20, ReadUpTo::End);
    records
        .into_iter()
        .map(|(_, value)| String::from_utf8(value).unwrap())
        .collect()
}

/// A directory as a crash leaves it: the log is dropped, not closed.
fn crashed(config: &LogConfig, count: i64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), config);
    for number in 0..count {
        append(&log, &[number.to_string().as_bytes()]);
    }
    dir
}

fn expected(count: i64) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[test]
fn the_last_batch_cut_at_any_byte_is_gone_and_the_rest_stays() {
    let config = LogConfig::default();
    let dir = crashed(&config, 3);
    let whole = fs::read(log_file(dir.path(), 0)).unwrap();
    let last = whole.len() / 3 * 2;
    for len in last..whole.len() {
        fs::write(log_file(dir.path(), 0), &whole[..len]).unwrap();
        let (log, recovered) = open(dir.path(), &config);
        assert_eq!(recovered.bytes_cut, (len - last) as u64);
        assert_eq!(values(&log), expected(2));
        assert_eq!(append(&log, &[b"again"]).first_offset, 2);
        assert_eq!(values(&log).last().unwrap(), "again");
    }
}

#[test]
fn any_flipped_byte_of_the_last_batch_is_noticed() {
    let config = LogConfig::default();
    let dir = crashed(&config, 2);
    let whole = fs::read(log_file(dir.path(), 0)).unwrap();
    let last = whole.len() / 2;
    for at in last..whole.len() {
        // The leader epoch is outside of the checksum, and any value of it is as good as another.
        if (12..16).contains(&(at - last)) {
            continue;
        }
        let mut hurt = whole.clone();
        hurt[at] ^= 0x40;
        fs::write(log_file(dir.path(), 0), &hurt).unwrap();
        let (log, _) = open(dir.path(), &config);
        // A base offset may move up without breaking the checksum; what it must not do is to go back or to repeat.
        if at - last >= 8 {
            assert_eq!(values(&log), expected(1), "byte {}", at - last);
        }
    }
}

#[test]
fn garbage_behind_the_end_is_cut() {
    let config = LogConfig::default();
    let dir = crashed(&config, 5);
    let sound = fs::read(log_file(dir.path(), 0)).unwrap();
    for garbage in [
        vec![0; 10_000],
        vec![0xff; 61],
        b"not a batch at all".to_vec(),
    ] {
        fs::write(log_file(dir.path(), 0), [&sound[..], &garbage].concat()).unwrap();
        let (log, recovered) = open(dir.path(), &config);
        assert_eq!(recovered.bytes_cut, garbage.len() as u64);
        assert_eq!(values(&log), expected(5));
        assert_eq!(
            fs::metadata(log_file(dir.path(), 0)).unwrap().len(),
            sound.len() as u64
        );
    }
}

#[test]
fn segments_behind_a_cut_are_removed() {
    let config = LogConfig {
        segment_bytes: 400,
        ..LogConfig::default()
    };
    let dir = crashed(&config, 30);
    let bases: Vec<i64> = open(dir.path(), &config).0.segment_bases();
    assert!(bases.len() > 4);
    let third = log_file(dir.path(), bases[2]);
    let len = fs::metadata(&third).unwrap().len();
    fs::File::options()
        .write(true)
        .open(&third)
        .unwrap()
        .set_len(len - 1)
        .unwrap();

    let (log, recovered) = open(dir.path(), &config);
    assert_eq!(recovered.segments_removed, bases.len() - 3);
    assert_eq!(values(&log), expected(bases[3] - 1));
    assert!(!log_file(dir.path(), bases[3]).exists());
}

#[test]
fn a_flushed_segment_is_not_walked_and_never_cut() {
    let config = LogConfig {
        segment_bytes: 400,
        ..LogConfig::default()
    };
    let dir = crashed(&config, 30);
    let bases: Vec<i64> = open(dir.path(), &config).0.segment_bases();
    let options = OpenOptions {
        recovery_point: *bases.last().unwrap(),
        now_ms: NOW,
        ..OpenOptions::default()
    };
    let (log, recovered) = Log::open(dir.path(), config, &options).unwrap();
    assert_eq!((recovered.segments_rebuilt, recovered.bytes_cut), (1, 0));
    assert_eq!(values(&log), expected(30));
}

#[test]
fn lost_or_cut_indexes_are_made_again() {
    let config = LogConfig {
        segment_bytes: 4000,
        index_interval_bytes: 100,
        ..LogConfig::default()
    };
    let dir = crashed(&config, 100);
    open(dir.path(), &config).0.close().unwrap();
    let indexes = || {
        let mut files: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|suffix| suffix == "index" || suffix == "timeindex")
            })
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = indexes();
    for (at, (path, bytes)) in before.iter().enumerate() {
        match at % 3 {
            0 => fs::remove_file(path).unwrap(),
            1 => fs::write(path, [&bytes[..], b"odd"].concat()).unwrap(),
            _ => {}
        }
    }
    let (log, _) = open_clean(dir.path(), &config);
    assert_eq!(values(&log), expected(100));
    log.close().unwrap();
    assert_eq!(indexes(), before);
}

#[test]
fn a_clean_stop_leaves_nothing_to_mend() {
    let config = LogConfig {
        segment_bytes: 400,
        ..LogConfig::default()
    };
    let dir = crashed(&config, 30);
    let (log, _) = open(dir.path(), &config);
    log.close().unwrap();
    let (log, recovered) = open_clean(dir.path(), &config);
    assert_eq!(recovered, kafkalite_log::Recovered::default());
    assert_eq!(log.flushed_offset(), 30);
    assert_eq!(values(&log), expected(30));
    assert_eq!(append(&log, &[b"30"]).first_offset, 30);
    assert_eq!(values(&log), expected(31));
}

#[test]
fn indexes_that_were_hurt_after_a_clean_stop_are_made_anew() {
    type Hurt = fn(&mut Vec<u8>);
    let hurts: [(&str, Hurt); 4] = [
        ("padded", |bytes| bytes.resize(bytes.len() + 240, 0)),
        ("emptied", Vec::clear),
        ("of another", |bytes| {
            for byte in bytes {
                *byte ^= 0x5a;
            }
        }),
        ("cut", |bytes| bytes.truncate(bytes.len() - 1)),
    ];
    let config = LogConfig {
        segment_bytes: 1000,
        index_interval_bytes: 100,
        ..LogConfig::default()
    };
    for suffix in ["index", "timeindex"] {
        for (what, hurt) in hurts {
            for first in [true, false] {
                let dir = tempfile::tempdir().unwrap();
                let (log, _) = open(dir.path(), &config);
                for number in 0..25 {
                    let batch = batch_at(NOW + number, &[number.to_string().as_bytes()]);
                    log.append(&batch, &CLIENT).unwrap();
                }
                let bases = log.segment_bases();
                log.close().unwrap();
                drop(log);
                let base = bases[if first { 0 } else { bases.len() - 1 }];
                let path = dir.path().join(format!("{base:020}.{suffix}"));
                let case = format!("{what}: {}", path.display());
                let sound = fs::read(&path).unwrap();
                let mut bytes = sound.clone();
                hurt(&mut bytes);
                fs::write(&path, bytes).unwrap();

                let (log, recovered) = open_clean(dir.path(), &config);
                assert_eq!(recovered.segments_rebuilt, 1, "{case}");
                for number in 0..25 {
                    let found = log.offset_for_timestamp(NOW + number).unwrap().unwrap();
                    assert_eq!(found.offset, number, "{case}");
                }
                log.close().unwrap();
                assert!(fs::read(&path).unwrap() == sound, "{case}");
            }
        }
    }
}

#[test]
fn producers_are_known_again_after_a_crash_and_after_a_stop() {
    let config = LogConfig {
        segment_bytes: 400,
        ..LogConfig::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &config);
    for sequence in 0..20 {
        log.append(&sequenced(7, sequence, b"x"), &CLIENT).unwrap();
    }
    drop(log);
    let (log, _) = open(dir.path(), &config);
    for sequence in 15..20 {
        let again = log.append(&sequenced(7, sequence, b"x"), &CLIENT).unwrap();
        assert_eq!(
            (again.duplicate, again.first_offset),
            (true, i64::from(sequence))
        );
    }
    assert!(log.append(&sequenced(7, 21, b"x"), &CLIENT).is_err());
    log.close().unwrap();
    drop(log);
    let (log, recovered) = open_clean(dir.path(), &config);
    assert_eq!(recovered.batches_replayed, 0);
    assert!(
        log.append(&sequenced(7, 19, b"x"), &CLIENT)
            .unwrap()
            .duplicate
    );
    assert_eq!(
        log.append(&sequenced(7, 20, b"x"), &CLIENT)
            .unwrap()
            .first_offset,
        20
    );
}

#[test]
fn of_several_batches_in_one_append_the_whole_ones_stay() {
    let config = LogConfig::default();
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &config);
    let bytes = [batch(&[b"0"]), batch(&[b"1"]), batch(&[b"2"])].concat();
    log.append(&bytes, &CLIENT).unwrap();
    drop(log);
    let path = log_file(dir.path(), 0);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(bytes.len() as u64 - 1)
        .unwrap();
    assert_eq!(values(&open(dir.path(), &config).0), expected(2));
}

#[test]
fn indexes_that_a_power_cut_left_as_zeros_are_not_believed() {
    let config = LogConfig {
        segment_bytes: 2000,
        index_interval_bytes: 100,
        ..LogConfig::default()
    };
    let dir = crashed(&config, 100);
    let log = open(dir.path(), &config).0;
    log.close().unwrap();
    let last = *log.segment_bases().last().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|suffix| suffix == "index" || suffix == "timeindex")
        {
            fs::write(&path, vec![0; fs::metadata(&path).unwrap().len() as usize]).unwrap();
        }
    }
    let options = OpenOptions {
        recovery_point: last,
        now_ms: NOW,
        ..OpenOptions::default()
    };
    let (log, _) = Log::open(dir.path(), config, &options).unwrap();
    assert_eq!(
        log.retain(NOW).unwrap().segments,
        0,
        "zeros are no timestamps"
    );
    assert_eq!(log.offset_for_timestamp(NOW).unwrap().unwrap().offset, 0);
    assert_eq!(values(&log), expected(100));
}

#[test]
fn a_rolled_segment_is_distrusted_until_its_indexes_are_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 3 * batch(&[b"x"]).len() as u32,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    for _ in 0..3 {
        append(&log, &[b"x"]);
    }
    assert_eq!((log.flush().unwrap(), log.recovery_point()), (3, 3));
    append(&log, &[b"x"]);
    assert_eq!(
        (log.flushed_offset(), log.recovery_point()),
        (3, 0),
        "rolled after its last flush"
    );
    log.flush_if_due(NOW).unwrap();
    assert_eq!(log.recovery_point(), 3);
    log.flush().unwrap();
    assert_eq!(log.recovery_point(), 4);
}

#[test]
fn an_empty_segment_that_was_begun_in_vain_claims_no_offset() {
    let config = LogConfig::default();
    let dir = crashed(&config, 3);
    fs::write(log_file(dir.path(), 2), b"").unwrap();
    let (log, _) = open(dir.path(), &config);
    assert_eq!(values(&log), expected(3));
    assert_eq!(log.segment_bases(), [0]);
    // One at the end claims nothing. Only compaction takes the messages before it away; else they were lost.
    drop(log);
    fs::write(log_file(dir.path(), 7), b"").unwrap();
    let compacted = LogConfig {
        compacted: true,
        ..config.clone()
    };
    let (log, _) = open(dir.path(), &compacted);
    assert_eq!((log.segment_bases(), log.end_offset()), (vec![0, 7], 7));
    drop(log);
    let by_another_broker = OpenOptions {
        compacted_to: 7,
        ..OpenOptions::default()
    };
    let (log, _) = Log::open(dir.path(), config.clone(), &by_another_broker).unwrap();
    assert_eq!(log.end_offset(), 7);
    drop(log);
    let (log, _) = open(dir.path(), &config);
    assert_eq!((log.segment_bases(), log.end_offset()), (vec![0], 3));
}

#[test]
fn a_recovery_that_is_interrupted_leaves_no_hole() {
    let config = LogConfig {
        segment_bytes: 400,
        compacted: true, // or the hole would be noticed by the next recovery
        ..LogConfig::default()
    };
    // While the topic is compacted it takes no message without a key.
    let before = LogConfig {
        compacted: false,
        ..config.clone()
    };
    let dir = crashed(&before, 30);
    let bases: Vec<i64> = open(dir.path(), &config).0.segment_bases();
    let second = fs::File::options()
        .write(true)
        .open(log_file(dir.path(), bases[1]))
        .unwrap();
    second
        .set_len(second.metadata().unwrap().len() - 1)
        .unwrap();

    // A directory in the way of a rename stops the recovery in the middle of what it removes.
    let stumbling_block = dir
        .path()
        .join(format!("{:020}.log.deleted", bases[bases.len() - 2]));
    fs::create_dir(&stumbling_block).unwrap();
    let options = OpenOptions {
        now_ms: NOW,
        ..OpenOptions::default()
    };
    Log::open(dir.path(), config.clone(), &options).unwrap_err();
    fs::remove_dir(&stumbling_block).unwrap();

    let (log, _) = open(dir.path(), &config);
    assert_eq!(log.segment_bases(), bases[..2]);
    assert_eq!(values(&log), expected(bases[2] - 1));
}

#[test]
fn messages_that_a_power_cut_took_as_a_whole_end_the_log() {
    let config = LogConfig {
        segment_bytes: 400,
        ..LogConfig::default()
    };
    let dir = crashed(&config, 30);
    let bases: Vec<i64> = open(dir.path(), &config).0.segment_bases();
    // The second segment lost its last batch, cleanly; those behind it reached the disk.
    let second = fs::File::options()
        .write(true)
        .open(log_file(dir.path(), bases[1]))
        .unwrap();
    let batch = second.metadata().unwrap().len() / (bases[2] - bases[1]) as u64;
    second
        .set_len(second.metadata().unwrap().len() - batch)
        .unwrap();

    let (log, recovered) = open(dir.path(), &config);
    assert_eq!(recovered.segments_removed, bases.len() - 2);
    assert_eq!(values(&log), expected(bases[2] - 1));
    assert_eq!(append(&log, &[b"next"]).first_offset, bases[2] - 1);
}
