//! The registry of a broker that is alone: its data directory says what there is, in the [`catalog`] and in the partitions'
//! own directories. Each change happens when the catalog is replaced on disk; what is left to do then is finished by the next
//! start if a crash comes between.
//!
//! Where partitions lie is not kept, for it is implied: here, all of them ([`alone`]). With other brokers in the image this would
//! not do.

pub(super) mod catalog;
mod creation;
mod deletion;
mod growth;
mod start;

use std::collections::BTreeMap;
use std::sync::Arc;

use kafkalite_cluster::{BrokerImage, ClusterImage, PartitionImage, TopicImage};

use crate::replicas::HostedTopic;

/// The image of a cluster of one broker: it decides, has every partition of every topic that lies on it, and leads them all, each
/// in the newest epoch of its log.
fn alone<'a>(
    node_id: i32,
    rack: Option<String>,
    topics: impl Iterator<Item = &'a Arc<HostedTopic>>,
) -> ClusterImage {
    let me = BrokerImage {
        endpoint: None,
        rack,
    };
    let mut image = ClusterImage::new(BTreeMap::from([(node_id, me)]), Some(node_id));
    let here: Arc<[i32]> = Arc::from([node_id]);
    for topic in topics {
        let partitions = topic
            .partitions
            .iter()
            .map(|partition| PartitionImage::healthy(Arc::clone(&here), partition.leader_epoch()));
        image.insert(Arc::new(TopicImage {
            name: Arc::clone(&topic.name),
            id: topic.id,
            partitions: partitions.collect(),
        }));
    }
    image
}
