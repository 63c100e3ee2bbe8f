//! One flush for all who wait for one.
//!
//! A flush serves those whose bytes were written before it began. So who comes while one runs waits for the next, and all
//! who come meanwhile share that one: however many producers wait, at most one fsync runs and one is due.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::SeqCst},
};

use tokio::sync::Mutex;

use crate::refusal::Refusal;

#[derive(Debug, Default)]
pub(super) struct Flushes {
    /// How many flushes have begun.
    begun: AtomicU64,
    /// Held by the flush that runs; what it holds is the outcome of the last one.
    running: Arc<Mutex<Done>>,
}

#[derive(Debug, Default)]
struct Done {
    /// The number of the last flush that ended, counted like `begun`.
    number: u64,
    failure: Option<Refusal>,
}

impl Flushes {
    /// Returns when a flush that began after this call has ended; runs it on a blocking thread if nobody else did.
    pub(super) async fn join(
        &self,
        flush: impl FnOnce() -> Result<(), Refusal> + Send + 'static,
    ) -> Result<(), Refusal> {
        let begun = self.begun.load(SeqCst);
        let mut done = Arc::clone(&self.running).lock_owned().await;
        if done.number > begun {
            return done.failure.clone().map_or(Ok(()), Err);
        }
        let number = self.begun.fetch_add(1, SeqCst) + 1;
        // The lock moves into the thread: if this future is dropped, the flush still ends and is counted.
        let run = move || {
            let outcome = flush();
            *done = Done {
                number,
                failure: outcome.as_ref().err().cloned(),
            };
            outcome
        };
        // Refused where the runtime is shutting down.
        let stopped = |_| Err(Refusal::stopping());
        tokio::task::spawn_blocking(run)
            .await
            .unwrap_or_else(stopped)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Barrier, mpsc};

    use kafkalite_wire::ErrorCode;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn those_who_come_during_a_flush_share_the_next() {
        let flushes = Arc::new(Flushes::default());
        let count = Arc::new(AtomicU64::new(0));
        let (go, blocked) = mpsc::channel::<()>();
        let began = Arc::new(Barrier::new(2));

        let first = tokio::spawn({
            let (flushes, began) = (Arc::clone(&flushes), Arc::clone(&began));
            async move {
                let slow = move || {
                    began.wait();
                    blocked.recv().unwrap();
                    Ok(())
                };
                flushes.join(slow).await
            }
        });
        began.wait();
        let counted = || {
            let count = Arc::clone(&count);
            move || {
                count.fetch_add(1, SeqCst);
                Ok(())
            }
        };
        let mut others = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (flushes, flush) = (Arc::clone(&flushes), counted());
            others.spawn(async move { flushes.join(flush).await });
        }
        // On the slow flush's end all hundred must already have asked; asking is done at their first poll.
        while Arc::strong_count(&flushes.running) < 102 {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        while let Some(outcome) = others.join_next().await {
            outcome.unwrap().unwrap();
        }
        assert_eq!(count.load(SeqCst), 1);

        flushes.join(counted()).await.unwrap();
        assert_eq!(
            count.load(SeqCst),
            2,
            "a later caller is not served by an earlier flush"
        );
    }

    #[tokio::test]
    async fn a_failure_reaches_the_caller() {
        let failure = Refusal::new(ErrorCode::KafkaStorageError, "no disk");
        let failed = failure.clone();
        assert_eq!(
            Flushes::default().join(move || Err(failed)).await,
            Err(failure)
        );
    }
}
