//! Partitions come and go: what a rebalance does to those who read.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_wire::ErrorCode;
use tokio::time::{sleep, timeout};

use super::events::RebalanceEvent;
use super::membership::PartitionSet;
use super::offsets;
use super::shared::MemberShared;
use crate::cluster::shown;
use crate::consumer::{Claim, StartAt};
use crate::error::ClientError;
use kafkalite_names::TopicPartition;

pub(super) type Claimed = Vec<(TopicPartition, Arc<Claim>)>;

/// Lets go of partitions however the work on them ends: what is joined next is joined without them.
struct LettingGo<'a> {
    shared: &'a MemberShared,
    partitions: &'a [TopicPartition],
}

impl Drop for LettingGo<'_> {
    fn drop(&mut self) {
        self.shared.consumer.release(self.partitions);
    }
}

/// Has readers drop these partitions, waits for the listener, commits what was consumed, lets go.
pub(super) async fn release(shared: &MemberShared, partitions: Vec<TopicPartition>, lost: bool) {
    let _letting_go = LettingGo {
        shared,
        partitions: &partitions,
    };
    let claims = shared.consumer.claims();
    for of in &partitions {
        if let Some(claim) = claims.get(of) {
            claim.revoke();
        }
    }
    let event = if lost {
        RebalanceEvent::Lost(partitions.clone())
    } else {
        RebalanceEvent::Revoked(partitions.clone())
    };
    // Who closes a consumer has nobody left that asks for events.
    if !shared.consumer.is_closed()
        && let Some(handled) = shared.events.push(event)
    {
        shared.consumer.wake();
        let silent_for = shared.last_asked().elapsed();
        let patience = shared.consumer.config().max_poll_interval;
        tokio::select! {
            // An error within would mean that the event was dropped, and so handled.
            handled = timeout(patience.saturating_sub(silent_for), handled) => if handled.is_err() {
                shared.events.come_too_late();
            },
            // Whoever handles it may be closing the consumer.
            () = shared.closing.notified() => {}
        }
    }
    if !lost {
        let limit = shared.consumer.config().client.request_timeout;
        let committed = async {
            if shared.consumer.config().enable_auto_commit {
                commit(shared, &partitions).await;
            }
            // What nobody waits for has been asked for in this generation, and is refused in the next.
            shared.queued().await
        };
        if timeout(limit, committed).await.is_err() {
            tracing::warn!(group = %shared.group, "what was consumed last could not be committed in time: it comes again");
        }
    }
}

/// Commits what was consumed of these, again while that may help. The generation is the one that is being left.
async fn commit(shared: &MemberShared, partitions: &[TopicPartition]) {
    let mut backoff = shared.consumer.cluster().retry_backoff();
    loop {
        let offsets = shared.uncommitted(Some(partitions));
        if offsets.is_empty() {
            return;
        }
        let standing = shared.standing.borrow().clone();
        if standing.generation < 0 {
            // Meanwhile the group went on without this member. In no generation it would commit as a stranger, which an
            // empty group allows: over what others committed since.
            return;
        }
        match shared.attempt(offsets.clone(), standing).await {
            Ok(()) => return shared.settle(&offsets),
            // A topic that is gone does not come back: the group need not wait for that.
            Err(error)
                if error.retriable()
                    && error.code() != Some(ErrorCode::UnknownTopicOrPartition) =>
            {
                sleep(backoff.failed()).await;
            }
            Err(error) => {
                tracing::warn!(group = %shared.group, %error, "what was consumed last is not committed: it comes again");
                return;
            }
        }
    }
}

/// Adds partitions to what is read. They wait for their start.
pub(super) fn adopt(shared: &MemberShared, partitions: PartitionSet) -> Claimed {
    let claimed: Claimed = partitions
        .into_iter()
        .map(|of| (of, Arc::new(Claim::new())))
        .collect();
    shared.consumer.claim(&claimed);
    let assigned = claimed.iter().map(|(of, _)| of.clone()).collect();
    if shared
        .events
        .push(RebalanceEvent::Assigned(assigned))
        .is_some()
    {
        shared.consumer.wake();
    }
    claimed
}

