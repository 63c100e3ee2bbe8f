//! The end: every log flushed and closed, so that the next start has nothing to recover.

use kafkalite_log::LogError;

use super::{Replicas, named, parallel};

impl Replicas {
    /// Closes every log, writes the checkpoints, and marks the directory as clean before it is unlocked. Blocks. No topic
    /// is created, grown or deleted from now on. The second call does nothing.
    ///
    /// After an error the rest is closed all the same, but the directory is not marked: the next start recovers it.
    pub(crate) fn close(&self) -> Result<(), LogError> {
        let mut held = self.dir.lock();
        let Some(data_dir) = held.take() else {
            return Ok(());
        };
        let mut outcome = Ok(());
        let partitions = self.partitions();
        let closed = parallel::map(&partitions, |partition| {
            let flushed = data_dir.flush_metadata(&named(&partition.topic, partition.index));
            partition.log.close().and(flushed)
        });
        for (partition, closed) in partitions.iter().zip(closed) {
            if let Err(error) = closed {
                tracing::warn!(
                    "{}-{} was not closed in order: {error}",
                    partition.topic,
                    partition.index
                );
                outcome = outcome.and(Err(error));
            }
        }
        outcome?;
        self.write_checkpoints(&data_dir)?;
        if let Err(error) = data_dir.write_inventory(&self.inventory()) {
            tracing::warn!("the next start will not notice a lost segment: {error}");
        }
        data_dir.close_clean()
    }

    /// Lets go of every log and of the directory without writing anything: for a directory that is to be deleted.
    pub(crate) fn abandon(&self) {
        if self.dir.lock().take().is_some() {
            for partition in self.partitions() {
                partition.log.abandon();
            }
        }
    }
}
