//! Creating topics.

use std::sync::Arc;

use kafkalite_cluster::creation::{Creator, check, exists};
use kafkalite_cluster::{PartitionImage, TopicImage};
use kafkalite_wire::ErrorCode;

use super::catalog::{Catalog, CatalogEntry};
use crate::config::Overrides;
use crate::refusal::Refusal;
use crate::registry::{Registry, turns::Changed};
use crate::replicas::Lying;

/// A topic to be created. The settings have been checked, and all partitions are to lie on this broker.
#[derive(Debug, Clone)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
    pub(crate) overrides: Overrides,
}

impl Registry {
    /// Would this topic be created? The answer may be another one by the time it is.
    pub(crate) fn check(&self, new: &NewTopic) -> Changed<()> {
        check(&self.image(), &new.name, new.partitions, Creator::Client)?;
        self.replicas.check_descriptors(new.partitions)
    }

    /// Creates topics; each is whole and usable when this returns, or not there. An outcome a topic, in order.
    pub(crate) async fn create(
        self: &Arc<Self>,
        new: Vec<NewTopic>,
    ) -> Vec<Changed<Arc<TopicImage>>> {
        self.change(new.len(), move |registry, catalog| {
            registry.create_now(catalog, new, Creator::Client)
        })
        .await
    }

    /// Creates a topic that the broker keeps for itself.
    pub(crate) async fn create_own(self: &Arc<Self>, new: NewTopic) -> Changed<Arc<TopicImage>> {
        let create = move |registry: &Self, catalog: &mut Catalog| {
            registry.create_now(catalog, vec![new], Creator::Broker)
        };
        let mut outcomes = self.change(1, create).await;
        outcomes.pop().expect("one outcome for one topic")
    }

    fn create_now(
        &self,
        catalog: &mut Catalog,
        new: Vec<NewTopic>,
        creator: Creator,
    ) -> Vec<Changed<Arc<TopicImage>>> {
        let before = catalog.clone();
        // What there will be, for topics of one request to be held against each other.
        let mut planned = (**self.image()).clone();
        let mut added = 0;
        let admit = |new: NewTopic| {
            check(&planned, &new.name, new.partitions, creator)?;
            if catalog.topics.contains_key(&new.name) {
                return Err(Refusal::from(exists(&new.name)));
            }
            self.replicas.check_descriptors(added + new.partitions)?;
            added += new.partitions;
            let id = self.world.dice.id();
            let entry = CatalogEntry {
                id,
                partitions: new.partitions,
                deleting: false,
            };
            catalog.topics.insert(new.name.clone(), entry);
            let here = Arc::from([self.node_id]);
            let partition = PartitionImage::healthy(here, 0);
            planned.insert(Arc::new(TopicImage {
                name: new.name.as_str().into(),
                id,
                partitions: vec![partition; new.partitions as usize],
            }));
            Ok(new)
        };
        let admitted: Vec<Changed<NewTopic>> = new.into_iter().map(admit).collect();
        let created: Vec<&NewTopic> = admitted.iter().flatten().collect();
        if created.is_empty() {
            return admitted
                .into_iter()
                .filter_map(|new| new.err().map(Err))
                .collect();
        }
        // The moment of creation, of all of them: a crash after it leaves whole topics, which the next start opens.
        let noted = self
            .remember_overrides(&created)
            .and_then(|()| Ok(catalog.write(&*self.world.disk)?));
        if let Err(refusal) = noted {
            *catalog = before;
            return admitted
                .into_iter()
                .map(|new| new.and(Err(refusal.clone())))
                .collect();
        }
        let mut opened = self.add(catalog, &created).into_iter();
        let outcomes = admitted.iter().map(|new| match new {
            Ok(_) => opened
                .next()
                .expect("an outcome for each that was admitted"),
            Err(refusal) => Err(refusal.clone()),
        });
        outcomes.collect()
    }

    /// Has topics that are in the catalog lie here, and lets everybody see those that are whole.
    fn add(&self, catalog: &mut Catalog, new: &[&NewTopic]) -> Vec<Changed<Arc<TopicImage>>> {
        let lying: Vec<_> = new
            .iter()
            .map(|new| Lying {
                name: &new.name,
                id: catalog.topics[&new.name].id,
                partitions: new.partitions,
            })
            .collect();
        let hosted = self.replicas.add_topics(&lying);
        for (new, outcome) in new.iter().zip(&hosted) {
            if outcome.is_err() {
                self.undo_creation(catalog, &new.name, new.partitions);
            }
        }
        let outcomes: Vec<_> = hosted
            .into_iter()
            .map(|outcome| outcome.map(|topic| self.image_of(&topic)))
            .collect();
        self.publish(|image| {
            for topic in outcomes.iter().flatten() {
                image.insert(Arc::clone(topic));
            }
        });
        outcomes
    }

    fn remember_overrides(&self, new: &[&NewTopic]) -> Changed<()> {
        // Also what an earlier topic of the name may have left behind in a crash is replaced.
        let other: Vec<_> = new
            .iter()
            .filter(|new| self.configs.topic_overrides(&new.name) != new.overrides)
            .map(|new| (new.name.as_str(), new.overrides.clone()))
            .collect();
        if other.is_empty() {
            return Ok(());
        }
        let kept = self.configs.put_topics(other);
        kept.map_err(|error| Refusal::new(ErrorCode::KafkaStorageError, error.to_string()))
    }

    /// Takes back a topic that could not be created in full, probably because the disk is full. What cannot be removed
    /// now is removed at the next start, as the catalog says.
    fn undo_creation(&self, catalog: &mut Catalog, name: &str, partitions: i32) {
        self.forget(catalog, &[(name, partitions)]);
        if let Err(why) = catalog.write(&*self.world.disk) {
            tracing::warn!(
                "topic {name} could not be created, and the note of it stays for now: {why}"
            );
        }
    }
}
