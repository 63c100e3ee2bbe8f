//! The tasks that fetch, one for each leader, and what is done about one that ends before the consumer is closed.

use std::collections::HashMap;
use std::future::pending;

use tokio::task::{Id, JoinSet};

#[derive(Debug, Default)]
pub(super) struct Fetchers {
    tasks: JoinSet<()>,
    leaders: HashMap<Id, i32>,
}

impl Fetchers {
    pub(super) fn begin(
        &mut self,
        leader: i32,
        fetcher: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = self.tasks.spawn(fetcher).id();
        self.leaders.insert(task, leader);
    }

    /// The leader whose fetcher panics next; never, while all go on.
    pub(super) async fn lost(&mut self) -> i32 {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let (task, error) = match ended {
                Ok((task, ())) => (task, None),
                Err(error) => (error.id(), Some(error)),
            };
            if let (Some(leader), Some(error)) = (self.leaders.remove(&task), error) {
                tracing::error!(leader, %error, "a fetcher ended in the middle of its work; another one takes over");
                return leader;
            }
        }
        pending().await
    }

    /// Waits until all have ended.
    pub(super) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_leader_of_one_that_panics_is_told() {
        let mut fetchers = Fetchers::default();
        fetchers.begin(1, pending());
        fetchers.begin(2, async {});
        fetchers.begin(3, async { panic!("on purpose") });
        assert_eq!(fetchers.lost().await, 3);
    }
}
