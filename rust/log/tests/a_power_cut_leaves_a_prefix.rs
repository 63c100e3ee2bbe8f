//! A power cut at any moment, simulated: of every file survive the bytes that were flushed and an arbitrary, arbitrarily
//! damaged part of the others. What was flushed is there afterwards, and nothing is there without all that came before it.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use kafkalite_log::{Durability, Log, LogConfig, OpenOptions, ReadUpTo};
use kafkalite_world::disk::{self, Disk};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use support::{CLIENT, NOW, read_all, sequenced};

/// A disk that knows how much of each file (by inode) a power cut spares.
#[derive(Debug)]
struct Remembering {
    real: Arc<dyn Disk>,
    flushed: Mutex<HashMap<u64, u64>>,
}

impl Remembering {
    /// What a power cut left, and recovery kept, is on the disk.
    fn spare_all_in(&self, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let metadata = entry.unwrap().metadata().unwrap();
            self.flushed.lock().insert(metadata.ino(), metadata.len());
        }
    }

    fn flushed(&self, file: &File) -> Option<u64> {
        let inode = file.metadata().unwrap().ino();
        self.flushed.lock().get(&inode).copied()
    }
}

impl Disk for Remembering {
    fn write_vectored_at(&self, file: &File, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
        self.real.write_vectored_at(file, parts, at)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        let metadata = file.metadata()?;
        self.real.sync_data(file)?;
        self.flushed.lock().insert(metadata.ino(), metadata.len());
        Ok(())
    }
}

/// Hurts what of a file was not flushed: it ends earlier, pages of it are zeros or garbage.
fn hurt(bytes: &mut Vec<u8>, flushed: usize, rng: &mut TestRng) {
    let pick = |rng: &mut TestRng, below: usize| rng.next_u64() as usize % below.max(1);
    if pick(rng, 2) == 0 {
        bytes.truncate(flushed + pick(rng, bytes.len() - flushed + 1));
    }
    for page in bytes[flushed..].chunks_mut(64) {
        match pick(rng, 20) {
            0 => page.fill(0),
            1 => rng.fill_bytes(page),
            _ => {}
        }
    }
}

/// What a power cut leaves of `from`, in `to`.
fn cut_power(from: &Path, to: &Path, disk: &Remembering, recovery_point: i64, rng: &mut TestRng) {
    fs::create_dir(to).unwrap();
    let mut names: Vec<String> = fs::read_dir(from)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let bases: Vec<i64> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".log")?.parse().ok())
        .collect();
    for name in names {
        let path = from.join(&name);
        let mut bytes = fs::read(&path).unwrap();
        let (base, suffix) = name.split_once('.').unwrap_or((&name, ""));
        let base: Option<i64> = base.parse().ok();
        match suffix {
            "log" => match disk.flushed(&File::open(&path).unwrap()) {
                Some(flushed) => hurt(&mut bytes, flushed as usize, rng),
                None if base > Some(0) && rng.next_u64().is_multiple_of(10) => continue,
                None => hurt(&mut bytes, 0, rng),
            },
            "snapshot" => hurt(&mut bytes, 0, rng),
            "index" | "timeindex" => {
                let next = bases.iter().find(|next| Some(**next) > base);
                if next.is_none_or(|next| *next > recovery_point) {
                    hurt(&mut bytes, 0, rng);
                }
            }
            _ => {}
        }
        fs::write(to.join(name), bytes).unwrap();
    }
}

fn open(dir: &Path, config: &LogConfig, disk: &Arc<Remembering>, recovery_point: i64) -> Log {
    let options = OpenOptions {
        recovery_point,
        now_ms: NOW,
        disk: Arc::clone(disk) as Arc<dyn Disk>,
        ..OpenOptions::default()
    };
    Log::open(dir, config.clone(), &options).unwrap().0
}

/// One life of a log, from an opening to a power cut.
#[derive(Clone, Debug)]
struct Life {
    steps: Vec<Step>,
    seed: [u8; 32],
    recovery_point_lags: bool,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Append(usize),
    Flush,
    FlushRolled,
    Checkpoint,
}

fn life() -> impl Strategy<Value = Life> {
    let step = prop_oneof![
        12 => (0..300usize).prop_map(Step::Append),
        1 => Just(Step::Flush),
        1 => Just(Step::FlushRolled),
        1 => Just(Step::Checkpoint),
    ];
    (
        prop::collection::vec(step, 1..60),
        any::<[u8; 32]>(),
        any::<bool>(),
    )
        .prop_map(|(steps, seed, recovery_point_lags)| Life {
            steps,
            seed,
            recovery_point_lags,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_survives_is_what_was_flushed_and_a_prefix_of_the_rest(
        lives in prop::collection::vec(life(), 1..4),
        synced in any::<bool>(),
    ) {
        let root = tempfile::tempdir().unwrap();
        let config = LogConfig {
            segment_bytes: 1500,
            index_interval_bytes: 300,
            segment_index_bytes: 480,
            durability: if synced { Durability::Synced } else { Durability::Visible },
            ..LogConfig::default()
        };
        let mut dir = root.path().join("0");
        let mut written: Vec<Vec<u8>> = Vec::new();
        let mut checkpoint = 0;
        for (generation, life) in lives.into_iter().enumerate() {
            let disk = Arc::new(Remembering { real: disk::os(), flushed: Mutex::default() });
            let log = open(&dir, &config, &disk, checkpoint);
            disk.spare_all_in(&dir);
            checkpoint = log.recovery_point();
            for step in life.steps {
                match step {
                    Step::Append(size) => {
                        let value = format!("{} {}", written.len(), "x".repeat(size)).into_bytes();
                        let batch = sequenced(7, written.len() as i32, &value);
                        prop_assert_eq!(log.append(&batch, &CLIENT).unwrap().first_offset, written.len() as i64);
                        written.push(value);
                    }
                    Step::Flush => { log.flush().unwrap(); }
                    Step::FlushRolled => log.flush_if_due(NOW).unwrap(),
                    Step::Checkpoint => checkpoint = log.recovery_point(),
                }
            }
            if !life.recovery_point_lags {
                checkpoint = log.recovery_point();
            }
            let flushed = log.flushed_offset();
            prop_assert!(!synced || log.high_watermark() == flushed);
            let mut rng = TestRng::from_seed(RngAlgorithm::ChaCha, &life.seed);
            let survived = root.path().join(format!("{}", generation + 1));
            cut_power(&dir, &survived, &disk, checkpoint, &mut rng);
            drop(log);
            dir = survived;

            let log = open(&dir, &config, &disk, checkpoint);
            let end = log.end_offset();
            prop_assert!((flushed..=written.len() as i64).contains(&end), "{} of {}..={}", end, flushed, written.len());
            written.truncate(end as usize);
            let expected: Vec<(i64, Vec<u8>)> = (0..).zip(written.clone()).collect();
            prop_assert_eq!(read_all(&log, 0, 700, ReadUpTo::HighWatermark), expected);
            if let Some(last) = written.last() {
                let again = sequenced(7, written.len() as i32 - 1, last);
                prop_assert!(log.append(&again, &CLIENT).unwrap().duplicate);
                prop_assert_eq!(log.offset_for_timestamp(NOW).unwrap().unwrap().offset, 0);
            }
        }
    }
}
