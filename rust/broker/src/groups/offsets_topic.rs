//! The topic in which groups are stored.

use crate::config::Settings;
use crate::internal_log::InternalTopic;

/// Its name.
pub(crate) const TOPIC: &str = "__consumer_offsets";

/// The topic as the settings want it.
pub(super) fn offsets_topic(settings: &Settings) -> InternalTopic {
    InternalTopic {
        name: TOPIC,
        partitions: settings.offsets_topic_num_partitions,
        segment_bytes: settings.offsets_topic_segment_bytes,
    }
}
