//! May this topic be created, and where is it to lie?

use kafkalite_names::check_topic_name;
use kafkalite_wire::{CodedError, ErrorCode};
use uuid::Uuid;

use crate::image::{ClusterImage, TopicImage};
use crate::names;
use crate::placement::{Placed, Placement, place};

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

/// Where the partitions of a topic are to lie that can be, and is not yet.
pub fn plan(
    image: &ClusterImage,
    name: &str,
    wish: &Placement,
    creator: Creator,
) -> Result<Placed, CodedError> {
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
    place(image, name, wish)
}

/// A topic as it begins.
pub fn new_topic(name: &str, id: Uuid, placed: &Placed) -> TopicImage {
    TopicImage {
        name: name.into(),
        id,
        partitions: placed.new_partitions().collect(),
    }
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
            let wish = Placement::Anywhere {
                partitions,
                replicas: 1,
            };
            plan(&image, name, &wish, creator)
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
    #[test]
    fn a_topic_begins_where_it_was_placed_and_is_led_by_the_first_of_each() {
        let image = image(&[1, 2], &[]);
        let wish = Placement::On(vec![(0, vec![2, 1]), (1, vec![1])]);
        let placed = plan(&image, "t", &wish, Client).unwrap();
        let topic = new_topic("t", Uuid::from_u128(7), &placed);
        let led = |index| topic.find(index).unwrap().leader;
        assert_eq!((led(0), led(1)), (Some(2), Some(1)));
        let on = |broker| topic.lying_on(broker).map(|(index, _)| index);
        assert!(on(1).eq([0, 1]) && on(2).eq([0]) && on(3).eq([]));
    }

    #[test]
    fn too_many_partitions_are_refused_also_one_by_one() {
        let image = image(&[1], &[]);
        let wish = Placement::On((0..10_001).map(|number| (number, vec![1])).collect());
        let refused = plan(&image, "t", &wish, Client).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidPartitions);
    }
}
