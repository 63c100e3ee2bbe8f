//! Commits as the reader and the task ask for them, and what the answers mean.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::commit_queue::Attempt;
use super::offsets::GroupOffsets;
use super::shared::{MemberOrder, MemberShared};
use super::standing::Standing;
use crate::admin::CommittedOffset;
use crate::cluster::shown;
use crate::error::{ClientError, Result};
use kafkalite_names::TopicPartition;
use kafkalite_wire::ErrorCode;

/// What the answer to a commit means for the member.
enum Verdict {
    /// Nothing.
    Unrelated,
    /// A rebalance is on: when it is over, the commit may succeed.
    Rebalancing,
    /// The offsets can't be committed any more.
    Failed(ClientError),
}

impl MemberShared {
    /// What was consumed of these partitions, which are sorted, or of all, and is not committed.
    pub(super) fn uncommitted(&self, of: Option<&[TopicPartition]>) -> GroupOffsets {
        let mut offsets: GroupOffsets = self
            .consumer
            .claims()
            .into_iter()
            .filter(|(partition, _)| {
                of.is_none_or(|wanted| wanted.binary_search(partition).is_ok())
            })
            .filter_map(|(partition, claim)| {
                let metadata = String::new();
                let offset = claim.uncommitted()?;
                Some((partition, CommittedOffset { offset, metadata }))
            })
            .collect();
        offsets.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        offsets
    }

    /// Commits once; queued at the call, behind what was queued before. `then` is given the answer, in the runtime's thread
    /// and before anything that was queued later is answered.
    pub(super) fn queue(
        &self,
        offsets: GroupOffsets,
        standing: Standing,
        then: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        let answer = Box::new(then);
        // Whoever takes it ends only with the runtime: nobody waits for an answer any more.
        let _ = self.commits.send(Attempt {
            offsets,
            standing,
            answer,
        });
    }

    /// Commits once, as [`queue`](Self::queue).
    pub(super) fn attempt(
        &self,
        offsets: GroupOffsets,
        standing: Standing,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let (answer, answered) = oneshot::channel();
        self.queue(offsets, standing, |outcome| {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(outcome);
        });
        async move {
            answered
                .await
                .map_err(|_| ClientError::Closed("consumer"))?
        }
    }

    /// Waits until everything that was queued is answered.
    pub(super) fn queued(&self) -> impl Future<Output = Result<()>> + Send + 'static {
        self.attempt(GroupOffsets::new(), Standing::outside())
    }

    /// Notes what is committed, so that it is not committed again.
    pub(super) fn settle(&self, offsets: &GroupOffsets) {
        let claims = self.consumer.claims();
        for (of, committed) in offsets {
            if let Some(claim) = claims.get(of) {
                claim.committed(committed.offset);
            }
        }
    }

    /// Commits, and again after rebalances while the partitions are still this member's.
    pub(super) async fn commit_within(
        &self,
        offsets: &GroupOffsets,
        limit: Duration,
    ) -> Result<()> {
        let mut cause = None;
        let attempts = async {
            let mut backoff = self.consumer.cluster().retry_backoff();
            loop {
                let standing = self.standing_to_commit(offsets).await?;
                let error = match self.attempt(offsets.clone(), standing.clone()).await {
                    Ok(()) => {
                        self.settle(offsets);
                        return Ok(());
                    }
                    Err(error) => error,
                };
                match self.judge(&error, &standing) {
                    Verdict::Unrelated if error.retriable() => {}
                    Verdict::Unrelated => return Err(error),
                    Verdict::Rebalancing => self.refused(error.clone(), &standing),
                    Verdict::Failed(failed) => {
                        self.refused(error, &standing);
                        return Err(failed);
                    }
                }
                cause = Some(Arc::new(error));
                sleep(backoff.failed()).await;
            }
        };
        match timeout(limit, attempts).await {
            Ok(settled) => settled,
            Err(_) => Err(ClientError::TimedOut {
                what: format!("committing offsets of {}", shown(&self.group)).into(),
                setting: "timeout",
                limit,
                cause,
            }),
        }
    }

    fn refused(&self, error: ClientError, used: &Standing) {
        self.order(MemberOrder::Refused(error, used.generation));
    }

    /// What an answer to a commit that was made as `used` means.
    fn judge(&self, error: &ClientError, used: &Standing) -> Verdict {
        let now = self.standing.borrow();
        let goes_on = now.generation != used.generation || !now.is_settled;
        match error.code() {
            Some(ErrorCode::RebalanceInProgress) => Verdict::Rebalancing,
            Some(ErrorCode::IllegalGeneration | ErrorCode::UnknownMemberId) => {
                if used.generation < 0 {
                    let why =
                        "it has members, and only they may commit: subscribe, or end them first";
                    Verdict::Failed(self.failed(why))
                } else if goes_on {
                    Verdict::Rebalancing
                } else {
                    Verdict::Failed(self.out())
                }
            }
            Some(ErrorCode::FencedInstanceId) => Verdict::Failed(self.fenced()),
            _ => Verdict::Unrelated,
        }
    }

    /// The answer to a commit as the application is told it, and the task if it concerns the member.
    pub(super) fn told(&self, error: ClientError, used: &Standing) -> ClientError {
        match self.judge(&error, used) {
            Verdict::Unrelated => error,
            Verdict::Rebalancing => {
                self.refused(error, used);
                self.failed("a rebalance came between; what is this member's afterwards can be committed then")
            }
            Verdict::Failed(failed) => {
                self.refused(error, used);
                failed
            }
        }
    }

    fn failed(&self, reason: &str) -> ClientError {
        ClientError::CommitFailed {
            group: shown(&self.group).into(),
            reason: reason.into(),
        }
    }

    /// The group goes on without this member.
    pub(super) fn out(&self) -> ClientError {
        self.failed(
            "it goes on without this member, which was silent for longer than session.timeout.ms or asked for no message for \
             longer than max.poll.interval.ms; whoever has its partitions reads again what was not committed",
        )
    }

    pub(super) fn fenced(&self) -> ClientError {
        ClientError::Fenced {
            group: shown(&self.group).into(),
            instance: self.instance.as_deref().unwrap_or_default().into(),
        }
    }

    /// Waits until the member may commit; an error if one of these partitions is not its own by then.
    async fn standing_to_commit(&self, offsets: &GroupOffsets) -> Result<Standing> {
        if self.subscription.lock().is_none() {
            return Ok(Standing::outside());
        }
        let mut standing = self.standing.subscribe();
        let found = standing
            .wait_for(|it| it.is_settled || it.is_out || it.has_ended)
            .await;
        let standing = found.map_err(|_| ClientError::Closed("consumer"))?.clone();
        let claims = self.consumer.claims();
        match offsets.iter().find(|(of, _)| !claims.contains_key(of)) {
            _ if standing.has_ended => Err(ClientError::Closed("consumer")),
            _ if standing.is_out => Err(self.out()),
            None => Ok(standing),
            Some((of, _)) => Err(self.failed(&format!(
                "{of} is not this member's in generation {}; whoever has it reads again what was not committed",
                standing.generation
            ))),
        }
    }
}
