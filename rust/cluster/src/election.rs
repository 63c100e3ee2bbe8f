//! Who is to lead a partition?

use kafkalite_wire::{CodedError, ErrorCode};

use crate::image::ClusterImage;

/// The broker that has to take over from the present leader, for the preferred one to lead.
pub fn preferred(image: &ClusterImage, name: &str, index: i32) -> Result<i32, CodedError> {
    let partition = image.find(name)?.find(index)?;
    match partition.replicas.first() {
        Some(&preferred) if partition.leader == Some(preferred) => Err(CodedError::new(
            ErrorCode::ElectionNotNeeded,
            format!("partition {index} of topic '{name}' is led by its preferred leader"),
        )),
        Some(&preferred) if partition.in_sync.contains(&preferred) => Ok(preferred),
        _ => Err(CodedError::new(
            ErrorCode::PreferredLeaderNotAvailable,
            format!("the preferred leader of partition {index} of topic '{name}' is not in sync"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::image::{PartitionImage, TopicImage, tests::image};

    #[test]
    fn the_preferred_leader_takes_over_if_it_has_everything() {
        let mut image = image(&[1, 2], &[]);
        let partition = |leader, in_sync: &[i32]| PartitionImage {
            leader: Some(leader),
            in_sync: in_sync.into(),
            ..PartitionImage::healthy([1, 2].into(), 0)
        };
        image.insert(Arc::new(TopicImage {
            name: "t".into(),
            id: Uuid::from_u128(1),
            partitions: vec![
                partition(1, &[1, 2]),
                partition(2, &[1, 2]),
                partition(2, &[2]),
            ],
        }));
        let elected = |index| preferred(&image, "t", index).map_err(|error| error.code);
        assert_eq!(elected(0), Err(ErrorCode::ElectionNotNeeded));
        assert_eq!(elected(1), Ok(1));
        assert_eq!(elected(2), Err(ErrorCode::PreferredLeaderNotAvailable));
        assert_eq!(elected(3), Err(ErrorCode::UnknownTopicOrPartition));
    }
}
