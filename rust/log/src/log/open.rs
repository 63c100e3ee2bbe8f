//! Opening a directory: a clean one is believed, any other is recovered before anybody reads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::flush::Flushing;
use super::load::{Loaded, Replayed, load, replay};
use super::options::{OpenOptions, Recovered};
use super::role_cell::RoleCell;
use super::transactions::ALL_STABLE;
use super::watermarks::Watermarks;
use super::{Appender, Log, Written};
use crate::producers::Staged;
use crate::segment::Place;
use crate::{Durability, LogConfig, LogError, Result};

impl Log {
    /// Opens the partition in `dir`, which is created when missing.
    ///
    /// Everything that recovery keeps becomes visible, as far as it is agreed upon.
    pub fn open(
        dir: impl Into<PathBuf>,
        config: LogConfig,
        options: &OpenOptions,
    ) -> Result<(Log, Recovered)> {
        let dir: PathBuf = dir.into();
        let created = options.disk.create_dir_all(&dir);
        created.map_err(LogError::io("create", &dir))?;
        let place = Place::new(dir, Arc::clone(&options.disk));
        let mut recovered = Recovered::default();
        let loaded = load(&place, &config, options, &mut recovered)?;
        let Replayed {
            producers,
            ended,
            epochs,
        } = replay(&place, &loaded, options, &mut recovered)?;
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
            watermarks: Watermarks::new(end_offset, flushed.max(start_offset), options.agreed),
            role: RoleCell::unsaid(),
            unstable: AtomicI64::new(ALL_STABLE),
            flushing: Flushing::new(options.now_ms),
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
                ended,
                epochs,
            }),
            saving_epochs: Mutex::new(()),
            place,
        };
        log.publish_unstable(&log.written.lock());
        if synced {
            // What was found is exposed only after it was flushed, like everything else in such a log.
            log.flush()?;
        }
        Ok((log, recovered))
    }
}
