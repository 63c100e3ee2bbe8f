//! Old formats for old consumers: what was read is written down to message sets, on threads that may take their time.
//!
//! Consumers of before Kafka 0.11, the paper's own among them, fetch in versions 0 to 3 and understand nothing else. It knows
//! logs and formats, not requests. What it holds in memory is bounded, whatever a batch decompresses to: the sets by what the
//! fetch asks for and the last message that goes over, ordinary batches by [`THREADS`], larger ones because one is opened at a time.

mod conversion;

use std::sync::Arc;

use bytes::Bytes;
use kafkalite_log::LogSlice;
use kafkalite_records::legacy::MessageFormat;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::refusal::Refusal;
use crate::replicas::partition::Partition;
use conversion::Conversion;

/// Fetches that are worked on at a time.
const THREADS: usize = 4;

/// The turns for writing down, and for opening large batches.
#[derive(Debug)]
pub(crate) struct DownConversion {
    turns: Arc<Semaphore>,
    large: Arc<Mutex<()>>,
}

/// What was read of one partition.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) partition: Arc<Partition>,
    pub(crate) slice: LogSlice,
    /// The offset that was asked for: what the first batch has before it is left out.
    pub(crate) from: i64,
    /// Bytes that the set may have, but for the message that goes over.
    pub(crate) max_bytes: usize,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct WrittenSet {
    /// The message set; empty if there was nothing for consumers, or no room.
    pub(crate) bytes: Bytes,
    /// If it is empty: where there may be something. What is before is for brokers only.
    pub(crate) next_offset: i64,
}

impl Default for DownConversion {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(THREADS)),
            large: Arc::default(),
        }
    }
}

impl DownConversion {
    /// Writes what was read down to `format`, one after another until there are `max_bytes`. `None` if the runtime is being
    /// shut down.
    pub(crate) async fn write_down(
        &self,
        format: MessageFormat,
        max_bytes: usize,
        sources: Vec<Source>,
    ) -> Option<Vec<Result<WrittenSet, Refusal>>> {
        if sources.iter().all(|source| source.slice.is_empty()) {
            let nothing = |source: Source| Ok(WrittenSet::nothing(source.from));
            return Some(sources.into_iter().map(nothing).collect());
        }
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        let large = Arc::clone(&self.large);
        let convert = move || {
            let _turn = turn;
            let mut conversion = Conversion::new(format, max_bytes, &large);
            let write = |source| conversion.write(source);
            sources.into_iter().map(write).collect()
        };
        spawn_blocking(convert).await.ok()
    }
}

impl WrittenSet {
    fn nothing(next_offset: i64) -> Self {
        Self {
            bytes: Bytes::new(),
            next_offset,
        }
    }
}
