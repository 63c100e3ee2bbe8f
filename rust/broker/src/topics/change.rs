//! Creating, growing and deleting topics.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arc_swap::ArcSwap;
use kafkalite_log::{LogError, ids, partition::check_topic_name};
use kafkalite_wire::ErrorCode;

use super::{
    Keeping, MAX_PARTITIONS, Topic, Topics,
    catalog::{Catalog, Entry},
    name,
    opening::Known,
};
use crate::{config::Overrides, refusal::Refusal};

/// A topic to be created. The settings have been checked.
#[derive(Debug, Clone)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
    pub(crate) overrides: Overrides,
}

type Outcome<T> = Result<T, Refusal>;

impl Topics {
    /// Would this topic be created? The answer may be another one by the time it is.
    pub(crate) fn check(&self, new: &NewTopic) -> Outcome<()> {
        check(
            &self
                .keeping
                .lock()
                .as_ref()
                .ok_or_else(Refusal::stopping)?
                .catalog,
            new,
        )
    }

    /// Creates topics; each is whole and usable when this returns, or not there. An outcome a topic, in order.
    pub(crate) async fn create(self: &Arc<Self>, new: Vec<NewTopic>) -> Vec<Outcome<Arc<Topic>>> {
        let count = new.len();
        self.change(count, move |topics, keeping| {
            topics.create_now(keeping, new)
        })
        .await
    }

    /// Deletes topics by name: they are gone when this returns, their files some time later.
    pub(crate) async fn delete(self: &Arc<Self>, names: Vec<String>) -> Vec<Outcome<()>> {
        let count = names.len();
        self.change(count, move |topics, keeping| {
            topics.delete_now(keeping, &names)
        })
        .await
    }

    /// Gives a topic `count` partitions in all.
    pub(crate) async fn grow(self: &Arc<Self>, name: String, count: i32) -> Outcome<()> {
        let grow = move |topics: &Self, keeping: &mut Keeping| {
            vec![topics.grow_now(keeping, &name, count)]
        };
        self.change(1, grow)
            .await
            .pop()
            .expect("one outcome for one topic")
    }

    /// Would [`Self::grow`] do it?
    pub(crate) fn check_growth(&self, name: &str, count: i32) -> Outcome<()> {
        check_growth(
            &self
                .keeping
                .lock()
                .as_ref()
                .ok_or_else(Refusal::stopping)?
                .catalog,
            name,
            count,
        )
        .map(|_| ())
    }

