//! May a partition lie there?

use kafkalite_wire::{CodedError, ErrorCode};

use crate::image::ClusterImage;
use crate::placement::there_are;

/// Refuses to move a partition: it may only stay where it is. Without `replicas` a move is to be cancelled, and there is none.
pub fn check(
    image: &ClusterImage,
    name: &str,
    index: i32,
    replicas: Option<&[i32]>,
) -> Result<(), CodedError> {
    let partition = image.find(name)?.find(index)?;
    match replicas {
        Some(replicas) if *replicas == *partition.replicas => Ok(()),
        Some(replicas) => Err(CodedError::new(
            ErrorCode::InvalidReplicaAssignment,
            format!(
                "partition {index} of topic '{name}' cannot be placed on {replicas:?}; {}",
                there_are(image)
            ),
        )),
        None => Err(CodedError::new(
            ErrorCode::NoReassignmentInProgress,
            format!("partition {index} of topic '{name}' is not being reassigned"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::image;

    #[test]
    fn a_partition_may_stay_where_it_is() {
        let image = image(&[1], &["t"]);
        let check =
            |index, replicas| check(&image, "t", index, replicas).map_err(|error| error.code);
        assert_eq!(check(0, Some(&[1])), Ok(()));
        assert_eq!(
            check(0, Some(&[2])),
            Err(ErrorCode::InvalidReplicaAssignment)
        );
        assert_eq!(check(0, None), Err(ErrorCode::NoReassignmentInProgress));
        assert_eq!(
            check(1, Some(&[1])),
            Err(ErrorCode::UnknownTopicOrPartition)
        );
    }
}
