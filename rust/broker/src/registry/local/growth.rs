//! Giving a topic more partitions.

use std::sync::Arc;

use kafkalite_cluster::growth::{Growth, plan};
use kafkalite_cluster::unknown_topic;
use kafkalite_world::Disk;

use super::catalog::Catalog;
use crate::registry::{Registry, turns::Changed};

impl Registry {
    /// Gives a topic `count` partitions in all.
    pub(crate) async fn grow(self: &Arc<Self>, name: String, count: i32) -> Changed<()> {
        let grow = move |registry: &Self, catalog: &mut Catalog| {
            vec![registry.grow_now(catalog, &name, count)]
        };
        self.change(1, grow)
            .await
            .pop()
            .expect("one outcome for one topic")
    }

    /// Would [`Self::grow`] do it, with the new partitions on these brokers?
    pub(crate) fn check_growth(
        &self,
        name: &str,
        count: i32,
        assignments: Option<&[Vec<i32>]>,
    ) -> Changed<Growth> {
        let growth = plan(&self.image(), name, count, assignments)?;
        self.replicas.check_descriptors(growth.added.count())?;
        Ok(growth)
    }

    fn grow_now(&self, catalog: &mut Catalog, name: &str, count: i32) -> Changed<()> {
        let now = self.check_growth(name, count, None)?.topic.partitions.len() as i32;
        let topic = self
            .replicas
            .by_name(name)
            .ok_or_else(|| unknown_topic(name))?;
        // The moment of growth: a crash after it leaves whole partitions, which the next start opens.
        if let Err(refusal) = catalog.resize(name, count, &*self.world.disk) {
            let _ = catalog.resize(name, now, &*self.world.disk);
            return Err(refusal);
        }
        if let Err(refusal) = self.replicas.add_partitions(&topic, count) {
            if let Err(error) = self.replicas.remove_partitions(name, now..count) {
                tracing::warn!(
                    "partitions that {name} did not get were not removed either: {error}"
                );
            }
            let _ = catalog.resize(name, now, &*self.world.disk);
            return Err(refusal);
        }
        if let Some(grown) = self.replicas.by_name(name) {
            let grown = self.image_of(&grown);
            self.publish(|image| image.insert(Arc::clone(&grown)));
        }
        Ok(())
    }
}

impl Catalog {
    /// Notes how many partitions a topic has, also in memory only if the disk is full: the next change writes it.
    fn resize(&mut self, name: &str, count: i32, disk: &dyn Disk) -> Changed<()> {
        if let Some(entry) = self.topics.get_mut(name) {
            entry.partitions = count;
        }
        Ok(self.write(disk)?)
    }
}
