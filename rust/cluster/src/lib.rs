//! The cluster as its brokers know it: which brokers there are, which topics, where their partitions lie and who leads them
//! ([`ClusterImage`]); and the decisions on it as functions: image and wish in, what is to be or an error out.
//!
//! It keeps nothing and asks nobody: who keeps an image, in a file or in a registry that brokers share, tells all others of it.
//! What lies on a broker's own disk is not in it, nor what topics are set to.

pub mod creation;
pub mod deletion;
pub mod election;
pub mod growth;
mod image;
mod leadership;
pub mod names;
mod placement;
pub mod reassignment;
mod topic_key;
mod unknown;

pub use image::{BrokerImage, ClusterImage, Endpoint, PartitionImage, Replicas, TopicImage};
pub use leadership::elsewhere;
pub use placement::{Placed, Placement, place};
pub use topic_key::TopicKey;
pub use unknown::{unknown_partition, unknown_topic, unknown_topic_id};

/// More partitions than this in one topic are a mistake rather than a wish: each holds an open file.
pub const MAX_PARTITIONS: i32 = 10_000;
