//! What such a topic is like when it is created.

use crate::config::{LEAST_SEGMENT_BYTES, Overrides};
use crate::registry::{NewTopic, Registry};

/// A topic that the broker keeps for itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InternalTopic {
    pub(crate) name: &'static str,
    /// How many it gets. It keeps those that it has: the number says where each owner's records lie.
    pub(crate) partitions: i32,
    pub(crate) segment_bytes: i32,
}

impl InternalTopic {
    pub(super) fn to_create(self, registry: &Registry) -> NewTopic {
        let overrides = [
            ("cleanup.policy", "compact".to_owned()),
            ("compression.type", "producer".to_owned()),
            // Kafka takes small ones here, too, and then refuses its own topic for ever.
            (
                if self.segment_bytes < LEAST_SEGMENT_BYTES {
                    "internal.segment.bytes"
                } else {
                    "segment.bytes"
                },
                self.segment_bytes.to_string(),
            ),
        ];
        NewTopic {
            name: self.name.to_owned(),
            wish: registry.anywhere(self.partitions),
            overrides: Overrides::from(overrides.map(|(name, value)| (name.to_owned(), value))),
        }
    }
}
