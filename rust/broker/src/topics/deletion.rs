//! Deleting topics.

use std::sync::Arc;

use super::{Keeping, Topics, change::Outcome};
use crate::refusal::Refusal;

impl Topics {
    /// Deletes topics by name: they are gone when this returns, their files some time later.
    pub(crate) async fn delete(self: &Arc<Self>, names: Vec<String>) -> Vec<Outcome<()>> {
        self.change(names.len(), move |topics, keeping| {
            topics.delete_now(keeping, &names)
        })
        .await
    }

    fn delete_now(&self, keeping: &mut Keeping, names: &[String]) -> Vec<Outcome<()>> {
        let mut marked: Vec<Outcome<&str>> = Vec::with_capacity(names.len());
        for name in names {
            marked.push(match keeping.catalog.topics.get_mut(name) {
                Some(entry) if !entry.deleting => {
                    entry.deleting = true;
                    Ok(name)
                }
                _ => Err(Refusal::unknown_topic(name)),
            });
        }
        if marked.iter().all(Result::is_err) {
            return marked.into_iter().map(|name| name.map(drop)).collect();
        }
        // The moment of deletion: after it a crash does not bring half of a topic back.
        if let Err(refusal) = keeping.write() {
            for name in marked.iter().flatten() {
                if let Some(entry) = keeping.catalog.topics.get_mut(*name) {
                    entry.deleting = false;
                }
            }
            return marked
                .into_iter()
                .map(|name| name.and(Err(refusal.clone())))
                .collect();
        }
        for name in marked.iter().flatten() {
            self.take_away(keeping, name);
        }
        // Or a later topic of the same name would begin where this one did.
        if let Err(error) = self.write_checkpoints(keeping) {
            tracing::warn!("the checkpoints still name deleted topics: {error}");
        }
        if let Err(refusal) = keeping.write() {
            let why = refusal.message;
            tracing::warn!(
                "topics were deleted, and the note of it stays until the next change: {why}"
            );
        }
        marked.into_iter().map(|name| name.map(drop)).collect()
    }

    /// Takes a topic from everybody, and its files out of the way.
    fn take_away(&self, keeping: &mut Keeping, name: &str) {
        let Some(topic) = self.by_name(name) else {
            return;
        };
        self.publish(|snapshot| snapshot.remove(&topic));
        for partition in &topic.partitions {
            partition.delete();
        }
        keeping.forget(name, topic.partitions.len() as i32);
        if let Err(error) = self.configs.forget_topic(name) {
            tracing::warn!("the settings of deleted topic {name} stay in their file: {error}");
        }
    }
}

impl Keeping {
    /// Removes the files of a topic and its entry; if the files resist, the entry says `deleting` until the next start.
    pub(super) fn forget(&mut self, name: &str, partitions: i32) {
        match self.remove_partitions(name, 0..partitions) {
            Ok(()) => {
                self.catalog.topics.remove(name);
            }
            Err(error) => {
                tracing::warn!(
                    "topic {name} is deleted, its files will be at the next start: {error}"
                );
                if let Some(entry) = self.catalog.topics.get_mut(name) {
                    entry.deleting = true;
                }
            }
        }
    }
}
