//! What an image says of this broker becomes so: what is to lie here is handed to the [replicas](crate::replicas), and nothing
//! else. Whoever keeps the image, these are called in turn.

use std::sync::Arc;

use kafkalite_cluster::{ClusterImage, PartitionImage, TopicImage};
use kafkalite_log::Role;

use super::Registry;
use super::turns::Changed;
use crate::replicas::{Duty, Lying};

impl Registry {
    /// Has what the images of topics say of this broker be so, before they are published: their partitions lie here that are to,
    /// and the broker leads or follows. An outcome for each topic, in order; one that fails gets none of the partitions it lacks.
    pub(super) fn host(&self, topics: &[Arc<TopicImage>]) -> Vec<Changed<()>> {
        let lying = topics.iter().map(|topic| lying(topic, self.node_id));
        self.replicas.host(&lying.collect::<Vec<_>>())
    }

    /// From now on everybody sees this image.
    pub(super) fn publish(&self, image: ClusterImage) {
        self.image.store(Arc::new(image));
    }

    /// Takes topics from everybody: out of the image, then from here. Their files stay.
    pub(super) fn withdraw(&self, topics: &[Arc<TopicImage>]) {
        let mut image = ClusterImage::clone(&self.image());
        for topic in topics {
            image.remove(topic);
        }
        self.publish(image);
        let names: Vec<&str> = topics.iter().map(|topic| &*topic.name).collect();
        self.replicas.withdraw(&names);
    }
}

/// The part of a topic that is to lie on a broker.
pub(super) fn lying(topic: &TopicImage, broker: i32) -> Lying {
    let partitions = topic.lying_on(broker);
    Lying {
        name: Arc::clone(&topic.name),
        id: topic.id,
        partitions: partitions
            .map(|(index, partition)| (index, duty(partition, broker)))
            .collect(),
    }
}

fn duty(partition: &PartitionImage, broker: i32) -> Duty {
    let epoch = partition.leader_epoch;
    Duty::Among {
        role: if partition.leader == Some(broker) {
            Role::Leader { epoch }
        } else {
            Role::Follower { epoch }
        },
        in_sync_with_others: partition.in_sync.iter().any(|&other| other != broker),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_gets_what_lies_on_it_and_is_told_what_it_is_to_each() {
        let followed = PartitionImage {
            leader_epoch: 4,
            ..PartitionImage::healthy([2, 1].into(), 0)
        };
        let leaderless = PartitionImage {
            leader: None,
            ..PartitionImage::healthy([1].into(), 5)
        };
        let topic = TopicImage {
            name: "t".into(),
            id: uuid::Uuid::from_u128(1),
            partitions: vec![
                PartitionImage::healthy([1].into(), 3),
                PartitionImage::healthy([2].into(), 0),
                followed,
                leaderless,
            ],
        };
        let among = |role, in_sync_with_others| Duty::Among {
            role,
            in_sync_with_others,
        };
        let expected = [
            (0, among(Role::Leader { epoch: 3 }, false)),
            (2, among(Role::Follower { epoch: 4 }, true)),
            (3, among(Role::Follower { epoch: 5 }, false)),
        ];
        assert_eq!(lying(&topic, 1).partitions, expected);
        assert_eq!(lying(&topic, 3).partitions, []);
    }
}
