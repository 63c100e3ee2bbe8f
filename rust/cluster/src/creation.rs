//! May this topic be created?

use kafkalite_names::check_topic_name;
use kafkalite_wire::{CodedError, ErrorCode};

use crate::image::ClusterImage;
use crate::names;
use crate::placement::check_count;

/// Who wants a topic: only a broker creates those that brokers keep for themselves, and no topic of a client stands in their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creator {
    /// A client.
    Client,
    /// A broker, for itself.
    Broker,
}

/// Refuses the name of a topic that cannot be, or is already: whatever else is wrong with it, this is what is said.
pub fn check_name(image: &ClusterImage, name: &str) -> Result<(), CodedError> {
    if let Err(error) = check_topic_name(name) {
        return Err(CodedError::new(ErrorCode::InvalidTopic, error.to_string()));
    }
    if name == names::CLUSTER_METADATA {
        let message = format!("topic '{name}' is that of Kafka's controllers; choose another name");
        return Err(CodedError::new(ErrorCode::InvalidRequest, message));
    }
    match image.topic(name) {
        Some(_) => Err(exists(name)),
        None => Ok(()),
    }
}

/// Refuses a topic that cannot be, or is already.
pub fn check(
    image: &ClusterImage,
    name: &str,
    partitions: i32,
    creator: Creator,
) -> Result<(), CodedError> {
    check_name(image, name)?;
    if creator == Creator::Client
        && let Some(other) = names::colliding(name, image.topics().map(|topic| &*topic.name))
    {
        return Err(CodedError::new(
            ErrorCode::InvalidTopic,
            format!(
                "topic name '{name}' collides with topic '{other}': '.' and '_' are the same to metrics"
            ),
        ));
    }
    check_count(name, partitions)
}

/// The error for a topic that there is.
pub fn exists(name: &str) -> CodedError {
    CodedError::new(
        ErrorCode::TopicAlreadyExists,
        format!("topic '{name}' exists already"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::image;
    use Creator::{Broker, Client};

    #[test]
    fn what_cannot_be_is_refused_with_its_code() {
        let image = image(&[1], &["a.b"]);
        let code = |name: &str, partitions, creator| {
            check(&image, name, partitions, creator)
                .err()
                .map(|error| error.code)
        };
        for (name, partitions, creator, expected) in [
            ("c", 1, Client, None),
            ("c", 10_000, Client, None),
            ("c", 0, Client, Some(ErrorCode::InvalidPartitions)),
            ("c", 10_001, Client, Some(ErrorCode::InvalidPartitions)),
            ("a/b", 1, Client, Some(ErrorCode::InvalidTopic)),
            (
                "__cluster_metadata",
                1,
                Broker,
                Some(ErrorCode::InvalidRequest),
            ),
            ("a.b", 1, Client, Some(ErrorCode::TopicAlreadyExists)),
            ("a_b", 1, Client, Some(ErrorCode::InvalidTopic)),
            ("a_b", 1, Broker, None),
        ] {
            assert_eq!(code(name, partitions, creator), expected, "{name}");
        }
    }
}
