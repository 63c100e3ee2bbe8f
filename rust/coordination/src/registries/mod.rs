//! What stands where in ZooKeeper (P15), in the layout that Kafka has used, so that its tools and consumers read what we write
//! and we what they write: [`paths`], and one type for the value of each kind of node.
//!
//! A value is read by its fields. Which version it says it has is not looked at, and neither are fields that nobody here knows:
//! Kafka has added some with every version and taken none away. What cannot be read is [`Garbage`], which harms what the node
//! was about and nothing else, as whoever reads it decides.
//!
//! | node | lives | value |
//! |---|---|---|
//! | `/brokers/ids/<broker>` | as long as the broker's session | [`BrokerZnode`] |
//! | `/brokers/topics/<topic>` | until it is deleted | [`TopicZnode`] |
//! | `/brokers/topics/<topic>/partitions/<partition>/state` | with the topic | [`PartitionStateZnode`] |
//! | `/controller` | as long as the controller's session | [`ControllerZnode`] |
//! | `/controller_epoch` | for ever | [`ControllerEpochZnode`] |
//! | `/cluster/id` | for ever | [`ClusterIdZnode`] |
//! | `/latest_producer_id_block` | for ever | [`ProducerIdsZnode`] |
//! | `/config/topics/<topic>`, `/config/brokers/<broker>` | until it is deleted | [`SettingsZnode`] |
//! | `/config/changes/config_change_<number>` | for a while | [`SettingsChangeZnode`] |
//! | `/consumers/<group>/ids/<consumer>` | as long as the consumer's session | [`ConsumerZnode`] |
//! | `/consumers/<group>/owners/<topic>/<partition>` | as long as the owner's session | [`OwnerZnode`] |
//! | `/consumers/<group>/offsets/<topic>/<partition>` | until it is deleted | [`OffsetZnode`] |
//!
//! `/brokers/seqid` and `/admin/delete_topics/<topic>` hold nothing: the one's version is the next id for a broker without, the
//! other's name is what it says.

mod broker;
mod cluster_id;
mod consumer;
mod consumer_id;
mod controller;
mod garbage;
mod json;
pub(crate) mod node_name;
mod partition_state;
pub mod paths;
mod plain;
mod producer_ids;
mod settings;
#[cfg(test)]
mod tests;
mod timestamp;
mod topic;

pub use broker::{BrokerEndpoint, BrokerZnode};
pub use cluster_id::ClusterIdZnode;
pub use consumer::{ConsumerSubscription, ConsumerZnode};
pub use consumer_id::{ConsumerId, ThreadId};
pub use controller::{ControllerEpochZnode, ControllerZnode};
pub use garbage::Garbage;
pub use partition_state::PartitionStateZnode;
pub use paths::GroupPaths;
pub use plain::{OffsetZnode, OwnerZnode};
pub use producer_ids::ProducerIdsZnode;
pub use settings::{SettingsChangeZnode, SettingsOf, SettingsZnode};
pub use topic::{TopicReplicas, TopicZnode};

/// What a node of one kind holds.
pub trait Znode: Sized {
    /// What stands in such a node, for an error that has found something else.
    const EXPECTED: &'static str;

    /// Reads the node's data; the error is the reason why that cannot be.
    fn read(data: &[u8]) -> Result<Self, String>;

    /// The data as Kafka writes them.
    fn write(&self) -> Vec<u8>;

    /// What the node at this path holds.
    fn parse(path: &str, data: &[u8]) -> Result<Self, Garbage> {
        Self::read(data).map_err(|reason| Garbage::new(path, data, Self::EXPECTED, &reason))
    }
}
