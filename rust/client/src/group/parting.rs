//! Partitions come and go: what a rebalance does to those who read.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_wire::ErrorCode;
use tokio::time::{sleep, timeout};

use super::events::RebalanceEvent;
use super::inside::Inside;
use super::membership::Partitions;
use super::offsets;
use crate::consumer::{Claim, StartAt, TopicPartition};

type Claimed = Vec<(TopicPartition, Arc<Claim>)>;

/// Has readers drop these partitions, waits for the listener, commits what was consumed, lets go.
pub(super) async fn release(inside: &Inside, partitions: Vec<TopicPartition>, lost: bool) {
    let claims = inside.consumer.claims();
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
    if !inside.consumer.is_closed()
        && let Some(handled) = inside.events.push(event)
    {
        inside.consumer.wake();
        let silent_for = inside.last_asked().elapsed();
        let patience = inside.consumer.config().max_poll_interval;
        tokio::select! {
            // An error within would mean that the event was dropped, and so handled.
            handled = timeout(patience.saturating_sub(silent_for), handled) => if handled.is_err() {
                inside.events.come_too_late();
            },
            // Whoever handles it may be closing the consumer.
            () = inside.closing.notified() => {}
        }
    }
    if !lost {
        let limit = inside.consumer.config().client.request_timeout;
        let committed = async {
            if inside.consumer.config().enable_auto_commit {
                commit(inside, &partitions).await;
            }
            // What nobody waits for has been asked for in this generation, and is refused in the next.
            inside.queued().await
        };
        if timeout(limit, committed).await.is_err() {
            tracing::warn!(group = %inside.group, "what was consumed last could not be committed in time: it comes again");
        }
    }
    inside.consumer.release(&partitions);
}

/// Commits what was consumed of these, again while that may help. The generation is the one that is being left.
async fn commit(inside: &Inside, partitions: &[TopicPartition]) {
    let mut backoff = inside.consumer.cluster().retry_backoff();
    loop {
        let offsets = inside.uncommitted(Some(partitions));
        if offsets.is_empty() {
            return;
        }
        let standing = inside.standing.borrow().clone();
        if standing.generation < 0 {
            // Meanwhile the group went on without this member. In no generation it would commit as a stranger, which an
            // empty group allows: over what others committed since.
            return;
        }
        match inside.attempt(offsets.clone(), standing).await {
            Ok(()) => return inside.settle(&offsets),
            // A topic that is gone does not come back: the group need not wait for that.
            Err(error)
                if error.retriable()
                    && error.code() != Some(ErrorCode::UnknownTopicOrPartition) =>
            {
                sleep(backoff.failed()).await;
            }
            Err(error) => {
                tracing::warn!(group = %inside.group, %error, "what was consumed last is not committed: it comes again");
                return;
            }
        }
    }
}

/// Adds partitions to what is read. They wait for their start.
pub(super) fn adopt(inside: &Inside, partitions: Partitions) -> Claimed {
    let claimed: Claimed = partitions
        .into_iter()
        .map(|of| (of, Arc::new(Claim::new())))
        .collect();
    inside.consumer.claim(&claimed);
    let assigned = claimed.iter().map(|(of, _)| of.clone()).collect();
    if inside
        .events
        .push(RebalanceEvent::Assigned(assigned))
        .is_some()
    {
        inside.consumer.wake();
    }
    claimed
}

/// Starts them where the group has committed, or where `auto.offset.reset` says. Asks until there is an answer, or until the
/// partitions are gone again.
pub(super) async fn begin(inside: &Inside, claimed: Claimed) {
    let cluster = inside.consumer.cluster();
    let partitions: Vec<_> = claimed.iter().map(|(of, _)| of.clone()).collect();
    let mut backoff = cluster.retry_backoff();
    while !claimed.iter().all(|(_, claim)| claim.is_revoked()) {
        match offsets::fetch(cluster, &inside.group, &partitions).await {
            Ok(committed) => {
                for (of, claim) in &claimed {
                    let at = committed.get(of).map_or(StartAt::Reset, |it| {
                        claim.committed(it.offset);
                        StartAt::Offset(it.offset)
                    });
                    inside.consumer.begin(of, claim, at);
                }
                return;
            }
            Err(error) if error.retriable() || error.stale_metadata() => {
                tracing::debug!(group = %inside.group, %error, "where to start is asked again");
                inside.consumer.troubled(error);
                sleep(backoff.failed().max(Duration::from_millis(1))).await;
            }
            Err(error) => {
                for (of, _) in &claimed {
                    inside.consumer.halt(of, error.clone());
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::commit_queue::Attempt;
    use crate::group::inside::tests::alone;
    use crate::group::standing::Standing;

    /// Releases a partition that is consumed up to 5, as a member in this generation; with what generation and offset that is
    /// committed, if it is.
    async fn committed_in(generation: i32) -> Option<(i32, i64)> {
        let (inside, _ordered, mut attempts) = alone();
        inside.standing.send_modify(|standing| {
            *standing = Standing {
                generation,
                ..Standing::outside()
            };
        });
        let of = TopicPartition::new("t", 0);
        let claim = Arc::new(Claim::new());
        inside.consumer.claim(&[(of.clone(), Arc::clone(&claim))]);
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
        release(&inside, vec![of], false).await;
        drop(inside);
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
}
