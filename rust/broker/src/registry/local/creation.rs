//! Creating topics.

use std::sync::Arc;

use kafkalite_cluster::creation::{Creator, exists, new_topic, plan};
use kafkalite_cluster::{ClusterImage, TopicImage};
use kafkalite_wire::ErrorCode;

use super::catalog::{Catalog, CatalogEntry};
use crate::config::Overrides;
use crate::refusal::Refusal;
use crate::registry::turns::{Changed, Turns};
use crate::registry::{NewTopic, Registry};
use crate::replicas::Room;

/// A topic that is to be, as it will be in the image.
struct Planned {
    topic: Arc<TopicImage>,
    overrides: Overrides,
}

impl Registry {
    /// Creates topics; each is whole and usable when this returns, or not there. An outcome a topic, in order.
    pub(in crate::registry) async fn create_local(
        self: &Arc<Self>,
        turns: &Arc<Turns<Catalog>>,
        creator: Creator,
        new: Vec<NewTopic>,
    ) -> Vec<Changed<Arc<TopicImage>>> {
        let (registry, count) = (Arc::clone(self), new.len());
        let create = move |catalog: &mut Catalog| registry.create_now(catalog, new, creator);
        turns.change(count, create).await
    }

    /// One image, one catalog and one file of settings serve all topics of a request.
    fn create_now(
        &self,
        catalog: &mut Catalog,
        new: Vec<NewTopic>,
        creator: Creator,
    ) -> Vec<Changed<Arc<TopicImage>>> {
        // Gets topic after topic, so that those of one request are held against each other.
        let mut image = ClusterImage::clone(&self.image());
        let mut room = self.replicas.room();
        let plan = |new| self.plan(&mut image, catalog, &mut room, new, creator);
        let mut planned: Vec<Changed<Planned>> = new.into_iter().map(plan).collect();
        let admitted: Vec<&Planned> = planned.iter().flatten().collect();
        let topics: Vec<_> = admitted.iter().map(|new| Arc::clone(&new.topic)).collect();
        if !topics.is_empty() {
            // The moment of creation, of all of them: a crash after it leaves whole topics, which the next start opens.
            let done = match self.note(catalog, &admitted) {
                Ok(()) => self.add(catalog, image, &topics),
                Err(refusal) => topics.iter().map(|_| Err(refusal.clone())).collect(),
            };
            let places = planned.iter_mut().filter(|planned| planned.is_ok());
            for (place, outcome) in places.zip(done) {
                if let Err(refusal) = outcome {
                    *place = Err(refusal);
                }
            }
        }
        let outcomes = planned.into_iter();
        outcomes.map(|new| new.map(|new| new.topic)).collect()
    }

    /// Puts a topic that can be created into the image.
    fn plan(
        &self,
        image: &mut ClusterImage,
        catalog: &Catalog,
        room: &mut Room,
        new: NewTopic,
        creator: Creator,
    ) -> Changed<Planned> {
        let placed = plan(image, &new.name, &new.wish, creator)?;
        // Also one that is deleted, and whose files resist.
        if catalog.topics.contains_key(&new.name) {
            return Err(Refusal::from(exists(&new.name)));
        }
        room.take(placed.count_on(self.node_id))?;
        let topic = Arc::new(new_topic(&new.name, self.world.dice.id(), &placed));
        image.insert(Arc::clone(&topic));
        Ok(Planned {
            topic,
            overrides: new.overrides,
        })
    }

    /// Notes topics on disk, or none of them.
    fn note(&self, catalog: &mut Catalog, new: &[&Planned]) -> Changed<()> {
        for Planned { topic, .. } in new {
            let entry = CatalogEntry {
                id: topic.id,
                partitions: topic.partitions.len() as i32,
                deleting: false,
            };
            catalog.topics.insert(topic.name.to_string(), entry);
        }
        let noted = self
            .remember_overrides(new)
            .and_then(|()| Ok(catalog.write(&*self.world.disk)?));
        if noted.is_err() {
            for Planned { topic, .. } in new {
                catalog.topics.remove(&*topic.name);
            }
        }
        noted
    }

    /// Has topics that are in the catalog lie here, and lets everybody see those that are whole.
    fn add(
        &self,
        catalog: &mut Catalog,
        mut image: ClusterImage,
        topics: &[Arc<TopicImage>],
    ) -> Vec<Changed<()>> {
        let outcomes = self.host(topics);
        let hosted = topics.iter().zip(&outcomes);
        let failed = hosted.filter(|(_, outcome)| outcome.is_err());
        let failed: Vec<&Arc<TopicImage>> = failed.map(|(topic, _)| topic).collect();
        for topic in &failed {
            image.remove(topic);
        }
        self.publish(image);
        self.undo_creation(catalog, &failed);
        outcomes
    }

    fn remember_overrides(&self, new: &[&Planned]) -> Changed<()> {
        // Also what an earlier topic of the name may have left behind in a crash is replaced.
        let other: Vec<_> = new
            .iter()
            .filter(|new| self.configs.topic_overrides(&new.topic.name) != new.overrides)
            .map(|new| (&*new.topic.name, new.overrides.clone()))
            .collect();
        if other.is_empty() {
            return Ok(());
        }
        let kept = self.configs.put_topics(other);
        kept.map_err(|error| Refusal::new(ErrorCode::KafkaStorageError, error.to_string()))
    }

    /// Takes back topics that could not be created in full, probably because the disk is full. What cannot be removed now is
    /// removed at the next start, as the catalog says.
    fn undo_creation(&self, catalog: &mut Catalog, topics: &[&Arc<TopicImage>]) {
        if topics.is_empty() {
            return;
        }
        self.forget(catalog, topics);
        if let Err(why) = catalog.write(&*self.world.disk) {
            tracing::warn!(
                "topics could not be created, and the note of them stays for now: {why}"
            );
        }
    }
}
