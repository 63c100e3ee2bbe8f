//! Knows who leads the assigned partitions, and keeps a fetcher for each leader.

use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::fetcher::Fetcher;
use super::fetchers::Fetchers;
use super::shared::Shared;

/// However this task ends, nobody waits for what does not come any more.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.close();
        self.0.end();
    }
}

/// Runs until the consumer is closed; the fetchers end with it, each having given back what it has of the broker.
pub(super) async fn run(shared: Arc<Shared>) {
    let _end = End(Arc::clone(&shared));
    let mut fetchers = Fetchers::default();
    tokio::select! {
        () = keep(&shared, &mut fetchers) => {}
        () = shared.closing.closed() => {}
    }
    fetchers.ended().await;
}

async fn keep(shared: &Arc<Shared>, fetchers: &mut Fetchers) {
    let mut backoff = shared.cluster.retry_backoff();
    let mut losses = shared.cluster.retry_backoff();
    let max_age = shared.config.client.metadata_max_age;
    let mut metadata = shared.cluster.metadata();
    loop {
        let (leaders, complete) = shared.learn(&metadata);
        if !complete {
            shared.tell_of_missing(&metadata);
        }
        for (leader, wake) in leaders {
            let fetcher = Fetcher::new(Arc::clone(shared), leader, wake);
            fetchers.begin(leader, fetcher.run());
        }
        if complete {
            backoff.succeeded();
            tokio::select! {
                // When told of a problem, or when what is known has become too old.
                _ = timeout(max_age, shared.leaders_wanted.notified()) => {}
                leader = fetchers.lost() => {
                    shared.lost_fetcher(leader);
                    sleep(losses.failed()).await;
                    continue;
                }
            }
        } else if metadata.is_known() {
            // Leaders take a moment to move.
            sleep(backoff.failed()).await;
        }
        match shared.cluster.refresh(&metadata).await {
            Ok(fresh) => metadata = fresh,
            Err(error) => {
                shared.troubled(error);
                sleep(backoff.failed()).await;
            }
        }
    }
}
