//! Topics, and which brokers hold their partitions.

use std::collections::BTreeMap;

use kafkalite_names::ids;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Znode, json};

/// A topic. Its partitions' numbers have no gaps unless somebody has written one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicZnode {
    /// Its id; Kafka has given one since 2.8.
    pub id: Option<Uuid>,
    /// Its partitions.
    pub partitions: BTreeMap<i32, TopicReplicas>,
}

/// Which brokers hold a partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicReplicas {
    /// All of them, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Who of them is new and does not have everything yet (KIP-455).
    pub adding: Vec<i32>,
    /// Who of them is to hold it no longer (KIP-455).
    pub removing: Vec<i32>,
}

type Brokers = BTreeMap<i32, Vec<i32>>;

#[derive(Serialize, Deserialize)]
struct Fields {
    partitions: Brokers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic_id: Option<String>,
    #[serde(default)]
    adding_replicas: Brokers,
    #[serde(default)]
    removing_replicas: Brokers,
}

impl Znode for TopicZnode {
    const EXPECTED: &'static str =
        r#"a topic's partitions such as {"version":3,"partitions":{"0":[1]},...}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        let mut fields: Fields = json::read(data)?;
        let id = fields
            .topic_id
            .map(|text| ids::from_text(&text).ok_or_else(|| format!("{text:?} is no topic's id")));
        if let Some(number) = fields.partitions.keys().find(|number| **number < 0) {
            return Err(format!("{number} is no partition's number"));
        }
        let taken = |from: &mut Brokers, partition| from.remove(&partition).unwrap_or_default();
        let partitions = (fields.partitions.into_iter())
            .map(|(partition, replicas)| {
                let adding = taken(&mut fields.adding_replicas, partition);
                let removing = taken(&mut fields.removing_replicas, partition);
                (
                    partition,
                    TopicReplicas {
                        replicas,
                        adding,
                        removing,
                    },
                )
            })
            .collect();
        Ok(Self {
            id: id.transpose()?,
            partitions,
        })
    }

    fn write(&self) -> Vec<u8> {
        let each = |of: fn(&TopicReplicas) -> &Vec<i32>| -> Brokers {
            let all = self
                .partitions
                .iter()
                .map(|(number, brokers)| (*number, of(brokers).clone()));
            all.collect()
        };
        let some = |brokers: Brokers| -> Brokers {
            brokers
                .into_iter()
                .filter(|(_, brokers)| !brokers.is_empty())
                .collect()
        };
        let fields = Fields {
            partitions: each(|brokers| &brokers.replicas),
            topic_id: self.id.map(ids::to_text),
            adding_replicas: some(each(|brokers| &brokers.adding)),
            removing_replicas: some(each(|brokers| &brokers.removing)),
        };
        json::write(3, &fields)
    }
}
