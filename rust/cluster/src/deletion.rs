//! May this topic be deleted, and which is it?

use std::sync::Arc;

use kafkalite_wire::{CodedError, ErrorCode};
use uuid::Uuid;

use crate::image::{ClusterImage, TopicImage};
use crate::names;

/// The topic that is named by its name, or by its id and no name.
pub fn named<'a>(
    image: &'a ClusterImage,
    name: Option<&str>,
    id: Uuid,
) -> Result<&'a Arc<TopicImage>, CodedError> {
    let topic = match name {
        Some(name) if id.is_nil() => image.find(name),
        None if !id.is_nil() => image.find_by_id(id),
        _ => Err(CodedError::new(
            ErrorCode::InvalidRequest,
            "name the topic by its name or by its id, and not by both",
        )),
    }?;
    if names::is_internal(&topic.name) {
        return Err(CodedError::new(
            ErrorCode::InvalidTopic,
            format!("topic '{}' is kept by the broker itself", topic.name),
        ));
    }
    Ok(topic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::image;

    #[test]
    fn a_topic_is_named_once_and_is_no_brokers() {
        let image = image(&[1], &["t", "__consumer_offsets"]);
        let id = image.topic("t").unwrap().id;
        let named = |name, id| named(&image, name, id).map(|topic| topic.id);
        assert_eq!(named(Some("t"), Uuid::nil()), Ok(id));
        assert_eq!(named(None, id), Ok(id));
        for (name, id, code) in [
            (Some("t"), id, ErrorCode::InvalidRequest),
            (None, Uuid::nil(), ErrorCode::InvalidRequest),
            (Some("u"), Uuid::nil(), ErrorCode::UnknownTopicOrPartition),
            (None, Uuid::from_u128(99), ErrorCode::UnknownTopicId),
            (
                Some("__consumer_offsets"),
                Uuid::nil(),
                ErrorCode::InvalidTopic,
            ),
        ] {
            assert_eq!(named(name, id).unwrap_err().code, code, "{name:?}");
        }
    }
}