/// Starts them where the group has committed, or where `auto.offset.reset` says. Asks until there is an answer, or until the
/// partitions are gone again.
pub(super) async fn begin(shared: &MemberShared, claimed: Claimed) {
    let cluster = shared.consumer.cluster();
    let partitions: Vec<_> = claimed.iter().map(|(of, _)| of.clone()).collect();
    let mut backoff = cluster.retry_backoff();
    while !claimed.iter().all(|(_, claim)| claim.is_revoked()) {
        match offsets::fetch(cluster, &shared.group, &partitions).await {
            Ok(committed) => {
                for (of, claim) in &claimed {
                    let at = committed.get(of).map_or(StartAt::Reset, |it| {
                        claim.committed(it.offset);
                        StartAt::Offset(it.offset)
                    });
                    shared.consumer.begin(of, claim, at);
                }
                return;
            }
            Err(error) if error.retriable() || error.stale_metadata() => {
                tracing::debug!(group = %shared.group, %error, "where to start is asked again");
                shared.consumer.troubled(error);
                sleep(backoff.failed().max(Duration::from_millis(1))).await;
            }
            Err(error) => {
                for (of, claim) in &claimed {
                    shared.consumer.cannot_begin(of, claim, error.clone());
                }
                return;
            }
        }
    }
}

/// The work that asks where these start has ended in the middle: readers are told, lest they wait for ever.
pub(super) fn not_begun(shared: &MemberShared, claimed: &Claimed) {
    for (of, claim) in claimed {
        let error = ClientError::StartUnknown {
            group: shown(&shared.group).into(),
            topic: Arc::clone(&of.topic),
            partition: of.partition,
        };
        shared.consumer.cannot_begin(of, claim, error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::commit_queue::Attempt;
    use crate::group::shared::tests::alone;
    use crate::group::standing::Standing;

    /// Releases a partition that is consumed up to 5, as a member in this generation; with what generation and offset that is
    /// committed, if it is.
    async fn committed_in(generation: i32) -> Option<(i32, i64)> {
        let (shared, _ordered, mut attempts) = alone();
        shared.standing.send_modify(|standing| {
            *standing = Standing {
                generation,
                ..Standing::outside()
            };
        });
        let of = TopicPartition::new("t", 0);
        let claim = Arc::new(Claim::new());
        shared.consumer.claim(&[(of.clone(), Arc::clone(&claim))]);
        claim.consume(5);
        let coordinator = tokio::spawn(async move {
            let mut made = None;
            while let Some(Attempt {
                offsets,
                standing,
                answer,
            }) = attempts.recv().await
            {
                if let [(_, to)] = &*offsets {
                    made = Some((standing.generation, to.offset));
                }
                answer(Ok(()));
            }
            made
        });
        release(&shared, vec![of], false).await;
        drop(shared);
        coordinator.await.unwrap()
    }

    #[tokio::test]
    async fn what_is_consumed_is_committed_in_the_generation_that_is_left() {
        assert_eq!(committed_in(3).await, Some((3, 5)));
    }

    #[tokio::test]
    async fn who_was_given_up_meanwhile_does_not_commit_as_a_stranger() {
        assert_eq!(committed_in(-1).await, None);
    }

    #[tokio::test]
    async fn what_is_given_up_is_gone_though_its_work_is_interrupted() {
        let (shared, _ordered, _attempts) = alone();
        let of = TopicPartition::new("t", 0);
        let claim = Arc::new(Claim::new());
        shared.consumer.claim(&[(of.clone(), Arc::clone(&claim))]);
        claim.consume(5);
        // The commit is never answered.
        shared
            .standing
            .send_modify(|standing| standing.generation = 3);
        let work = release(&shared, vec![of], false);
        tokio::select! {
            biased;
            () = work => unreachable!("it waits for the commit"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(shared.consumer.assignment(), []);
    }
}
