//! Who is to be asked about a partition?

use kafkalite_wire::{CodedError, ErrorCode};

use crate::image::ClusterImage;
use crate::topic_key::TopicKey;

/// Why a broker on which a partition does not lie cannot answer for it: another leads it, or there is none.
pub fn elsewhere(image: &ClusterImage, topic: &TopicKey, index: i32) -> CodedError {
    let Some(topic) = image.by_key(topic) else {
        return topic.missing();
    };
    let partition = match topic.find(index) {
        Ok(partition) => partition,
        Err(unknown) => return unknown,
    };
    let who = match partition.leader {
        Some(leader) => format!("is led by broker {leader}; ask that one"),
        None => "has no leader now; try again".to_owned(),
    };
    CodedError::new(
        ErrorCode::NotLeaderOrFollower,
        format!("partition {index} of topic '{}' {who}", topic.name),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::image::{PartitionImage, TopicImage, tests::image};

    #[test]
    fn who_asks_the_wrong_broker_is_told_whether_there_is_a_right_one() {
        let mut image = image(&[1, 2], &[]);
        let leaderless = PartitionImage {
            leader: None,
            ..PartitionImage::healthy([2].into(), 4)
        };
        image.insert(Arc::new(TopicImage {
            name: "t".into(),
            id: Uuid::from_u128(1),
            partitions: vec![PartitionImage::healthy([2].into(), 3), leaderless],
        }));
        let by_name = |name: &str, index| elsewhere(&image, &TopicKey::Name(name.into()), index);
        let led = by_name("t", 0);
        assert_eq!(led.code, ErrorCode::NotLeaderOrFollower);
        assert!(led.message.contains("broker 2"), "{}", led.message);
        assert_eq!(by_name("t", 1).code, ErrorCode::NotLeaderOrFollower);
        assert_eq!(by_name("t", 2).code, ErrorCode::UnknownTopicOrPartition);
        assert_eq!(by_name("u", 0).code, ErrorCode::UnknownTopicOrPartition);
        let unknown = TopicKey::Id(Uuid::from_u128(9));
        assert_eq!(
            elsewhere(&image, &unknown, 0).code,
            ErrorCode::UnknownTopicId
        );
    }
}
