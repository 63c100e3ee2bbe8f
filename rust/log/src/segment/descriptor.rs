//! The open files of segments. One that is appended to is kept open; all others are opened when they are read, and of these a
//! bounded number stays open in this process: those that were used last.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use kafkalite_world::Disk;
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};

use super::mapping::Mapping;
use crate::error::is_about_descriptors;

/// Left to connections, and to files that are open for a moment.
const SPARE: u64 = 100;
/// As many older segments are open at once, however little the process may have.
const FEWEST: u64 = 16;
/// More do not make reading faster.
const MOST: u64 = 4096;

/// How many are kept open.
static KEPT: AtomicU64 = AtomicU64::new(0);
/// All others that are open, and some that are not any more; the one that is closed next is in front.
static CACHED: Mutex<VecDeque<Weak<Descriptor>>> = Mutex::new(VecDeque::new());

/// A file that may be open.
#[derive(Debug, Default)]
pub(super) struct Descriptor {
    file: ArcSwapOption<File>,
    pub(super) mapping: Mutex<Option<Arc<Mapping>>>,
    /// It is not closed before it is [released](Descriptor::release).
    kept: AtomicBool,
    /// Whether somebody has asked for it since it was looked at.
    used: AtomicBool,
}

impl Descriptor {
    /// The file, if it is open.
    pub(super) fn get(&self) -> Option<Arc<File>> {
        let file = self.file.load_full()?;
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        Some(file)
    }

    /// Takes a file that was opened because it is read.
    pub(super) fn lend(self: &Arc<Self>, file: &Arc<File>) {
        self.file.store(Some(Arc::clone(file)));
        self.enlist();
    }

    /// Takes a file that stays open until it is released.
    pub(super) fn keep(&self, file: Arc<File>) {
        self.file.store(Some(file));
        if !self.kept.swap(true, Ordering::AcqRel) {
            KEPT.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// From now on it may be closed when others are read.
    pub(super) fn release(self: &Arc<Self>) {
        if self.kept.swap(false, Ordering::AcqRel) {
            KEPT.fetch_sub(1, Ordering::Relaxed);
            self.enlist();
        }
    }

    fn enlist(self: &Arc<Self>) {
        let mut cached = CACHED.lock();
        cached.push_back(Arc::downgrade(self));
        let closed = shrink(&mut cached, capacity());
        drop(cached);
        drop(closed);
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if *self.kept.get_mut() {
            KEPT.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Opens a file. Where the process has no descriptor left, older segments are closed for it.
pub(super) fn open(disk: &dyn Disk, options: &OpenOptions, path: &Path) -> io::Result<File> {
    disk.open(path, options).or_else(|error| {
        if !is_about_descriptors(&error) {
            return Err(error);
        }
        let mut cached = CACHED.lock();
        let half = cached.len() / 2;
        let closed = shrink(&mut cached, half);
        drop(cached);
        drop(closed);
        disk.open(path, options)
    })
}

/// Half of what connections and the segments that are appended to leave.
fn capacity() -> usize {
    let left = getrlimit(Resource::Nofile)
        .current
        .map(|limit| limit.saturating_sub(KEPT.load(Ordering::Relaxed) + SPARE) / 2);
    left.unwrap_or(MOST).clamp(FEWEST, MOST) as usize
}

type Closed = Vec<(Option<Arc<File>>, Option<Arc<Mapping>>)>;

/// Takes files from the front until there are so many, passing over those that were used since the last time. They are
/// answered, so that they are not closed under the lock: that can take a while if they are deleted.
fn shrink(cached: &mut VecDeque<Weak<Descriptor>>, most: usize) -> Closed {
    let mut closed = Vec::new();
    let mut looks = 2 * cached.len();
    while cached.len() > most && looks > 0 {
        looks -= 1;
        let Some(first) = cached.pop_front() else {
            break;
        };
        // Of a segment that is gone, or appended to again: nothing to close.
        let Some(descriptor) = first
            .upgrade()
            .filter(|descriptor| !descriptor.kept.load(Ordering::Acquire))
        else {
            continue;
        };
        if descriptor.used.swap(false, Ordering::Relaxed) {
            cached.push_back(first);
        } else {
            let mapping = mem::take(&mut *descriptor.mapping.lock());
            closed.push((descriptor.file.swap(None), mapping));
        }
    }
    closed
}
