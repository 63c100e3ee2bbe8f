//! Giving a topic more partitions.

use std::sync::Arc;

use kafkalite_log::LogError;
use kafkalite_wire::ErrorCode;

use super::{
    Keeping, MAX_PARTITIONS, Topic, Topics,
    change::Outcome,
    opening::{Known, Wanted},
};
use crate::refusal::Refusal;
use kafkalite_names::counted;

impl Topics {
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
    pub(crate) fn check_growth(&self, name: &str, count: i32) -> Outcome<Arc<Topic>> {
        let topic = self
            .by_name(name)
            .ok_or_else(|| Refusal::unknown_topic(name))?;
        let now = topic.partitions.len() as i32;
        let invalid = |message| Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        if count <= now {
            let partitions = counted(now, "partition");
            return invalid(format!(
                "topic '{name}' has {partitions}; it can only get more than that, not {count}"
            ));
        }
        if count > MAX_PARTITIONS {
            return invalid(format!(
                "topic '{name}' can have {MAX_PARTITIONS} partitions at the most, not {count}"
            ));
        }
        self.check_descriptors(count - now)?;
        Ok(topic)
    }

    fn grow_now(&self, keeping: &mut Keeping, name: &str, count: i32) -> Outcome<()> {
        let topic = self.check_growth(name, count)?;
        let now = topic.partitions.len() as i32;
        // The moment of growth: a crash after it leaves whole partitions, which the next start opens.
        if let Err(refusal) = keeping.resize(name, count) {
            let _ = keeping.resize(name, now);
            return Err(refusal);
        }
        let settings = topic.settings.load_full();
        let wanted: Vec<_> = (now..count)
            .map(|index| Wanted {
                topic: Arc::clone(&topic.name),
                topic_id: topic.id,
                index,
                settings: Arc::clone(&settings),
                known: Known::NOTHING,
            })
            .collect();
        let opened = keeping.open_partitions(&wanted);
        match opened.and_then(|opened| opened.into_iter().collect::<Result<Vec<_>, LogError>>()) {
            Ok(added) => {
                let grown = Arc::new(Topic {
                    name: Arc::clone(&topic.name),
                    id: topic.id,
                    settings: Arc::clone(&topic.settings),
                    partitions: topic.partitions.iter().cloned().chain(added).collect(),
                });
                self.publish(|snapshot| snapshot.insert(Arc::clone(&grown)));
                Ok(())
            }
            Err(error) => {
                if let Err(error) = keeping.remove_partitions(name, now..count) {
                    tracing::warn!(
                        "partitions that {name} did not get were not removed either: {error}"
                    );
                }
                let _ = keeping.resize(name, now);
                Err(error.into())
            }
        }
    }
}

impl Keeping {
    /// Notes how many partitions a topic has, also in memory only if the disk is full: the next change writes it.
    fn resize(&mut self, name: &str, count: i32) -> Outcome<()> {
        if let Some(entry) = self.catalog.topics.get_mut(name) {
            entry.partitions = count;
        }
        self.write()
    }
}
