//! The topics of this broker, as a group needs to know them.

use std::sync::Arc;

use kafkalite_groups::consumer::Topology;
use uuid::Uuid;

use crate::topics::Snapshot;

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
