//! The tasks that fetch, one for each leader, and what is done about one that ends before the consumer is closed.

use std::future::pending;

use crate::tasks::Tasks;

#[derive(Debug)]
pub(super) struct Fetchers(Tasks<i32, ()>);

impl Fetchers {
    pub(super) fn new() -> Self {
        Self(Tasks::new())
    }

    pub(super) fn begin(
        &mut self,
        leader: i32,
        fetcher: impl Future<Output = ()> + Send + 'static,
    ) {
        self.0.begin(leader, fetcher);
    }

    /// The leader whose fetcher panics next; never, while all go on.
    pub(super) async fn lost(&mut self) -> i32 {
        while let Some((leader, ended)) = self.0.next().await {
            if let Err(error) = ended {
                tracing::error!(leader, %error, "a fetcher ended in the middle of its work; another one takes over");
                return leader;
            }
        }
        pending().await
    }

    /// Waits until all have ended.
    pub(super) async fn ended(&mut self) {
        while self.0.next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_leader_of_one_that_panics_is_told() {
        let mut fetchers = Fetchers::new();
        fetchers.begin(1, pending());
        fetchers.begin(2, async {});
        fetchers.begin(3, async { panic!("on purpose") });
        assert_eq!(fetchers.lost().await, 3);
    }
}
