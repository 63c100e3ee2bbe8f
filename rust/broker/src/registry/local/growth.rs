//! Giving a topic more partitions.

use std::slice;
use std::sync::Arc;

use kafkalite_cluster::ClusterImage;
use kafkalite_world::Disk;

use super::catalog::Catalog;
use crate::registry::Registry;
use crate::registry::turns::{Changed, Turns};

impl Registry {
    /// Gives a topic `count` partitions in all; on the brokers of `assignments`, one for each that is added, or wherever there is
    /// room.
    pub(in crate::registry) async fn grow_local(
        self: &Arc<Self>,
        turns: &Arc<Turns<Catalog>>,
        name: String,
        count: i32,
        assignments: Option<Vec<Vec<i32>>>,
    ) -> Changed<()> {
        let registry = Arc::clone(self);
        let grow = move |catalog: &mut Catalog| {
            vec![registry.grow_now(catalog, &name, count, assignments.as_deref())]
        };
        let mut outcomes = turns.change(1, grow).await;
        outcomes.pop().expect("one outcome for one topic")
    }

    fn grow_now(
        &self,
        catalog: &mut Catalog,
        name: &str,
        count: i32,
        assignments: Option<&[Vec<i32>]>,
    ) -> Changed<()> {
        let growth = self.check_growth(name, count, assignments)?;
        let now = growth.topic.partitions.len() as i32;
        // The moment of growth: a crash after it leaves whole partitions, which the next start opens.
        if let Err(refusal) = catalog.resize(name, count, &*self.world.disk) {
            let _ = catalog.resize(name, now, &*self.world.disk);
            return Err(refusal);
        }
        let grown = Arc::new(growth.grown());
        let hosted = self.host(slice::from_ref(&grown)).pop();
        if let Err(refusal) = hosted.expect("an outcome for one topic") {
            if let Err(error) = self.replicas.remove_partitions(name, now..count) {
                tracing::warn!(
                    "partitions that {name} did not get were not removed either: {error}"
                );
            }
            let _ = catalog.resize(name, now, &*self.world.disk);
            return Err(refusal);
        }
        let mut image = ClusterImage::clone(&self.image());
        image.insert(grown);
        self.publish(image);
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
