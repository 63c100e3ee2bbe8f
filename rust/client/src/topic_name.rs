//! What can be the name of a topic. Asked before anything is sent: a name that is too long for the protocol would spoil every
//! request that it is part of, and with it what is asked about other topics.

use kafkalite_names::InvalidName;

use crate::error::{ClientError, Result};

/// Refuses what can be no topic's name by [Kafka's rule](kafkalite_names::check_topic_name).
pub fn check_topic_name(name: &str) -> Result<()> {
    let checked = kafkalite_names::check_topic_name(name);
    checked.map_err(|InvalidName { name, reason }| {
        let name = name.into();
        ClientError::InvalidTopic { name, reason }
    })
}
