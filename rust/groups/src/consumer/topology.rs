//! The topics that there are, as far as a group needs to know.

use std::sync::Arc;

use kafkalite_cluster::ClusterImage;
use uuid::Uuid;

/// Topics at one moment.
pub trait Topology {
    /// A topic's id and its number of partitions.
    fn topic(&self, name: &str) -> Option<(Uuid, i32)>;

    /// The name of the topic with this id.
    fn name_of(&self, id: Uuid) -> Option<Arc<str>>;
}

impl Topology for ClusterImage {
    fn topic(&self, name: &str) -> Option<(Uuid, i32)> {
        let topic = Self::topic(self, name)?;
        Some((topic.id, topic.partitions.len() as i32))
    }

    fn name_of(&self, id: Uuid) -> Option<Arc<str>> {
        self.topic_by_id(id).map(|topic| Arc::clone(&topic.name))
    }
}
