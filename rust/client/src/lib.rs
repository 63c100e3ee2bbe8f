//! A Kafka client: producer, consumer and admin; the same against kafkalite and against Apache Kafka.
//!
//! It does not block: everything that waits is a future, and records are handed over without waiting
//! ([`Producer::enqueue`]). A [`Consumer`] reads the partitions that it is given, a [`GroupConsumer`] those that its group gives
//! it, by the classic protocol (not yet by that of KIP-848), and with the feature `zookeeper` a `ZooKeeperConsumer` those that
//! a group without a master leaves it. It knows no transactions: records are read as they are written, those of aborted
//! transactions too (`read_uncommitted`). It does not notice that a log was cut and written anew below its position (KIP-320)
//! unless the position itself is gone.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod admin;
mod close_signal;
mod cluster;
mod codec_pool;
pub mod config;
mod consumer;
mod error;
mod group;
mod partitioner;
mod producer;
#[cfg(feature = "zookeeper")]
mod registries;
mod tasks;
#[cfg(test)]
mod test_broker;
mod times;
mod topic_name;

pub use admin::{
    Admin, BrokerDescription, ClusterDescription, CommittedOffset, ConfigChange, ConfigEntry,
    ConfigResource, GroupDescription, GroupListing, GroupMember, NewTopic, PartitionDescription,
    TopicDescription,
};
#[cfg(feature = "zookeeper")]
pub use config::ZooKeeperConfig;
pub use config::{AdminConfig, ClientConfig, ConfigError, ConsumerConfig, ProducerConfig};
pub use consumer::{Batch, BatchLayouts, Claim, Consumer, OffsetAndTimestamp, StartAt};
pub use error::{ClientError, Result};
pub use group::{GroupConsumer, PendingEvent, RebalanceEvent, Subscription, TopicPattern};
#[cfg(feature = "zookeeper")]
pub use kafkalite_coordination::registries::ConsumerSubscription;
pub use kafkalite_link::{Address, LinkError, NamedBy};
pub use kafkalite_names::TopicPartition;
pub use kafkalite_records::{Compression, DecodedBatch, Header};
pub use kafkalite_wire::ErrorCode;
pub use partitioner::{murmur2, partition_of_key};
pub use producer::{Delivery, Producer, ProducerRecord, ProducerWait, RecordMetadata, Refused};
#[cfg(feature = "zookeeper")]
pub use registries::ZooKeeperConsumer;
pub use topic_name::check_topic_name;
