//! Where what stands. A topic's name must be one ([`check_topic_name`]), or one of the
//! children of [`TOPICS`], so that it is one step of a path.

use kafkalite_names::{InvalidName, check_topic_name};

use super::ConsumerId;

/// The parent of the brokers that are there.
pub const BROKER_IDS: &str = "/brokers/ids";
/// Writing to this node makes its version grow: ids for brokers that were given none.
pub const BROKER_SEQUENCE: &str = "/brokers/seqid";
/// The parent of all topics.
pub const TOPICS: &str = "/brokers/topics";
/// The controller.
pub const CONTROLLER: &str = "/controller";
/// How many controllers there have been.
pub const CONTROLLER_EPOCH: &str = "/controller_epoch";
/// Which cluster this is.
pub const CLUSTER_ID: &str = "/cluster/id";
/// The last block of producer ids.
pub const PRODUCER_IDS: &str = "/latest_producer_id_block";
/// The parent of the topics that are to be deleted.
pub const DELETED_TOPICS: &str = "/admin/delete_topics";
/// The parent of what says that settings have changed.
pub const SETTINGS_CHANGES: &str = "/config/changes";
/// What says that settings have changed: the server adds a number.
pub const SETTINGS_CHANGE: &str = "/config/changes/config_change_";
/// The parent of all groups.
pub const CONSUMERS: &str = "/consumers";
/// The parent of what can be set.
pub const SETTINGS: &str = "/config";

/// What a broker creates if it is missing: parents that Kafka's brokers, consumers and tools expect.
pub const PERSISTENT: [&str; 12] = [
    CONSUMERS,
    BROKER_IDS,
    TOPICS,
    SETTINGS_CHANGES,
    DELETED_TOPICS,
    BROKER_SEQUENCE,
    "/isr_change_notification",
    PRODUCER_IDS,
    "/log_dir_event_notification",
    "/config/topics",
    "/config/clients",
    "/config/brokers",
];

/// A broker that is there.
pub fn broker(id: i32) -> String {
    format!("{BROKER_IDS}/{id}")
}

/// A topic.
pub fn topic(topic: &str) -> String {
    format!("{TOPICS}/{topic}")
}

/// The parent of a topic's partitions.
pub fn partitions(topic: &str) -> String {
    format!("{TOPICS}/{topic}/partitions")
}

/// A partition, which has its state below it.
pub fn partition(topic: &str, partition: i32) -> String {
    format!("{TOPICS}/{topic}/partitions/{partition}")
}

/// Who leads a partition.
pub fn partition_state(topic: &str, partition: i32) -> String {
    format!("{TOPICS}/{topic}/partitions/{partition}/state")
}

/// That a topic is to be deleted.
pub fn topic_deletion(topic: &str) -> String {
    format!("{DELETED_TOPICS}/{topic}")
}

/// The number that a node of a broker or a partition is called by; `None` if it is called otherwise.
pub fn number(name: &str) -> Option<i32> {
    let number = name.parse().ok().filter(|number| *number >= 0)?;
    (i32::to_string(&number) == name).then_some(number)
}

/// Where what stands of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPaths {
    group: String,
}

impl GroupPaths {
    /// Of the group of this name, to which the rule for topics applies, as the old consumer's does.
    pub fn new(group: &str) -> Result<Self, InvalidName> {
        if check_topic_name(group).is_err() {
            let reason = "cannot name a group over ZooKeeper: 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-' can, but not '.' or '..'";
            return Err(InvalidName::new(group, reason));
        }
        Ok(Self {
            group: group.to_owned(),
        })
    }

    /// The group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The parent of the consumers that are there.
    pub fn ids(&self) -> String {
        format!("{CONSUMERS}/{}/ids", self.group)
    }

    /// A consumer that is there.
    pub fn id(&self, consumer: &ConsumerId) -> String {
        format!("{CONSUMERS}/{}/ids/{consumer}", self.group)
    }

    /// The parent of the topics that have owners.
    pub fn owners(&self) -> String {
        format!("{CONSUMERS}/{}/owners", self.group)
    }

    /// The parent of the owners of a topic's partitions.
    pub fn owners_of(&self, topic: &str) -> String {
        format!("{CONSUMERS}/{}/owners/{topic}", self.group)
    }

    /// The owner of a partition.
    pub fn owner(&self, topic: &str, partition: i32) -> String {
        format!("{CONSUMERS}/{}/owners/{topic}/{partition}", self.group)
    }

    /// The parent of the topics that have offsets.
    pub fn offsets(&self) -> String {
        format!("{CONSUMERS}/{}/offsets", self.group)
    }

    /// The parent of the offsets of a topic's partitions.
    pub fn offsets_of(&self, topic: &str) -> String {
        format!("{CONSUMERS}/{}/offsets/{topic}", self.group)
    }

    /// How far the group has read a partition.
    pub fn offset(&self, topic: &str, partition: i32) -> String {
        format!("{CONSUMERS}/{}/offsets/{topic}/{partition}", self.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kafkas() {
        let group = GroupPaths::new("g1").unwrap();
        let consumer = ConsumerId::new("g1_host-1-a").unwrap();
        for (path, expected) in [
            (broker(1), "/brokers/ids/1"),
            (topic("old"), "/brokers/topics/old"),
            (
                partition_state("old", 0),
                "/brokers/topics/old/partitions/0/state",
            ),
            (topic_deletion("old"), "/admin/delete_topics/old"),
            (group.id(&consumer), "/consumers/g1/ids/g1_host-1-a"),
            (group.owner("old", 0), "/consumers/g1/owners/old/0"),
            (group.offset("old", 12), "/consumers/g1/offsets/old/12"),
        ] {
            assert_eq!(path, expected);
        }
    }

    #[test]
    fn no_group_leaves_its_place() {
        for name in ["", ".", "..", "a/b", "a b", "ä"] {
            assert!(GroupPaths::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_number_is_written_in_one_way() {
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("12"), Some(12));
        for name in ["", "-1", "+1", "01", "1 ", "x", "2147483648"] {
            assert_eq!(number(name), None, "{name:?}");
        }
    }
}
