//! Where the partitions of a topic are to lie.

use kafkalite_names::shown;
use kafkalite_wire::{CodedError, ErrorCode};

use crate::MAX_PARTITIONS;
use crate::image::{ClusterImage, PartitionImage, Replicas};

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// So many partitions with so many replicas each, wherever there is room.
    Anywhere {
        /// How many partitions.
        partitions: i32,
        /// The replication factor.
        replicas: i32,
    },
    /// Partitions by number, and the brokers that are to hold each, the preferred leader first.
    On(Vec<(i32, Vec<i32>)>),
}

/// Where partitions lie whose numbers follow one another. It is no larger for many partitions than for few: a request may wish for
/// very many, and most of them be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Of the first partition, of the second and so on, and from the beginning again.
    in_turn: Vec<Replicas>,
    count: i32,
}

impl Placed {
    /// How many partitions.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// The replicas of each, in order.
    pub fn replicas(&self) -> impl Iterator<Item = &Replicas> {
        self.in_turn.iter().cycle().take(self.count as usize)
    }

    /// How many of them are to lie on a broker.
    pub fn count_on(&self, broker: i32) -> usize {
        let replicas = self.replicas();
        replicas.filter(|one| one.contains(&broker)).count()
    }

    /// The replication factor: how many replicas the first partition has.
    pub fn factor(&self) -> usize {
        self.in_turn.first().map_or(0, |replicas| replicas.len())
    }

    /// Each as it begins.
    pub(crate) fn new_partitions(&self) -> impl Iterator<Item = PartitionImage> {
        let replicas = self.replicas().cloned();
        replicas.map(|replicas| PartitionImage::healthy(replicas, 0))
    }

    /// Each on brokers of its own.
    pub(crate) fn one_by_one(assigned: Vec<Replicas>) -> Self {
        Self {
            count: assigned.len() as i32,
            in_turn: assigned,
        }
    }
}

/// The replicas of each partition of a new topic.
pub fn place(image: &ClusterImage, name: &str, wish: &Placement) -> Result<Placed, CodedError> {
    match wish {
        &Placement::Anywhere {
            partitions,
            replicas,
        } => {
            check_count(name, partitions)?;
            check_replicas(image, name, replicas)?;
            // Each topic begins on the next broker, or all that have one partition would lie on the first.
            let from = image.topics().len();
            Ok(spread(image, from, partitions, replicas as usize))
        }
        Placement::On(assignments) => {
            let mut assignments: Vec<_> = assignments.iter().collect();
            assignments.sort_unstable_by_key(|(number, _)| *number);
            let numbers = assignments.iter().map(|(number, _)| *number);
            if !numbers.eq(0..assignments.len() as i32) {
                return wrong(
                    "the partitions of an assignment must be 0, 1, 2 and so on, each once",
                );
            }
            check_count(name, assignments.len() as i32)?;
            let checked = assignments.into_iter().map(|(number, brokers)| {
                check_assigned(image, *number, brokers)?;
                Ok(brokers.as_slice().into())
            });
            Ok(Placed::one_by_one(checked.collect::<Result<_, _>>()?))
        }
    }
}

/// The replicas of `count` partitions, in turns from the broker at position `from` on: each is the preferred leader of about as many
/// as any other, and the others follow it in the order of their ids.
pub(crate) fn spread(image: &ClusterImage, from: usize, count: i32, replicas: usize) -> Placed {
    let brokers: Vec<i32> = image.brokers.keys().copied().collect();
    let of = |turn: usize| -> Replicas {
        let (before, after) = brokers.split_at((from + turn) % brokers.len());
        after.iter().chain(before).take(replicas).copied().collect()
    };
    Placed {
        in_turn: (0..brokers.len()).map(of).collect(),
        count,
    }
}

pub(crate) fn check_assigned(
    image: &ClusterImage,
    partition: i32,
    brokers: &[i32],
) -> Result<(), CodedError> {
    let is_repeated = |at: usize| brokers[..at].contains(&brokers[at]);
    let is_known = brokers.iter().all(|id| image.brokers.contains_key(id));
    if is_known && !brokers.is_empty() && !(0..brokers.len()).any(is_repeated) {
        return Ok(());
    }
    wrong(format!(
        "partition {partition} is assigned to {}; {}",
        shown(&format!("{brokers:?}")),
        there_are(image)
    ))
}

/// Which brokers could be named.
pub(crate) fn there_are(image: &ClusterImage) -> String {
    let brokers: Vec<i32> = image.brokers.keys().copied().collect();
    match brokers[..] {
        [only] => format!("the only broker is {only}"),
        _ => format!("name one or more of {brokers:?}, each once"),
    }
}

