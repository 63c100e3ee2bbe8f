//! Knows who leads the assigned partitions, and keeps a fetcher for each leader.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::fetcher::Fetcher;
use super::shared::Shared;

/// Runs until the consumer is closed; the fetchers end with it, each having given back what it has of the broker.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut fetchers = JoinSet::new();
    tokio::select! {
        () = keep(&shared, &mut fetchers) => {}
        () = shared.closing.closed() => {}
    }
    while fetchers.join_next().await.is_some() {}
    shared.end();
}

async fn keep(shared: &Arc<Shared>, fetchers: &mut JoinSet<()>) {
    let mut backoff = shared.cluster.retry_backoff();
    let max_age = shared.config.client.metadata_max_age;
    let mut metadata = shared.cluster.metadata();
    loop {
        let (leaders, complete) = shared.learn(&metadata);
        if !complete {
            shared.tell_of_missing(&metadata);
        }
        for (leader, wake) in leaders {
            fetchers.spawn(Fetcher::new(Arc::clone(shared), leader, wake).run());
        }
        if complete {
            backoff.succeeded();
            // When told of a problem, or when what is known has become too old.
            let _ = timeout(max_age, shared.steward.notified()).await;
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
