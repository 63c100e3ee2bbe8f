//! May this topic have more partitions, and where are they to lie?

use std::sync::Arc;

use kafkalite_names::counted;
use kafkalite_wire::{CodedError, ErrorCode};

use crate::MAX_PARTITIONS;
use crate::image::{ClusterImage, TopicImage};
use crate::placement::{Placed, check_assigned, check_replicas, spread, there_are};

/// A topic that is to grow, and where its new partitions are to lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The topic as it is.
    pub topic: Arc<TopicImage>,
    /// The replicas of each partition that is added.
    pub added: Placed,
}

impl Growth {
    /// The topic as it will be.
    pub fn grown(&self) -> TopicImage {
        let partitions = self.topic.partitions.iter().cloned();
        TopicImage {
            partitions: partitions.chain(self.added.new_partitions()).collect(),
            name: Arc::clone(&self.topic.name),
            id: self.topic.id,
        }
    }
}

/// How a topic gets `count` partitions in all; on the brokers of `assignments`, one for each that is added, or wherever there is
/// room.
pub fn plan(
    image: &ClusterImage,
    name: &str,
    count: i32,
    assignments: Option<&[Vec<i32>]>,
) -> Result<Growth, CodedError> {
    let topic = Arc::clone(image.find(name)?);
    let now = topic.partitions.len() as i32;
    let invalid = |message| Err(CodedError::new(ErrorCode::InvalidPartitions, message));
    if count <= now {
        let partitions = counted(now, "partition");
        return invalid(format!(
            "topic '{name}' has {partitions}; it can only get more than that, not {count}"
        ));
    }
    if count > MAX_PARTITIONS {
        return invalid(format!(
            "topic '{name}' can have {MAX_PARTITIONS} partitions at the most, not {count}"
        ));
    }
    let replicas = topic
        .partitions
        .first()
        .map_or(1, |first| first.replicas.len());
    let added = match assignments {
        None => {
            check_replicas(image, name, replicas as i32)?;
            spread(
                image,
                begins_at(image, &topic) + now as usize,
                count - now,
                replicas,
            )
        }
        Some(assigned) => {
            let wanted = (count - now) as usize;
            let fits = |brokers: &Vec<i32>| {
                brokers.len() == replicas && check_assigned(image, 0, brokers).is_ok()
            };
            if assigned.len() != wanted || !assigned.iter().all(fits) {
                return Err(CodedError::new(
                    ErrorCode::InvalidReplicaAssignment,
                    format!(
                        "the assignment must name {} for each of {wanted} partitions; {}",
                        counted(replicas, "broker"),
                        there_are(image)
                    ),
                ));
            }
            let replicas = assigned.iter().map(|one| one.as_slice().into());
            Placed::one_by_one(replicas.collect())
        }
    };
    Ok(Growth { topic, added })
}

/// The position of the broker on which a topic begins.
fn begins_at(image: &ClusterImage, topic: &TopicImage) -> usize {
    let first = topic.partitions.first();
    let first = first.and_then(|partition| partition.replicas.first());
    let mut brokers = image.brokers.keys();
    brokers
        .position(|broker| Some(broker) == first)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::image;
    use crate::image::{PartitionImage, Replicas};

    #[test]
    fn new_partitions_go_on_where_the_old_ones_end() {
        let image = image(&[1, 2], &["t"]);
        let growth = plan(&image, "t", 3, None).unwrap();
        assert!(
            growth
                .added
                .replicas()
                .eq(&[Replicas::from([2]), Replicas::from([1])])
        );
        let leaders: Vec<_> = growth
            .grown()
            .partitions
            .iter()
            .map(|one| one.leader)
            .collect();
        assert_eq!(leaders, [Some(1), Some(2), Some(1)]);
        let mut image = image;
        let begins_on_2 = TopicImage {
            partitions: vec![PartitionImage::healthy([2].into(), 0)],
            ..TopicImage::clone(&growth.topic)
        };
        image.insert(Arc::new(begins_on_2));
        let growth = plan(&image, "t", 3, None).unwrap();
        assert!(
            growth
                .added
                .replicas()
                .eq(&[Replicas::from([1]), Replicas::from([2])])
        );
        let growth = plan(&image, "t", 2, Some(&[vec![1]])).unwrap();
        assert!(growth.added.replicas().eq(&[Replicas::from([1])]));
    }

    #[test]
    fn new_partitions_have_as_many_replicas_as_the_old_ones_or_are_not_made() {
        let mut image = image(&[1, 2], &["t"]);
        let topic = TopicImage::clone(image.topic("t").unwrap());
        let replicated = PartitionImage::healthy([1, 2].into(), 0);
        image.insert(Arc::new(TopicImage {
            partitions: vec![replicated],
            ..topic
        }));
        image.brokers.remove(&2);
        let refused = plan(&image, "t", 2, None).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidReplicationFactor);
    }

    #[test]
    fn what_is_no_growth_is_refused_with_its_code() {
        let image = image(&[1, 2], &["t"]);
        let code = |name, count, assigned: Option<&[Vec<i32>]>| {
            plan(&image, name, count, assigned).unwrap_err().code
        };
        assert_eq!(code("other", 2, None), ErrorCode::UnknownTopicOrPartition);
        assert_eq!(code("t", 1, None), ErrorCode::InvalidPartitions);
        assert_eq!(code("t", 10_001, None), ErrorCode::InvalidPartitions);
        for assigned in [&[][..], &[vec![3]], &[vec![1, 2]], &[vec![1], vec![2]]] {
            let refused = code("t", 2, Some(assigned));
            assert_eq!(refused, ErrorCode::InvalidReplicaAssignment, "{assigned:?}");
        }
    }
}
