//! Commits of a member, one after the other: a later one is never overtaken by an earlier one.
//!
//! Those that wait while one is under way are made together, so who commits each message without waiting is not slowed
//! down to one message per answer of the coordinator.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use tokio::sync::mpsc;

use super::offsets::{GroupOffsets, commit};
use super::standing::Standing;
use crate::cluster::{Cluster, shown};
use crate::error::{ClientError, Result};
use kafkalite_names::TopicPartition;

/// How many are made together at the most.
const TOGETHER: usize = 4096;

/// One commit to be made.
pub(super) struct Attempt {
    /// With none, nothing is asked: it is answered when everything before it is.
    pub(super) offsets: GroupOffsets,
    pub(super) standing: Standing,
    pub(super) answer: Box<dyn FnOnce(Result<()>) + Send>,
}

impl Attempt {
    /// Whether one request can do for both: what the later one says of a partition then holds. Metadata may be refused by
    /// itself, so who gives some has a request of their own.
    fn goes_with(&self, later: &Self) -> bool {
        let plain = |it: &Self| it.offsets.iter().all(|(_, to)| to.metadata.is_empty());
        self.standing.generation == later.standing.generation
            && self.standing.member_id == later.standing.member_id
            && plain(self)
            && plain(later)
    }

    fn told(self, refused: &Result<Vec<(TopicPartition, ErrorCode)>>, group: &str) {
        let outcome = match refused {
            Err(error) => Err(error.clone()),
            Ok(refused) => {
                let mine = |of| self.offsets.iter().any(|(own, _)| own == of);
                match refused.iter().find(|(of, _)| mine(of)) {
                    None => Ok(()),
                    Some((of, code)) => {
                        let subject = format!("{of} of {}", shown(group));
                        Err(ClientError::broker("OffsetCommit", subject, *code, None))
                    }
                }
            }
        };
        (self.answer)(outcome);
    }
}

/// Makes the commits in the order in which they were asked for, until nobody can ask any more.
pub(super) async fn run(
    cluster: Arc<Cluster>,
    group: String,
    instance: Option<Arc<str>>,
    mut attempts: mpsc::UnboundedReceiver<Attempt>,
) {
    let mut waiting = Vec::new();
    while attempts.recv_many(&mut waiting, TOGETHER).await > 0 {
        let mut rest = waiting.drain(..).peekable();
        while let Some(first) = rest.next() {
            let mut together = vec![first];
            while let Some(next) = rest.next_if(|next| together[0].goes_with(next)) {
                together.push(next);
            }
            let (offsets, standing) = (latest(&together), &together[0].standing);
            let refused = if offsets.is_empty() {
                Ok(Vec::new())
            } else {
                commit(&cluster, &group, instance.as_deref(), standing, &offsets).await
            };
            for attempt in together {
                attempt.told(&refused, &group);
            }
        }
    }
}

/// What holds of each partition when all of them are made.
fn latest(together: &[Attempt]) -> GroupOffsets {
    let all = together.iter().flat_map(|attempt| &attempt.offsets);
    let latest: BTreeMap<_, _> = all.map(|(of, to)| (of, to)).collect();
    let owned = |(of, to): (&TopicPartition, &_)| (of.clone(), Clone::clone(to));
    latest.into_iter().map(owned).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::admin::CommittedOffset;

    fn attempt(number: i32, offsets: &[(i32, i64)], told: &Sender<(i32, bool)>) -> Attempt {
        let offset = |&(partition, offset)| {
            let metadata = String::new();
            let to = CommittedOffset { offset, metadata };
            (TopicPartition::new("t", partition), to)
        };
        let told = told.clone();
        Attempt {
            offsets: offsets.iter().map(offset).collect(),
            standing: Standing::outside(),
            answer: Box::new(move |outcome| told.send((number, outcome.is_ok())).unwrap()),
        }
    }

    #[test]
    fn together_the_latest_offset_of_each_partition_holds() {
        let (told, _) = channel();
        let all = [
            attempt(0, &[(0, 1), (1, 9)], &told),
            attempt(1, &[(0, 3)], &told),
            attempt(2, &[(0, 2), (2, 5)], &told),
        ];
        let offsets = latest(&all);
        let short: Vec<_> = offsets
            .iter()
            .map(|(of, to)| (of.partition, to.offset))
            .collect();
        assert_eq!(short, [(0, 2), (1, 9), (2, 5)], "a commit can go back, too");
    }

    #[test]
    fn metadata_and_another_generation_have_requests_of_their_own() {
        let (told, _) = channel();
        let first = attempt(0, &[(0, 1)], &told);
        assert!(first.goes_with(&attempt(1, &[(1, 1)], &told)));
        let mut other = attempt(1, &[(0, 2)], &told);
        other.standing.generation = 7;
        assert!(!first.goes_with(&other));
        let mut with_metadata = attempt(2, &[(0, 2)], &told);
        "why".clone_into(&mut with_metadata.offsets[0].1.metadata);
        assert!(!first.goes_with(&with_metadata));
        assert!(!with_metadata.goes_with(&first));
    }

    #[test]
    fn only_whose_partition_is_refused_is_told_so() {
        let (told, heard) = channel();
        let refused = Ok(vec![(
            TopicPartition::new("t", 1),
            ErrorCode::UnknownTopicOrPartition,
        )]);
        for (number, offsets) in [(0, vec![(0, 1)]), (1, vec![(0, 2), (1, 2)]), (2, vec![])] {
            attempt(number, &offsets, &told).told(&refused, "g");
        }
        let all: Vec<_> = heard.try_iter().collect();
        assert_eq!(all, [(0, true), (1, false), (2, true)]);
    }
}
