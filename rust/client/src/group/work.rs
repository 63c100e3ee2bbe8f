//! What a task has under way beside it, each piece with what counts as its outcome if it does not come to its end: a panic must not
//! leave the task waiting for what never comes.

use tokio::task::JoinSet;

#[derive(Debug)]
pub(super) struct Work<T>(JoinSet<T>);

impl<T: Send + 'static> Work<T> {
    pub(super) fn new() -> Self {
        Self(JoinSet::new())
    }

    /// Begins a piece of work; dropping this ends it.
    pub(super) fn begin(&mut self, instead: T, work: impl Future<Output = T> + Send + 'static) {
        self.0.spawn(async move {
            // A task of its own, so that a panic ends there; in a set, so that it ends with this one.
            let mut alone = JoinSet::new();
            alone.spawn(work);
            match alone.join_next().await {
                Some(Ok(done)) => done,
                Some(Err(error)) => {
                    tracing::error!(%error, "a member's work ended before it was done");
                    instead
                }
                None => instead,
            }
        });
    }

    /// The outcome of the piece that ends next; never, while there is none.
    pub(super) async fn next(&mut self) -> T {
        match self.0.join_next().await {
            Some(Ok(done)) => done,
            // The runtime is being shut down, and this with it.
            Some(Err(_)) | None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_has_the_outcome_that_was_named_for_that() {
        let mut work = Work::new();
        work.begin(1, async { panic!("on purpose") });
        assert_eq!(work.next().await, 1);
        work.begin(1, async { 2 });
        assert_eq!(work.next().await, 2);
    }
}
