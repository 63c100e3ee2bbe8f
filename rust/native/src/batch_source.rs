//! Where batches come from: partitions that were given once and for all, or those that a group gives.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_client::{
    Batch, ClientError, Consumer, GroupConsumer, PendingEvent, StartAt, TopicPartition,
};
use tokio::time::timeout;

/// The core's side of a stream.
pub(crate) enum BatchSource {
    Alone(Consumer),
    Member(Arc<GroupConsumer>),
}

impl BatchSource {
    pub(crate) fn try_next_batch(&self) -> Option<Result<Batch, ClientError>> {
        match self {
            BatchSource::Alone(consumer) => consumer.try_next_batch(),
            BatchSource::Member(member) => member.try_next_batch(),
        }
    }

    /// The next batch; `None` when the time is up, or when there is an event to look at.
    pub(crate) async fn next_batch(&self, limit: Duration) -> Result<Option<Batch>, ClientError> {
        match self {
            BatchSource::Alone(consumer) => consumer.next_batch(limit).await,
            BatchSource::Member(member) => member.next_batch(limit).await,
        }
    }

    /// The member, if there is a group.
    pub(crate) fn member(&self) -> Option<&GroupConsumer> {
        match self {
            BatchSource::Alone(_) => None,
            BatchSource::Member(member) => Some(member),
        }
    }

    pub(crate) fn next_event(&self) -> Option<PendingEvent> {
        self.member()?.next_event()
    }

    pub(crate) fn seek(&self, of: &TopicPartition, to: StartAt) -> Result<(), ClientError> {
        match self {
            BatchSource::Alone(consumer) => consumer.seek(of, to),
            BatchSource::Member(member) => member.seek(of, to),
        }
    }

    pub(crate) fn set_paused(&self, of: &TopicPartition, paused: bool) -> Result<(), ClientError> {
        match self {
            BatchSource::Alone(consumer) => consumer.set_paused(of, paused),
            BatchSource::Member(member) => member.set_paused(of, paused),
        }
    }

    pub(crate) fn is_paused(&self, of: &TopicPartition) -> bool {
        match self {
            BatchSource::Alone(consumer) => consumer.is_paused(of),
            BatchSource::Member(member) => member.is_paused(of),
        }
    }

    pub(crate) fn assignment(&self) -> Vec<TopicPartition> {
        match self {
            BatchSource::Alone(consumer) => consumer.assignment(),
            BatchSource::Member(member) => member.assignment(),
        }
    }

    pub(crate) fn is_assigned(&self, of: &TopicPartition) -> bool {
        match self {
            BatchSource::Alone(consumer) => consumer.is_assigned(of),
            BatchSource::Member(member) => member.is_assigned(of),
        }
    }

    pub(crate) fn position(&self, of: &TopicPartition) -> Option<i64> {
        match self {
            BatchSource::Alone(consumer) => consumer.position(of),
            BatchSource::Member(member) => member.position(of),
        }
    }

    /// A partition's end, as of the last fetch.
    pub(crate) fn end(&self, of: &TopicPartition) -> Option<i64> {
        match self {
            BatchSource::Alone(consumer) => consumer.end(of),
            BatchSource::Member(member) => member.end(of),
        }
    }

    /// Ends reading; a member commits what is consumed and leaves its group, within `limit`.
    pub(crate) async fn close(&self, limit: Duration) -> Result<(), ClientError> {
        match self {
            BatchSource::Alone(consumer) => {
                consumer.close();
                // What is not done by then goes on in the background.
                let _ = timeout(limit, consumer.ended()).await;
                Ok(())
            }
            BatchSource::Member(member) => member.close(limit).await,
        }
    }
}

/// A member that nobody holds any more leaves its group; its consumer may still hold the core's side of it.
impl Drop for BatchSource {
    fn drop(&mut self) {
        if let BatchSource::Member(member) = self {
            member.listen(false); // there is nobody to tell
            member.unsubscribe();
        }
    }
}
