//! Deleting topics.

use std::sync::Arc;

use kafkalite_cluster::{TopicImage, unknown_topic};

use super::catalog::Catalog;
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::registry::turns::{Changed, Turns};

impl Registry {
    /// Deletes topics by name: they are gone when this returns, their files some time later.
    pub(in crate::registry) async fn delete_local(
        self: &Arc<Self>,
        turns: &Arc<Turns<Catalog>>,
        names: Vec<String>,
    ) -> Vec<Changed<()>> {
        let (registry, count) = (Arc::clone(self), names.len());
        let delete = move |catalog: &mut Catalog| registry.delete_now(catalog, &names);
        turns.change(count, delete).await
    }

    fn delete_now(&self, catalog: &mut Catalog, names: &[String]) -> Vec<Changed<()>> {
        let mut marked: Vec<Changed<&str>> = Vec::with_capacity(names.len());
        for name in names {
            marked.push(match catalog.topics.get_mut(name) {
                Some(entry) if !entry.deleting => {
                    entry.deleting = true;
                    Ok(name)
                }
                _ => Err(unknown_topic(name).into()),
            });
        }
        if marked.iter().all(Result::is_err) {
            return marked.into_iter().map(|name| name.map(drop)).collect();
        }
        // The moment of deletion: after it a crash does not bring half of a topic back.
        if let Err(error) = catalog.write(&*self.world.disk) {
            for name in marked.iter().flatten() {
                if let Some(entry) = catalog.topics.get_mut(*name) {
                    entry.deleting = false;
                }
            }
            let refusal = Refusal::from(error);
            return marked
                .into_iter()
                .map(|name| name.and(Err(refusal.clone())))
                .collect();
        }
        let gone: Vec<&str> = marked.iter().flatten().copied().collect();
        self.take_away(catalog, &gone);
        // Or a later topic of the same name would begin where this one did.
        if let Err(error) = self.replicas.checkpoint() {
            tracing::warn!("the checkpoints still name deleted topics: {error}");
        }
        if let Err(why) = catalog.write(&*self.world.disk) {
            tracing::warn!(
                "topics were deleted, and the note of it stays until the next change: {why}"
            );
        }
        marked.into_iter().map(|name| name.map(drop)).collect()
    }

    /// Takes topics from everybody, and their files out of the way.
    fn take_away(&self, catalog: &mut Catalog, names: &[&str]) {
        let image = self.image();
        let topics = names.iter().filter_map(|name| image.topic(name)).cloned();
        let topics: Vec<_> = topics.collect();
        self.withdraw(&topics);
        self.forget(catalog, &topics.iter().collect::<Vec<_>>());
        if let Err(error) = self.configs.forget_topics(names) {
            tracing::warn!("the settings of deleted topics stay in their file: {error}");
        }
    }

    /// Removes the files of topics, and their entries; where files resist, the entry says `deleting` until the next start.
    pub(super) fn forget(&self, catalog: &mut Catalog, topics: &[&Arc<TopicImage>]) {
        let files = topics.iter();
        let files = files.map(|topic| (&*topic.name, topic.partitions.len() as i32));
        let outcomes = self.replicas.remove_topics(&files.collect::<Vec<_>>());
        for (topic, outcome) in topics.iter().zip(outcomes) {
            let name = &*topic.name;
            let Err(error) = outcome else {
                catalog.topics.remove(name);
                continue;
            };
            tracing::warn!("topic {name} is deleted, its files will be at the next start: {error}");
            if let Some(entry) = catalog.topics.get_mut(name) {
                entry.deleting = true;
            }
        }
    }
}