    /// Runs a change on a blocking thread, to its end even if who asked for it goes away.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        count: usize,
        change: impl FnOnce(&Self, &mut Keeping) -> Vec<Outcome<T>> + Send + 'static,
    ) -> Vec<Outcome<T>> {
        let topics = Arc::clone(self);
        let stopping = move || (0..count).map(|_| Err(Refusal::stopping())).collect();
        let run = move || match topics.keeping.lock().as_mut() {
            Some(keeping) => change(&topics, keeping),
            None => stopping(),
        };
        tokio::task::spawn_blocking(run)
            .await
            .unwrap_or_else(move |_| stopping())
    }

    fn create_now(&self, keeping: &mut Keeping, new: Vec<NewTopic>) -> Vec<Outcome<Arc<Topic>>> {
        let mut repeated: HashMap<&str, usize> = HashMap::new();
        for topic in &new {
            *repeated.entry(&topic.name).or_default() += 1;
        }
        let twice: HashSet<String> = repeated
            .into_iter()
            .filter(|&(_, n)| n > 1)
            .map(|(name, _)| name.to_owned())
            .collect();

        // The moment of creation is one write for all of them.
        let before = keeping.catalog.clone();
        let admitted: Vec<Outcome<NewTopic>> = new
            .into_iter()
            .map(|new| {
                if twice.contains(&new.name) {
                    let message =
                        format!("topic '{}' stands more than once in the request", new.name);
                    return Err(Refusal::new(ErrorCode::InvalidRequest, message));
                }
                check(&keeping.catalog, &new)?;
                self.remember_overrides(&new)?;
                let entry = Entry {
                    id: ids::random(),
                    partitions: new.partitions,
                    deleting: false,
                };
                keeping.catalog.topics.insert(new.name.clone(), entry);
                Ok(new)
            })
            .collect();
        if let Err(refusal) = keeping.write() {
            keeping.catalog = before;
            return admitted
                .into_iter()
                .map(|one| one.and(Err(refusal.clone())))
                .collect();
        }

        admitted
            .into_iter()
            .map(|new| {
                let NewTopic {
                    name, partitions, ..
                } = new?;
                let id = keeping.catalog.topics[&name].id;
                let name: Arc<str> = name.into();
                let settings = self.configs.topic_settings(&name);
                let opened = (0..partitions)
                    .map(|index| {
                        keeping.open_partition(&name, id, index, &settings, Known::NOTHING)
                    })
                    .collect::<Result<Vec<_>, LogError>>();
                match opened {
                    Ok(partitions) => {
                        let settings = Arc::new(ArcSwap::from_pointee(settings));
                        let topic = Arc::new(Topic {
                            name,
                            id,
                            settings,
                            partitions,
                        });
                        self.publish(|snapshot| snapshot.insert(Arc::clone(&topic)));
                        Ok(topic)
                    }
                    Err(error) => {
                        keeping.undo_creation(&name, partitions);
                        Err(error.into())
                    }
                }
            })
            .collect()
    }

    fn delete_now(&self, keeping: &mut Keeping, names: &[String]) -> Vec<Outcome<()>> {
        let marked: Vec<Outcome<&String>> = names
            .iter()
            .map(|name| match keeping.catalog.topics.get_mut(name) {
                Some(entry) if !entry.deleting => {
                    entry.deleting = true;
                    Ok(name)
                }
                _ => Err(Refusal::unknown_topic(name)),
            })
            .collect();
        // The moment of deletion: after it a crash does not bring half of a topic back.
        if let Err(refusal) = keeping.write() {
            for name in marked.iter().flatten() {
                if let Some(entry) = keeping.catalog.topics.get_mut(*name) {
                    entry.deleting = false;
                }
            }
            return marked
                .into_iter()
                .map(|name| name.and_then(|_| Err(refusal.clone())))
                .collect();
        }
        let outcomes = marked.into_iter().map(|name| {
            let name = name?;
            let mut gone = None;
            self.current.rcu(|current| {
                let mut next = super::Snapshot::clone(current);
                gone = next.remove(name);
                next
            });
            if let Some(topic) = gone {
                topic
                    .partitions
                    .iter()
                    .for_each(|partition| partition.delete());
                keeping.forget(&topic.name, topic.partitions.len() as i32);
            }
            if let Err(error) = self.configs.forget_topic(name) {
                tracing::warn!("the settings of deleted topic {name} stay in their file: {error}");
            }
            Ok(())
        });
        let outcomes: Vec<_> = outcomes.collect();
        // Or a later topic of the same name would begin where this one did.
        if let Err(error) = self.checkpoint_all(keeping) {
            tracing::warn!("the checkpoints still name deleted topics: {error}");
        }
        if let Err(refusal) = keeping.write() {
            tracing::warn!(
                "topics were deleted, and the note of it stays until the next change: {}",
                refusal.message
            );
        }
        outcomes
    }

    fn grow_now(&self, keeping: &mut Keeping, name: &str, count: i32) -> Outcome<()> {
        let before = check_growth(&keeping.catalog, name, count)?;
        let topic = self
            .by_name(name)
            .ok_or_else(|| Refusal::unknown_topic(name))?;
        if let Err(refusal) = keeping.resize(name, count) {
            let _ = keeping.resize(name, before);
            return Err(refusal);
        }
        let settings = topic.settings.load_full();
        let added = (before..count)
            .map(|index| {
                keeping.open_partition(&topic.name, topic.id, index, &settings, Known::NOTHING)
            })
            .collect::<Result<Vec<_>, LogError>>();
        match added {
            Ok(added) => {
                let partitions = topic.partitions.iter().cloned().chain(added).collect();
                let (name, settings) = (Arc::clone(&topic.name), Arc::clone(&topic.settings));
                let grown = Arc::new(Topic {
                    name,
                    id: topic.id,
                    settings,
                    partitions,
                });
                self.publish(|snapshot| snapshot.insert(Arc::clone(&grown)));
                Ok(())
            }
            Err(error) => {
                if let Err(error) = keeping.remove_partitions(&topic.name, before..count) {
                    tracing::warn!(
                        "partitions of {name} that could not be added were not removed either: {error}"
                    );
                }
                let _ = keeping.resize(name, before);
                Err(error.into())
            }
        }
    }

    fn remember_overrides(&self, new: &NewTopic) -> Outcome<()> {
        // Also what an earlier topic of the name may have left behind in a crash is replaced.
        if self.configs.topic_overrides(&new.name) == new.overrides {
            return Ok(());
        }
        let kept = self.configs.put_topic(&new.name, new.overrides.clone());
        kept.map_err(|error| Refusal::new(ErrorCode::KafkaStorageError, error.to_string()))
    }
}

