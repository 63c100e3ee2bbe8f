//! Deleting topics.

use std::sync::Arc;

use super::{Keeping, Topics, change::Outcome, opening::discard};
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
        let gone: Vec<&str> = marked.iter().flatten().copied().collect();
        self.take_away(keeping, &gone);
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

    /// Takes topics from everybody, and their files out of the way.
    fn take_away(&self, keeping: &mut Keeping, names: &[&str]) {
        let topics: Vec<_> = names.iter().filter_map(|name| self.by_name(name)).collect();
        self.publish(|snapshot| topics.iter().for_each(|topic| snapshot.remove(topic)));
        for partition in topics.iter().flat_map(|topic| &topic.partitions) {
            partition.delete();
        }
        let files = topics.iter();
        let files = files.map(|topic| (&*topic.name, topic.partitions.len() as i32));
        keeping.forget(files);
        if let Err(error) = self.configs.forget_topics(names) {
            tracing::warn!("the settings of deleted topics stay in their file: {error}");
        }
    }
}

impl Keeping {
    /// Removes the files of topics, of which this is told name and number of partitions, and their entries; where files
    /// resist, the entry says `deleting` until the next start. One flush of the directory serves them all.
    pub(super) fn forget<'a>(&mut self, topics: impl Iterator<Item = (&'a str, i32)>) {
        let mut retired = Vec::new();
        let outcomes: Vec<_> = topics
            .map(|(name, count)| (name, self.retire_partitions(name, 0..count, &mut retired)))
            .collect();
        let synced = self.data_dir.sync();
        discard(retired);
        for (name, outcome) in outcomes {
            let Err(error) = outcome.as_ref().and(synced.as_ref()) else {
                self.catalog.topics.remove(name);
                continue;
            };
            tracing::warn!("topic {name} is deleted, its files will be at the next start: {error}");
            if let Some(entry) = self.catalog.topics.get_mut(name) {
                entry.deleting = true;
            }
        }
    }
}
