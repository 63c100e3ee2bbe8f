//! Creating topics.

use std::sync::Arc;

use kafkalite_names::{check_topic_name, ids};
use kafkalite_wire::ErrorCode;

use super::{
    Keeping, MAX_PARTITIONS, Topic, Topics,
    catalog::Entry,
    change::Outcome,
    name,
    opening::{Known, Wanted, by_topic},
};
use crate::{config::Overrides, refusal::Refusal};

/// A topic to be created. The settings have been checked.
#[derive(Debug, Clone)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
    pub(crate) overrides: Overrides,
}

/// Who wants a topic: only the broker creates those that it keeps for itself, and no topic of a client stands in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Creator {
    Client,
    Broker,
}

impl Topics {
    /// Would this topic be created? The answer may be another one by the time it is.
    pub(crate) fn check(&self, new: &NewTopic) -> Outcome<()> {
        let snapshot = self.snapshot();
        let exists = snapshot.by_name(&new.name).is_some();
        let others = snapshot.iter().map(|topic| &*topic.name);
        check(new, Creator::Client, exists, others)?;
        self.check_descriptors(new.partitions)
    }

    /// Creates topics; each is whole and usable when this returns, or not there. An outcome a topic, in order.
    pub(crate) async fn create(self: &Arc<Self>, new: Vec<NewTopic>) -> Vec<Outcome<Arc<Topic>>> {
        self.change(new.len(), move |topics, keeping| {
            topics.create_now(keeping, new, Creator::Client)
        })
        .await
    }

    /// Creates a topic that the broker keeps for itself.
    pub(crate) async fn create_own(self: &Arc<Self>, new: NewTopic) -> Outcome<Arc<Topic>> {
        let create = move |topics: &Self, keeping: &mut Keeping| {
            topics.create_now(keeping, vec![new], Creator::Broker)
        };
        let mut outcomes = self.change(1, create).await;
        outcomes.pop().expect("one outcome for one topic")
    }

    fn create_now(
        &self,
        keeping: &mut Keeping,
        new: Vec<NewTopic>,
        creator: Creator,
    ) -> Vec<Outcome<Arc<Topic>>> {
        let before = keeping.catalog.clone();
        let mut added = 0;
        let admit = |new: NewTopic| {
            let topics = &mut keeping.catalog.topics;
            check(
                &new,
                creator,
                topics.contains_key(&new.name),
                topics.keys().map(String::as_str),
            )?;
            self.check_descriptors(added + new.partitions)?;
            added += new.partitions;
            let entry = Entry {
                id: ids::random(),
                partitions: new.partitions,
                deleting: false,
            };
            topics.insert(new.name.clone(), entry);
            Ok(new)
        };
        let admitted: Vec<Outcome<NewTopic>> = new.into_iter().map(admit).collect();
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
            .and_then(|()| keeping.write());
        if let Err(refusal) = noted {
            keeping.catalog = before;
            return admitted
                .into_iter()
                .map(|new| new.and(Err(refusal.clone())))
                .collect();
        }
        let mut opened = self.open_new(keeping, &created).into_iter();
        let outcomes = admitted.iter().map(|new| match new {
            Ok(_) => opened
                .next()
                .expect("an outcome for each that was admitted"),
            Err(refusal) => Err(refusal.clone()),
        });
        outcomes.collect()
    }

    /// Opens the logs of topics that are in the catalog, and lets everybody see those that are whole.
    fn open_new(&self, keeping: &mut Keeping, new: &[&NewTopic]) -> Vec<Outcome<Arc<Topic>>> {
        let mut wanted = Vec::new();
        for new in new {
            let topic: Arc<str> = new.name.as_str().into();
            let settings = Arc::new(self.configs.topic_settings(&topic));
            wanted.extend((0..new.partitions).map(|index| Wanted {
                topic: Arc::clone(&topic),
                topic_id: keeping.catalog.topics[&new.name].id,
                index,
                settings: Arc::clone(&settings),
                known: Known::NOTHING,
            }));
        }
        let outcomes: Vec<Outcome<Arc<Topic>>> = match keeping.open_partitions(&wanted) {
            Ok(opened) => by_topic(&wanted, opened)
                .map(|topic| Ok(Arc::new(topic?)))
                .collect(),
            Err(error) => {
                let refusal = Refusal::from(error);
                new.iter().map(|_| Err(refusal.clone())).collect()
            }
        };
        for (new, outcome) in new.iter().zip(&outcomes) {
            if outcome.is_err() {
                keeping.undo_creation(&new.name, new.partitions);
            }
        }
        self.publish(|snapshot| {
            for topic in outcomes.iter().flatten() {
                snapshot.insert(Arc::clone(topic));
            }
        });
        outcomes
    }

    fn remember_overrides(&self, new: &[&NewTopic]) -> Outcome<()> {
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
}

impl Keeping {
    /// Takes back a topic that could not be created in full, probably because the disk is full. What cannot be removed
    /// now is removed at the next start, as the catalog says.
    fn undo_creation(&mut self, name: &str, partitions: i32) {
        self.forget([(name, partitions)].into_iter());
        if let Err(refusal) = self.write() {
            let why = refusal.message;
            tracing::warn!(
                "topic {name} could not be created, and the note of it stays for now: {why}"
            );
        }
    }
}

fn check<'a>(
    new: &NewTopic,
    creator: Creator,
    exists: bool,
    others: impl Iterator<Item = &'a str>,
) -> Outcome<()> {
    let name = &new.name;
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidTopic, message));
    if let Err(error) = check_topic_name(name) {
        return invalid(error.to_string());
    }
    if name == name::CLUSTER_METADATA {
        let message = format!("topic '{name}' is that of Kafka's controllers; choose another name");
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    }
    if exists {
        let message = format!("topic '{name}' exists already");
        return Err(Refusal::new(ErrorCode::TopicAlreadyExists, message));
    }
    if creator == Creator::Client
        && let Some(other) = name::colliding(name, others)
    {
        return invalid(format!(
            "topic name '{name}' collides with topic '{other}': '.' and '_' are the same to metrics"
        ));
    }
    if !(1..=MAX_PARTITIONS).contains(&new.partitions) {
        let count = new.partitions;
        let message =
            format!("topic '{name}' can have 1 to {MAX_PARTITIONS} partitions, not {count}");
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    Ok(())
}
