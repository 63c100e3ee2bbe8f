//! Reading all streams of a consumer.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_client::ZooKeeperConsumer;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::support::PATIENCE;

/// A consumer whose streams are read.
pub(crate) struct Reader {
    consumer: Arc<ZooKeeperConsumer>,
    /// Partition and offset of each message, in order.
    seen: Arc<Mutex<Vec<(i32, i64)>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Reader {
    pub(crate) fn new(consumer: ZooKeeperConsumer) -> Self {
        let (consumer, seen) = (Arc::new(consumer), Arc::<Mutex<Vec<_>>>::default());
        let read = |stream| {
            let (consumer, seen) = (Arc::clone(&consumer), Arc::clone(&seen));
            tokio::spawn(async move {
                while let Ok(next) = consumer.next_batch(stream, PATIENCE).await {
                    let Some(batch) = next else { continue };
                    let claim = batch.claim().unwrap();
                    if !claim.is_revoked() {
                        let offsets = batch.first_offset()..batch.next_offset();
                        seen.lock()
                            .extend(offsets.map(|offset| (batch.partition(), offset)));
                        claim.consume(batch.next_offset());
                    }
                }
            })
        };
        let tasks = (0..consumer.streams()).map(read).collect();
        Self {
            consumer,
            seen,
            tasks,
        }
    }

    /// Messages so far.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().len()
    }

    /// What it has read so far.
    pub(crate) fn seen(&self) -> Vec<(i32, i64)> {
        self.seen.lock().clone()
    }

    /// Closes it; what it has read, by partition and offset.
    pub(crate) async fn close(self) -> Vec<(i32, i64)> {
        self.consumer.close().await;
        for task in self.tasks {
            task.await.unwrap();
        }
        std::mem::take(&mut *self.seen.lock())
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}
