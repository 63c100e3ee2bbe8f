//! Which broker keeps an owner's records: the leader of their partition.

use kafkalite_cluster::ClusterImage;

use super::partitioner::partition_of;

/// The broker that keeps an owner's records in a topic; `None` while there is none.
pub(super) fn keeper(image: &ClusterImage, topic: &str, owner: &str) -> Option<i32> {
    let Some(known) = image.topic(topic) else {
        // One that is alone will have the topic, when it needs it.
        let alone = image.brokers.keys().next().copied();
        return alone.filter(|_| !is_undecided(image, topic));
    };
    let index = partition_of(owner, known.partitions.len());
    known.partition(index)?.leader
}

/// Whether several brokers wait for the topic to be spread over them.
pub(super) fn is_undecided(image: &ClusterImage, topic: &str) -> bool {
    image.topic(topic).is_none() && image.brokers.len() > 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use kafkalite_cluster::{BrokerImage, PartitionImage, TopicImage};
    use uuid::Uuid;

    use super::*;

    fn image(brokers: &[i32]) -> ClusterImage {
        let known = brokers.iter().map(|&id| (id, BrokerImage::default()));
        ClusterImage::new(known.collect::<BTreeMap<_, _>>(), None)
    }

    #[test]
    fn an_owners_records_are_kept_by_the_leader_of_their_partition() {
        let mut image = image(&[1, 2]);
        assert_eq!(keeper(&image, "t", "a"), None, "not decided");
        let led_by = |broker: i32| PartitionImage::healthy([broker].into(), 0);
        let leaderless = PartitionImage {
            leader: None,
            ..led_by(1)
        };
        image.insert(Arc::new(TopicImage {
            name: "t".into(),
            id: Uuid::from_u128(1),
            partitions: vec![led_by(1), led_by(2), leaderless],
        }));
        // Java's hashes are 97, 98 and 99.
        let of = |owner| keeper(&image, "t", owner);
        assert_eq!((of("c"), of("a"), of("b")), (Some(1), Some(2), None));
    }

    #[test]
    fn whoever_is_alone_keeps_everything_from_the_start() {
        assert_eq!(keeper(&image(&[7]), "t", "a"), Some(7));
    }
}
