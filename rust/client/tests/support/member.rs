//! Members of groups: each reads in a task of its own runtime, so that killing it is dropping the runtime.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kafkalite_client::{
    ClientError, ConsumerConfig, GroupConsumer, RebalanceEvent, Subscription, TopicPartition,
};
use parking_lot::Mutex;
use tokio::runtime::{Handle, Runtime};

use super::PATIENCE;

/// Offset and value of what was read, by partition.
pub(crate) type Read = BTreeMap<TopicPartition, Vec<(i64, String)>>;

#[derive(Default)]
struct Seen {
    read: Mutex<Read>,
    events: Mutex<Vec<RebalanceEvent>>,
    errors: Mutex<Vec<ClientError>>,
    /// The reader does not ask for more.
    halted: AtomicBool,
}

pub(crate) struct Member {
    pub(crate) consumer: Arc<GroupConsumer>,
    seen: Arc<Seen>,
    runtime: Option<Runtime>,
}

/// Members as these tests want them: quick to notice and to let go.
pub(crate) fn settings(bootstrap: &str, group: &str, more: &[(&str, &str)]) -> ConsumerConfig {
    let mut config = ConsumerConfig::from_pairs([
        ("bootstrap.servers", bootstrap),
        ("group.id", group),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "200"),
        ("metadata.max.age.ms", "500"),
    ])
    .unwrap();
    for (name, value) in more {
        config.set(name, value).unwrap();
    }
    config
}

impl Member {
    pub(crate) fn join(bootstrap: &str, group: &str, topic: &str, more: &[(&str, &str)]) -> Self {
        let to = Subscription::topics([topic]);
        Self::subscribe(settings(bootstrap, group, more), to, false)
    }

    pub(crate) fn subscribe(config: ConsumerConfig, to: Subscription, listens: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let consumer = GroupConsumer::new(config, runtime.handle()).unwrap();
        Self::reading(consumer, to, listens, Some(runtime))
    }

    /// One more stream of the same consumer, in its runtime.
    pub(crate) fn sibling(&self, to: Subscription) -> Self {
        let handle = self.runtime.as_ref().unwrap().handle();
        Self::reading_on(handle, self.consumer.sibling(handle), to, false, None)
    }

    fn reading(
        consumer: GroupConsumer,
        to: Subscription,
        listens: bool,
        runtime: Option<Runtime>,
    ) -> Self {
        let handle = runtime.as_ref().unwrap().handle().clone();
        Self::reading_on(&handle, consumer, to, listens, runtime)
    }

    fn reading_on(
        handle: &Handle,
        consumer: GroupConsumer,
        to: Subscription,
        listens: bool,
        runtime: Option<Runtime>,
    ) -> Self {
        consumer.listen(listens);
        consumer.subscribe(to);
        let (consumer, seen) = (Arc::new(consumer), Arc::<Seen>::default());
        handle.spawn(read_on(Arc::clone(&consumer), Arc::clone(&seen)));
        Self {
            consumer,
            seen,
            runtime,
        }
    }

    pub(crate) fn read(&self) -> Read {
        self.seen.read.lock().clone()
    }

    pub(crate) fn values(&self) -> Vec<String> {
        let read = self.seen.read.lock();
        let all = read.values().flatten();
        all.map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn events(&self) -> Vec<RebalanceEvent> {
        self.seen.events.lock().clone()
    }

    pub(crate) fn errors(&self) -> Vec<ClientError> {
        self.seen.errors.lock().clone()
    }

    /// The partition numbers that it has.
    pub(crate) fn partitions(&self) -> Vec<i32> {
        let assignment = self.consumer.assignment();
        assignment.iter().map(|of| of.partition).collect()
    }

    /// Its reader stops asking, or goes on.
    pub(crate) fn halt(&self, halted: bool) {
        self.seen.halted.store(halted, Ordering::Release);
    }

    /// As `kill -9` would end it: nobody is told.
    pub(crate) fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }

    pub(crate) async fn close(&self) {
        self.consumer.close(PATIENCE).await.unwrap();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn read_on(consumer: Arc<GroupConsumer>, seen: Arc<Seen>) {
    loop {
        if seen.halted.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        while let Some(event) = consumer.next_event() {
            seen.events.lock().push(event.event().clone());
        }
        let batch = match consumer.next_batch(Duration::from_millis(100)).await {
            Ok(Some(batch)) => batch,
            Ok(None) => continue,
            Err(ClientError::Closed(_)) => return,
            Err(error) => {
                let is_fenced = matches!(error, ClientError::Fenced { .. });
                seen.errors.lock().push(error);
                if is_fenced {
                    return;
                }
                continue;
            }
        };
        let claim = Arc::clone(batch.claim().unwrap());
        let of = TopicPartition::new(batch.topic().clone(), batch.partition());
        for record in batch.records() {
            if claim.is_revoked() {
                break;
            }
            let record = record.unwrap();
            let value = String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap();
            let mut read = seen.read.lock();
            read.entry(of.clone())
                .or_default()
                .push((record.offset, value));
            drop(read);
            claim.consume(record.offset + 1);
        }
    }
}

/// Waits until this holds; `what` is said if it never does.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until these members share these partitions, each with at least one if there are enough.
pub(crate) async fn until_shared(members: &[&Member], partitions: i32) {
    let wanted: Vec<_> = (0..partitions).collect();
    until(
        &format!("{} members share {partitions} partitions", members.len()),
        || {
            let mut all: Vec<_> = members
                .iter()
                .flat_map(|member| member.partitions())
                .collect();
            all.sort_unstable();
            let some = members
                .iter()
                .filter(|member| !member.partitions().is_empty())
                .count();
            all == wanted && some == members.len().min(partitions as usize)
        },
    )
    .await;
}