/// Refuses a number of partitions that no topic can have.
pub(crate) fn check_count(name: &str, partitions: i32) -> Result<(), CodedError> {
    if (1..=MAX_PARTITIONS).contains(&partitions) {
        return Ok(());
    }
    let name = shown(name);
    Err(CodedError::new(
        ErrorCode::InvalidPartitions,
        format!("topic '{name}' can have 1 to {MAX_PARTITIONS} partitions, not {partitions}"),
    ))
}

/// Refuses a number of replicas for which there are not as many brokers.
pub(crate) fn check_replicas(
    image: &ClusterImage,
    name: &str,
    replicas: i32,
) -> Result<(), CodedError> {
    let brokers = image.brokers.len();
    if (1..=brokers).contains(&usize::try_from(replicas).unwrap_or(0)) {
        return Ok(());
    }
    let why = match brokers {
        1 => "this is a single broker, so the replication factor is 1 (or -1 for the default)"
            .to_owned(),
        _ => format!(
            "there are {brokers} brokers, so the replication factor is from 1 to {brokers} (or -1 for the default)"
        ),
    };
    Err(CodedError::new(
        ErrorCode::InvalidReplicationFactor,
        format!(
            "topic '{}' cannot have {replicas} replicas: {why}",
            shown(name)
        ),
    ))
}

fn wrong<T>(message: impl Into<String>) -> Result<T, CodedError> {
    Err(CodedError::new(
        ErrorCode::InvalidReplicaAssignment,
        message,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::tests::image;

    fn anywhere(brokers: &[i32], partitions: i32, replicas: i32) -> Result<Placed, ErrorCode> {
        let wish = Placement::Anywhere {
            partitions,
            replicas,
        };
        place(&image(brokers, &[]), "t", &wish).map_err(|error| error.code)
    }

    #[test]
    fn brokers_lead_in_turns_and_no_replica_shares_a_broker_with_another() {
        let placed = anywhere(&[1, 2, 5], 4, 2).unwrap();
        let expected: [&[i32]; 4] = [&[1, 2], &[2, 5], &[5, 1], &[1, 2]];
        assert!(
            placed.replicas().map(|one| &**one).eq(expected),
            "{placed:?}"
        );
    }

    #[test]
    fn topics_of_one_partition_do_not_all_lie_on_the_first_broker() {
        let wish = Placement::Anywhere {
            partitions: 1,
            replicas: 1,
        };
        let leader = |topics: &[&str]| {
            let placed = place(&image(&[1, 2], topics), "t", &wish).unwrap();
            placed.replicas().next().unwrap()[0]
        };
        let leaders = [leader(&[]), leader(&["a"]), leader(&["a", "b"])];
        assert_eq!(leaders, [1, 2, 1]);
    }

    #[test]
    fn a_number_of_partitions_is_judged() {
        for count in [0, -2, 10_001, i32::MAX] {
            assert_eq!(anywhere(&[1], count, 1), Err(ErrorCode::InvalidPartitions));
        }
    }

    #[test]
    fn many_partitions_take_no_more_room_than_few() {
        let placed = anywhere(&[1, 2], 10_000, 1).unwrap();
        assert_eq!((placed.count(), placed.in_turn.len()), (10_000, 2));
        assert_eq!(placed.replicas().count(), 10_000);
    }

    #[test]
    fn there_are_no_more_replicas_than_brokers() {
        for (brokers, replicas) in [(1, 2), (1, 0), (1, -2), (3, 4)] {
            let brokers: Vec<i32> = (0..brokers).collect();
            let refused = Err(ErrorCode::InvalidReplicationFactor);
            assert_eq!(anywhere(&brokers, 1, replicas), refused);
        }
        assert!(anywhere(&[0, 1, 2], 1, 3).is_ok());
    }

    #[test]
    fn an_assignment_names_every_partition_once_and_brokers_that_there_are() {
        let on = |assignments: &[(i32, &[i32])]| {
            let owned = assignments.iter().map(|(at, on)| (*at, on.to_vec()));
            place(&image(&[1, 2], &[]), "t", &Placement::On(owned.collect()))
        };
        let placed = on(&[(1, &[2]), (0, &[2, 1])]).unwrap();
        let expected = [Replicas::from([2, 1]), Replicas::from([2])];
        assert!(placed.replicas().eq(&expected), "{placed:?}");
        let wrong: [&[(i32, &[i32])]; 6] = [
            &[(1, &[1])],
            &[(0, &[1]), (0, &[1])],
            &[(-1, &[1]), (0, &[1])],
            &[(0, &[])],
            &[(0, &[1, 1])],
            &[(0, &[3])],
        ];
        for assignments in wrong {
            let code = on(assignments).unwrap_err().code;
            assert_eq!(code, ErrorCode::InvalidReplicaAssignment, "{assignments:?}");
        }
        let many: Vec<i32> = (0..100_000).collect();
        let refused = on(&[(0, &many)]).unwrap_err();
        assert!(refused.message.len() < 1000, "{}", refused.message.len());
    }
}
