//! Opening a directory: a clean one is believed, any other is recovered before anybody reads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::flush::Flushing;
use super::load::{Loaded, load, replay};
use super::transactions::ALL_STABLE;
use super::{Appender, Log, Written};
use crate::disk::{self, Disk};
use crate::producers::Staged;
use crate::segment::Place;
use crate::{Durability, LogConfig, LogError, Result, durable};

/// What is known about a log before it is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The offset before which everything was flushed, from `recovery-point-offset-checkpoint`. 0 distrusts all.
    pub recovery_point: i64,
    /// The first offset, from `log-start-offset-checkpoint`; the first segment says it where it is higher.
    pub log_start_offset: i64,
    /// The offset before which compaction, perhaps another broker's, has left holes, from `cleaner-offset-checkpoint`.
    pub compacted_to: i64,
    /// Whether the directory was closed in order (Kafka's `.kafka_cleanshutdown`): nothing is verified then.
    pub clean_shutdown: bool,
    /// The clock, in milliseconds since 1970.
    pub now_ms: i64,
    /// What writes and flushes; the operating system, or in tests a disk that breaks.
    pub disk: Arc<dyn Disk>,
}

impl Default for OpenOptions {
    /// Nothing is known: everything is verified.
    fn default() -> OpenOptions {
        OpenOptions {
            recovery_point: 0,
            log_start_offset: 0,
            compacted_to: 0,
            clean_shutdown: false,
            now_ms: 0,
            disk: disk::os(),
        }
    }
}

/// What opening a log had to mend. All zero after a clean stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Segments whose batches were walked and whose indexes were rebuilt.
    pub segments_rebuilt: usize,
    /// Bytes of torn or corrupt batches that were cut off the end.
    pub bytes_cut: u64,
    /// Segments that lay behind a cut and were removed.
    pub segments_removed: usize,
    /// Batches that were replayed to know the producers.
    pub batches_replayed: usize,
}

impl Log {
    /// Opens the partition in `dir`, which is created when missing.
    ///
    /// Everything that recovery keeps becomes visible: the high watermark starts at the end.
    pub fn open(
        dir: impl Into<PathBuf>,
        config: LogConfig,
        options: &OpenOptions,
    ) -> Result<(Log, Recovered)> {
        let dir: PathBuf = dir.into();
        durable::create_dir_all(&dir).map_err(LogError::io("create", &dir))?;
        let place = Place::new(dir, Arc::clone(&options.disk));
        let mut recovered = Recovered::default();
        let loaded = load(&place, &config, options, &mut recovered)?;
        let (producers, epochs) = replay(&place, &loaded, options, &mut recovered)?;
        let Loaded {
            sealed: mut segments,
            rebuilt,
            active,
            start_offset,
            end_offset,
        } = loaded;
        segments.push(Arc::clone(&active.segment));
        let flushed = if options.clean_shutdown {
            end_offset
        } else {
            options.recovery_point.min(end_offset)
        };
        let synced = config.durability == Durability::Synced;
        let log = Log {
            config: ArcSwap::from_pointee(config),
            segments: ArcSwap::from_pointee(segments),
            start_offset: AtomicI64::new(start_offset),
            end_offset: AtomicI64::new(end_offset),
            high_watermark: AtomicI64::new(end_offset),
            unstable: AtomicI64::new(producers.first_open_transaction().unwrap_or(ALL_STABLE)),
            flushing: Flushing::new(flushed.max(start_offset), options.now_ms),
            failure: OnceLock::new(),
            closed: AtomicBool::new(false),
            doomed: Mutex::new(Vec::new()),
            restructuring: Mutex::new(()),
            appender: Mutex::new(Appender {
                active,
                staged: Staged::default(),
                ended: Vec::new(),
            }),
            written: Mutex::new(Written {
                next_offset: end_offset,
                rolled: rebuilt,
                snapshots: Vec::new(),
                producers,
                unconfirmed: Vec::new(),
                epochs,
            }),
            saving_epochs: Mutex::new(()),
            place,
        };
        if synced {
            // What was found is exposed only after it was flushed, like everything else in such a log.
            log.flush()?;
        }
        Ok((log, recovered))
    }
}
