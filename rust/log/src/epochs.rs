//! Which leader epoch began at which offset: Kafka's `leader-epoch-checkpoint` (KIP-101).
//!
//! From it follows where a log that was written under another leader may differ from this one. A checkpoint file
//! ([`crate::checkpoint`]) whose lines are `<epoch> <start offset>`, both ascending.

use std::path::{Path, PathBuf};

use crate::{LogError, Result, checkpoint};
use kafkalite_world::disk::Disk;

/// The epochs of one partition, and the file that they are kept in.
#[derive(Clone, Debug)]
pub struct LeaderEpochs {
    path: PathBuf,
    /// Epochs ascend, start offsets ascend or stay.
    entries: Vec<EpochStart>,
    /// Whether the file does not have all of them yet.
    unsaved: bool,
}

/// The first offset written in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// Given by the controller, one higher for each new leader.
    pub epoch: i32,
    /// Of the first record written in it.
    pub start_offset: i64,
}

impl LeaderEpochs {
    /// Reads the file in a partition's directory; without one there are no epochs yet.
    ///
    /// A file that makes no sense is [`LogError::MalformedFile`]; the epochs stand in the
    /// batches too, so the caller may begin with [`empty`](Self::empty) and assign what it finds there.
    pub fn load(disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let mut epochs = Self::empty(dir);
        let entries = checkpoint::read(disk, &epochs.path, |line| {
            let mut fields = line.split_whitespace();
            let entry = EpochStart {
                epoch: fields.next()?.parse().ok().filter(|epoch| *epoch >= 0)?,
                start_offset: fields.next()?.parse().ok().filter(|offset| *offset >= 0)?,
            };
            fields.next().is_none().then_some(entry)
        })?;
        for entry in entries {
            epochs.insert(entry);
        }
        Ok(epochs)
    }

    /// No epochs, whatever the file says.
    pub fn empty(dir: &Path) -> Self {
        Self {
            path: dir.join("leader-epoch-checkpoint"),
            entries: Vec::new(),
            unsaved: false,
        }
    }

    /// Takes note that `epoch` has written at `offset`. As all changes, it is in memory until it is [saved](Self::save), and
    /// can be learned from the batches again. So a first message does not wait for the disk.
    ///
    /// An older epoch at a lower offset than a newer one is a log that was cut: what contradicts is forgotten. A negative
    /// epoch means that the writer knew none.
    pub fn assign(&mut self, epoch: i32, offset: i64) {
        let entry = EpochStart {
            epoch,
            start_offset: offset,
        };
        if epoch >= 0 && offset >= 0 && !self.is_known(entry) {
            self.insert(entry);
            self.unsaved = true;
        }
    }

    /// Whether the file does not have all of them yet.
    pub fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    /// The newest epoch that has written here.
    pub fn latest(&self) -> Option<EpochStart> {
        self.entries.last().copied()
    }

    /// All epochs, ascending.
    pub fn entries(&self) -> &[EpochStart] {
        &self.entries
    }

    /// The epoch that wrote the record at `offset`.
    pub fn epoch_of(&self, offset: i64) -> Option<i32> {
        let after = self
            .entries
            .partition_point(|entry| entry.start_offset <= offset);
        self.entries[..after].last().map(|entry| entry.epoch)
    }

    /// The answer to `OffsetForLeaderEpoch`: the newest epoch not above `epoch`, and the offset where it ends. `log_end`
    /// is where the newest ends. For an epoch before the first, that epoch itself and the first offset known. None for an
    /// epoch that is negative or has not been here yet: -1 and -1 in the protocol.
    pub fn end_offset_for(&self, epoch: i32, log_end: i64) -> Option<(i32, i64)> {
        if epoch < 0 || epoch > self.latest()?.epoch {
            return None;
        }
        let after = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let found = self.entries[..after]
            .last()
            .map_or(epoch, |entry| entry.epoch);
        let end = self
            .entries
            .get(after)
            .map_or(log_end, |next| next.start_offset);
        Some((found, end))
    }

    /// The log was cut: epochs that began at or after `end_offset` have not been. Answers whether there were any.
    pub fn truncate_to(&mut self, end_offset: i64) -> bool {
        let kept = self
            .entries
            .partition_point(|entry| entry.start_offset < end_offset);
        let cut = kept < self.entries.len();
        self.entries.truncate(kept);
        self.unsaved |= cut;
        cut
    }

    /// Records before `start_offset` are gone: the epoch in force there begins there now, older ones are forgotten. Answers
    /// whether that changes anything.
    pub fn begin_at(&mut self, start_offset: i64) -> bool {
        let after = self
            .entries
            .partition_point(|entry| entry.start_offset <= start_offset);
        let Some(in_force) = after.checked_sub(1) else {
            return false;
        };
        if in_force == 0 && self.entries[0].start_offset == start_offset {
            return false;
        }
        self.entries.drain(..in_force);
        self.entries[0].start_offset = start_offset;
        self.unsaved = true;
        true
    }

    fn is_known(&self, entry: EpochStart) -> bool {
        self.latest().is_some_and(|latest| {
            latest.epoch == entry.epoch && latest.start_offset <= entry.start_offset
        })
    }

    fn insert(&mut self, entry: EpochStart) {
        if self.is_known(entry) {
            return;
        }
        let contradicts = |last: &EpochStart| {
            last.epoch >= entry.epoch || last.start_offset >= entry.start_offset
        };
        while self.entries.last().is_some_and(contradicts) {
            self.entries.pop();
        }
        self.entries.push(entry);
    }

    /// Writes the file; what is in it when this returns survives a power cut.
    pub fn save(&mut self, disk: &dyn Disk) -> Result<()> {
        let lines = self
            .entries
            .iter()
            .map(|entry| format!("{} {}", entry.epoch, entry.start_offset));
        disk.replace_file(&self.path, checkpoint::text(lines).as_bytes())
            .map_err(LogError::io("write", &self.path))?;
        self.unsaved = false;
        Ok(())
    }
}
