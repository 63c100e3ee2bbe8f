//! What a task has under way beside it, each piece with what counts as its outcome if it does not come to its end: a panic must not
//! leave the task waiting for what never comes.

use std::future::pending;

use crate::tasks::Tasks;

#[derive(Debug)]
pub(super) struct MemberWork<T>(Tasks<T, T>);

impl<T: Send + 'static> MemberWork<T> {
    pub(super) fn new() -> Self {
        Self(Tasks::new())
    }

    /// Begins a piece of work; dropping this ends it.
    pub(super) fn begin(&mut self, instead: T, work: impl Future<Output = T> + Send + 'static) {
        self.0.begin(instead, work);
    }

    /// The outcome of the piece that ends next; never, while there is none.
    pub(super) async fn next(&mut self) -> T {
        match self.0.next().await {
            Some((_, Ok(done))) => done,
            Some((instead, Err(error))) => {
                tracing::error!(%error, "a member's work ended before it was done");
                instead
            }
            None => pending().await,
        }
    }

    /// Ends all of it in the middle, as a panic does.
    #[cfg(test)]
    pub(super) fn interrupt(&mut self) {
        self.0.interrupt();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_has_the_outcome_that_was_named_for_that() {
        let mut work = MemberWork::new();
        work.begin(1, async { panic!("on purpose") });
        assert_eq!(work.next().await, 1);
        work.begin(1, async { 2 });
        assert_eq!(work.next().await, 2);
    }
}
