//! Kafka's checkpoint files: how far each log is flushed and compacted, where it starts, what is
//! visible. They make the next start short
//! and are not needed for its correctness, but for the start offsets: those say which records have been deleted. What is
//! visible is not read again: it is written for Apache Kafka, should it take the directory over.

use std::sync::atomic::Ordering;

use kafkalite_log::datadir::DataDir;
use kafkalite_log::{LogError, checkpoint::Offsets};

use super::{Partition, Replicas, named};

impl Replicas {
    /// Writes all of them. Blocks.
    pub(crate) fn checkpoint(&self) -> Result<(), LogError> {
        self.dir
            .lock()
            .as_ref()
            .map_or(Ok(()), |data_dir| self.write_checkpoints(data_dir))
    }

    /// Writes `log-start-offset-checkpoint`. Blocks.
    pub(crate) fn checkpoint_start_offsets(&self) -> Result<(), LogError> {
        self.dir
            .lock()
            .as_ref()
            .map_or(Ok(()), |data_dir| self.write_start_offsets(data_dir))
    }

    pub(super) fn write_checkpoints(&self, data_dir: &DataDir) -> Result<(), LogError> {
        let recovery_points = self.offsets(|partition| partition.log.recovery_point());
        // First: a recovery point may stand at a start offset with deleted records before it that were never flushed. If
        // they came back, nobody would verify them.
        self.write_start_offsets(data_dir)?;
        data_dir.recovery_points().write(&recovery_points)?;
        self.write_compacted(data_dir)?;
        let high_watermarks = self.offsets(|partition| partition.log.high_watermark());
        data_dir.high_watermarks().write(&high_watermarks)
    }

    /// Writes `cleaner-offset-checkpoint`. Blocks.
    pub(crate) fn checkpoint_compacted(&self) -> Result<(), LogError> {
        self.dir
            .lock()
            .as_ref()
            .map_or(Ok(()), |data_dir| self.write_compacted(data_dir))
    }

    /// How far logs are compacted, of those that were. A topic that is deleted is not in it, so a later one of its name
    /// begins anew.
    fn write_compacted(&self, data_dir: &DataDir) -> Result<(), LogError> {
        let mut compacted =
            self.offsets(|partition| partition.compacted_to.load(Ordering::Relaxed));
        compacted.retain(|_, offset| *offset > 0);
        data_dir.compacted().write(&compacted)
    }

    fn write_start_offsets(&self, data_dir: &DataDir) -> Result<(), LogError> {
        let start_offsets = self.offsets(|partition| partition.log.start_offset());
        data_dir.start_offsets().write(&start_offsets)
    }

    fn offsets(&self, offset: impl Fn(&Partition) -> i64) -> Offsets {
        let line = |partition: &Partition| {
            let name = named(&partition.topic, partition.index);
            (name, offset(partition))
        };
        let partitions = self.partitions();
        partitions.iter().map(|partition| line(partition)).collect()
    }
}
