//! Kafka's checkpoint files: how far each log is flushed, where it starts, what is visible. They make the next start short
//! and are not needed for its correctness, but for the start offsets: those say which records have been deleted.

use kafkalite_log::{
    LogError,
    checkpoint::{OffsetCheckpoint, Offsets},
    partition::TopicPartition,
};

use super::{Keeping, Topics};
use crate::partition::Partition;

impl Topics {
    /// Writes `recovery-point-offset-checkpoint` and `replication-offset-checkpoint`. Blocks.
    pub(crate) fn checkpoint_recovery_points(&self) -> Result<(), LogError> {
        self.keeping
            .lock()
            .as_ref()
            .map_or(Ok(()), |keeping| self.write_recovery_points(keeping))
    }

    /// Writes `log-start-offset-checkpoint`. Blocks.
    pub(crate) fn checkpoint_start_offsets(&self) -> Result<(), LogError> {
        self.keeping
            .lock()
            .as_ref()
            .map_or(Ok(()), |keeping| self.write_start_offsets(keeping))
    }

    pub(super) fn checkpoint_all(&self, keeping: &Keeping) -> Result<(), LogError> {
        self.write_start_offsets(keeping)?;
        self.write_recovery_points(keeping)
    }

    fn write_recovery_points(&self, keeping: &Keeping) -> Result<(), LogError> {
        self.write_offsets(&keeping.data_dir.recovery_points(), |partition| {
            partition.log.recovery_point()
        })?;
        self.write_offsets(&keeping.data_dir.high_watermarks(), |partition| {
            partition.log.high_watermark()
        })
    }

    fn write_start_offsets(&self, keeping: &Keeping) -> Result<(), LogError> {
        self.write_offsets(&keeping.data_dir.start_offsets(), |partition| {
            partition.log.start_offset()
        })
    }

    fn write_offsets(
        &self,
        file: &OffsetCheckpoint,
        offset: impl Fn(&Partition) -> i64,
    ) -> Result<(), LogError> {
        let line = |partition: &Partition| {
            let name = TopicPartition::new(&partition.topic, partition.index)
                .expect("a partition that was opened has a checked name");
            (name, offset(partition))
        };
        let offsets: Offsets = self
            .partitions()
            .iter()
            .map(|partition| line(partition))
            .collect();
        file.write(&offsets)
    }
}
