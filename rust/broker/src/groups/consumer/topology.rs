//! The topics that there are, as far as a group needs to know.

use std::sync::Arc;

use uuid::Uuid;

use crate::topics::Snapshot;

/// Topics at one moment.
pub(crate) trait Topology {
    /// A topic's id and its number of partitions.
    fn topic(&self, name: &str) -> Option<(Uuid, i32)>;

    /// The name of the topic with this id.
    fn name_of(&self, id: Uuid) -> Option<Arc<str>>;

    /// The names of all.
    fn names(&self) -> Vec<Arc<str>>;
}

impl Topology for Snapshot {
    fn topic(&self, name: &str) -> Option<(Uuid, i32)> {
        let topic = self.by_name(name)?;
        Some((topic.id, topic.partitions.len() as i32))
    }

    fn name_of(&self, id: Uuid) -> Option<Arc<str>> {
        self.by_id(id).map(|topic| Arc::clone(&topic.name))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.iter().map(|topic| Arc::clone(&topic.name)).collect()
    }
}
