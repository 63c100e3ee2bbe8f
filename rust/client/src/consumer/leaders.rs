//! Knows who leads the assigned partitions, and keeps a fetcher for each leader.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::fetcher::Fetcher;
use super::fetchers::Fetchers;
use super::losses::Losses;
use super::shared::ConsumerShared;

/// However this task ends, nobody waits for what does not come any more.
struct End(Arc<ConsumerShared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.close();
        self.0.end();
    }
}

/// Runs until the consumer is closed; the fetchers end with it, each having given back what it has of the broker.
pub(super) async fn run(shared: Arc<ConsumerShared>) {
    let _end = End(Arc::clone(&shared));
    let mut fetchers = Fetchers::new();
    tokio::select! {
        () = keep(&shared, &mut fetchers) => {}
        () = shared.closing.closed() => {}
    }
    fetchers.ended().await;
}

async fn keep(shared: &Arc<ConsumerShared>, fetchers: &mut Fetchers) {
    let mut backoff = shared.cluster.retry_backoff();
    let forgotten_after = shared.config.client.retry_backoff_max * 10;
    let mut losses = Losses::new(shared.cluster.retry_backoff(), forgotten_after);
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
        let pause = if complete {
            backoff.succeeded();
            max_age
        } else if metadata.is_known() {
            // Leaders take a moment to move.
            backoff.failed()
        } else {
            Duration::ZERO
        };
        let is_due = async {
            if complete {
                // When told of a problem, or when what is known has become too old.
                let _ = timeout(pause, shared.leaders_wanted.notified()).await;
            } else {
                sleep(pause).await;
            }
        };
        tokio::select! {
            biased;
            // What is missing must not hide it; and one that is lost at once, again and again, must not keep refreshes away.
            leader = fetchers.lost() => {
                shared.lost_fetcher(leader);
                sleep(losses.pause(Instant::now())).await;
            }
            () = is_due => {}
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

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use kafkalite_names::TopicPartition;
    use kafkalite_world::Dice;

    use super::*;
    use crate::cluster::Cluster;
    use crate::config::ConsumerConfig;
    use crate::consumer::StartAt;
    use crate::test_broker::{BrokerWithTopic, PATIENCE};

    /// Who reads the first partition of these topics; the fetcher of their leader is about to panic.
    async fn reader(bootstrap: &str, topics: &[&str]) -> (Arc<ConsumerShared>, Fetchers) {
        let pairs = [
            ("bootstrap.servers", bootstrap),
            ("allow.auto.create.topics", "false"),
        ];
        let config = ConsumerConfig::from_pairs(pairs).unwrap();
        let cluster = Arc::new(Cluster::to_read(config.client.clone(), &Dice::default()).unwrap());
        let shared = Arc::new(ConsumerShared::new(config, cluster));
        let topics = topics.iter().map(|topic| TopicPartition::new(*topic, 0));
        shared.assign(topics.map(|of| (of, StartAt::Beginning)));
        shared.leaders_wanted.notified().await; // the assignment is taken up here
        let unknown = shared.cluster.metadata();
        let metadata = shared.cluster.refresh(&unknown).await.unwrap();
        let (new, _) = shared.learn(&metadata);
        let mut fetchers = Fetchers::new();
        fetchers.begin(new[0].0, async { resume_unwind(Box::new("a test")) });
        (shared, fetchers)
    }

    #[tokio::test]
    async fn a_fetcher_that_panics_is_replaced_though_a_topic_is_missing() {
        let broker = BrokerWithTopic::start(1, &[]).await;
        let (shared, mut fetchers) = reader(&broker.bootstrap, &["t", "missing"]).await;
        let batch = async {
            loop {
                let arrived = shared.arrived.notified();
                if let Some(batch) = shared.take() {
                    return batch.unwrap();
                }
                arrived.await;
            }
        };
        tokio::select! {
            () = keep(&shared, &mut fetchers) => unreachable!("it is not closed"),
            batch = timeout(PATIENCE, batch) => {
                batch.expect("somebody fetches");
            }
        }
    }

    #[tokio::test]
    async fn a_fetcher_that_panics_does_not_keep_a_refresh_away() {
        let broker = BrokerWithTopic::start(1, &[]).await;
        let (shared, mut fetchers) = reader(&broker.bootstrap, &["t"]).await;
        let before = shared.cluster.metadata();
        let refreshed = async {
            while Arc::ptr_eq(&shared.cluster.metadata(), &before) {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = keep(&shared, &mut fetchers) => unreachable!("it is not closed"),
            refreshed = timeout(PATIENCE, refreshed) => refreshed.expect("the cluster is asked"),
        }
    }
}
