//! What is said to a log by who opens it or appends to it, and what opening answers.

use std::sync::Arc;

use crate::producers::Origin;
use kafkalite_world::disk::{self, Disk};

/// What is known about a log before it is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The offset before which everything was flushed, from `recovery-point-offset-checkpoint`. 0 distrusts all.
    pub recovery_point: i64,
    /// The first offset, from `log-start-offset-checkpoint`; the first segment says it where it is higher.
    pub log_start_offset: i64,
    /// The offset before which compaction, perhaps another broker's, has left holes, from `cleaner-offset-checkpoint`.
    pub compacted_to: i64,
    /// How far the brokers that must have the log had it; `None` where this one alone must. See [`Log::agree`](crate::Log::agree).
    pub agreed: Option<i64>,
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
            agreed: None,
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

/// Who appends, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOptions {
    /// The epoch of the partition's leader, written into every batch that is not a replica's.
    pub leader_epoch: i32,
    /// The clock, in milliseconds since 1970.
    pub now_ms: i64,
    /// Whose batches these are, and so how much of them is still to be proved.
    pub origin: Origin,
}
