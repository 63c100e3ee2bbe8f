//! Partitions are taken away: from everybody at once, their files a little later.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use kafkalite_log::LogError;
use kafkalite_log::datadir::{DataDir, remove_retired};

use kafkalite_world::Disk;

use super::{Replicas, named};

impl Replicas {
    /// Takes topics from everybody; their files stay until they are [removed](Self::remove_topics).
    pub(crate) fn withdraw(&self, names: &[&str]) {
        let topics: Vec<_> = names.iter().filter_map(|name| self.by_name(name)).collect();
        self.publish(|hosted| topics.iter().for_each(|topic| hosted.remove(topic)));
        for partition in topics.iter().flat_map(|topic| &topic.partitions) {
            partition.delete();
        }
    }

    /// Takes the files of topics out of the way, of which this is told name and number of partitions. One flush of the
    /// directory serves them all. An outcome for each, in order.
    pub(crate) fn remove_topics(&self, topics: &[(&str, i32)]) -> Vec<Result<(), String>> {
        let dir = self.dir.lock();
        let Some(data_dir) = dir.as_ref() else {
            return topics
                .iter()
                .map(|_| Err("the broker is stopping".to_owned()))
                .collect();
        };
        let mut retired = Vec::new();
        let outcomes: Vec<_> = topics
            .iter()
            .map(|(name, count)| retire_partitions(data_dir, name, 0..*count, &mut retired))
            .collect();
        let synced = data_dir.sync();
        discard(retired, &self.world.disk);
        let outcomes = outcomes.into_iter();
        outcomes
            .map(|outcome| match outcome.as_ref().and(synced.as_ref()) {
                Ok(()) => Ok(()),
                Err(error) => Err(error.to_string()),
            })
            .collect()
    }

    /// Takes the files of partitions that a topic did not get out of the way.
    pub(crate) fn remove_partitions(&self, topic: &str, range: Range<i32>) -> Result<(), LogError> {
        match self.dir.lock().as_ref() {
            Some(data_dir) => remove_partitions(data_dir, topic, range),
            None => Ok(()),
        }
    }
}

/// Takes the directories of partitions out of the way; their files go later. What is not there is no error.
pub(crate) fn remove_partitions(
    data_dir: &DataDir,
    topic: &str,
    range: Range<i32>,
) -> Result<(), LogError> {
    let mut retired = Vec::new();
    let outcome = retire_partitions(data_dir, topic, range, &mut retired);
    let outcome = outcome.and_then(|()| data_dir.sync());
    discard(retired, &data_dir.world().disk);
    outcome
}

/// The part of it that comes before the directory is flushed.
fn retire_partitions(
    data_dir: &DataDir,
    topic: &str,
    range: Range<i32>,
    retired: &mut Vec<PathBuf>,
) -> Result<(), LogError> {
    range
        .map(|index| named(topic, index))
        .filter(|partition| data_dir.has_partition(partition))
        .try_for_each(|partition| {
            retired.push(data_dir.retire_partition(&partition)?);
            Ok(())
        })
}

/// Removes the files of deleted partitions, on a thread where nobody waits for it.
pub(crate) fn discard(retired: Vec<PathBuf>, disk: &Arc<dyn Disk>) {
    if retired.is_empty() {
        return;
    }
    let disk = Arc::clone(disk);
    tokio::task::spawn_blocking(move || {
        for path in retired {
            if let Err(error) = remove_retired(&*disk, &path) {
                tracing::warn!("files of a deleted partition stay until the next start: {error}");
            }
        }
    });
}