impl Keeping {
    fn resize(&mut self, name: &str, count: i32) -> Outcome<()> {
        if let Some(entry) = self.catalog.topics.get_mut(name) {
            entry.partitions = count;
        }
        self.write()
    }

    /// Takes back a topic that could not be created in full, probably because the disk is full. What cannot be removed
    /// now is removed at the next start, as the catalog says.
    fn undo_creation(&mut self, name: &Arc<str>, partitions: i32) {
        self.forget(name, partitions);
        if let Err(refusal) = self.write() {
            tracing::warn!(
                "topic {name} could not be created, and the note of it stays for now: {}",
                refusal.message
            );
        }
    }

    /// Removes the files of a topic and its entry; if the files resist, the entry says `deleting` until the next start.
    fn forget(&mut self, name: &str, partitions: i32) {
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

fn check(catalog: &Catalog, new: &NewTopic) -> Outcome<()> {
    let name = &new.name;
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidTopic, message));
    if let Err(error) = check_topic_name(name) {
        return invalid(error.to_string());
    }
    if name::is_reserved(name) {
        return invalid(format!(
            "topic '{name}' is kept by the broker itself; choose another name"
        ));
    }
    if catalog.topics.contains_key(name) {
        return Err(Refusal::new(
            ErrorCode::TopicAlreadyExists,
            format!("topic '{name}' exists already"),
        ));
    }
    if let Some(other) = name::colliding(name, catalog.topics.keys()) {
        return invalid(format!(
            "topic name '{name}' collides with topic '{other}': '.' and '_' are the same to metrics"
        ));
    }
    if !(1..=MAX_PARTITIONS).contains(&new.partitions) {
        let message = format!(
            "topic '{name}' can have 1 to {MAX_PARTITIONS} partitions, not {}",
            new.partitions
        );
        return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    }
    Ok(())
}

fn check_growth(catalog: &Catalog, name: &str, count: i32) -> Outcome<i32> {
    let entry = catalog.topics.get(name).filter(|entry| !entry.deleting);
    let now = entry
        .ok_or_else(|| Refusal::unknown_topic(name))?
        .partitions;
    let invalid = |message| Err(Refusal::new(ErrorCode::InvalidPartitions, message));
    if count <= now {
        return invalid(format!(
            "topic '{name}' has {now} partitions; it can only get more than that, not {count}"
        ));
    }
    if count > MAX_PARTITIONS {
        return invalid(format!(
            "topic '{name}' can have {MAX_PARTITIONS} partitions at the most, not {count}"
        ));
    }
    Ok(now)
}
