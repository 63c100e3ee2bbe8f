//! Publishes records: collects them into batches, one for each partition, and sends those in the background.
//!
//! What happens to a record: [`Producer::enqueue`] finds the topic's partitions (or asks its caller to wait until they are
//! known), chooses one, takes room from `buffer.memory` (or asks its caller to wait) and appends the record to the
//! partition's open batch. The dispatcher takes batches that are full or have lingered, puts those for one leader
//! into one request and settles each when the answer comes; it only decides, the sender, a task, does that. The record's
//! [`Delivery`] tells.

mod accumulator;
mod batch;
mod bell;
mod budget;
mod builders;
mod compressors;
mod delivery;
mod dispatcher;
mod largest;
mod ledger;
mod record;
mod refused;
mod sender;
mod sequences;
mod shared;
mod split;
mod topic;
mod topics;

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kafkalite_records::BatchBuilder;
use kafkalite_world::World;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use crate::cluster::Cluster;
use crate::config::{ConfigError, ProducerConfig};
use crate::error::{ClientError, Result};
use accumulator::{Accumulator, NotTaken};
use compressors::Compressors;
pub use delivery::{Delivery, RecordMetadata};
pub use record::ProducerRecord;
use shared::ProducerShared;
use topic::KnownTopic;

/// Publishes records to any Kafka cluster. Shared by reference among threads.
///
/// Dropping it gives up what is not delivered; [`close`](Self::close) delivers first.
#[derive(Debug)]
pub struct Producer {
    shared: Arc<ProducerShared>,
    sender: AbortHandle,
}

/// Why a record was not taken at once.
#[derive(Debug)]
pub enum Refused {
    /// Not yet: wait, then try again.
    Wait(ProducerWait),
    /// Not at all.
    Failed(ClientError),
}

/// Something that a record has to wait for: the topic's metadata, or its latest, or room in the buffer.
#[derive(Debug)]
pub struct ProducerWait {
    shared: Arc<ProducerShared>,
    need: Need,
}

#[derive(Debug)]
enum Need {
    Topic(String),
    /// A partition beyond those that are known.
    Partition(Arc<KnownTopic>, i32),
    Room(usize),
}

impl ProducerWait {
    /// Waits, `max.block.ms` at the most, or until the producer is closed. Then try the record again: another thread may have
    /// been quicker.
    pub async fn ready(self) -> Result<()> {
        let (shared, need) = (&self.shared, self.need);
        let ready = async {
            match need {
                Need::Topic(name) => shared.learn(&name).await.map(drop),
                Need::Partition(topic, partition) => shared.grown(&topic, partition).await,
                Need::Room(bytes) => shared.room(bytes).await,
            }
        };
        shared.closing.or_closed(ready).await
    }
}

impl Producer {
    /// Starts a producer whose background work runs on `runtime`. Nothing is connected before it is needed.
    pub fn new(config: ProducerConfig, runtime: &Handle) -> Result<Self> {
        Self::new_in(config, &World::real(), runtime)
    }

    /// As [`new`](Self::new), in a world of the caller's: records without a timestamp get its time, those without a key go where its
    /// dice fall.
    pub fn new_in(config: ProducerConfig, world: &World, runtime: &Handle) -> Result<Self> {
        let idempotent = config.idempotent()?;
        if config.delivery_timeout <= config.linger {
            let millis = |time: Duration| (time.as_secs_f64() * 1e3).to_string();
            return Err(ConfigError::Conflict {
                settings: Box::new([
                    ("delivery.timeout.ms", millis(config.delivery_timeout)),
                    ("linger.ms", millis(config.linger)),
                ]),
                relation: "is not larger than",
                remedies: ["raise {}", "lower {}"],
            }
            .into());
        }
        let level = config.compression_level;
        let compressors =
            Compressors::new(config.compression, level).map_err(|error| ConfigError::Invalid {
                name: "compression.level",
                value: level.unwrap_or_default().to_string(),
                expected: error.allowed(),
            })?;
        let cluster = Cluster::new(config.client.clone(), &world.dice)?;
        let shared = Arc::new(ProducerShared::new(config, cluster, world));
        let dice = world.dice.fork();
        let sender = runtime.spawn(sender::run(
            Arc::clone(&shared),
            compressors,
            idempotent,
            dice,
        ));
        let sender = sender.abort_handle();
        Ok(Self { shared, sender })
    }

    /// Takes a record, on any thread, without waiting and without entering the runtime.
    pub fn enqueue(&self, record: &ProducerRecord<'_>) -> Result<Delivery, Refused> {
        let topic = self.topic(record.topic)?;
        self.enqueue_to(&topic, record, || self.shared.clock.now_ms())
    }

    /// Takes records until one is refused, which stays in the iterator; each delivery is handed to `delivered`.
    ///
    /// Records without a timestamp get the time of this call: reading the clock for each costs as much as encoding it.
    pub fn enqueue_many<'a>(
        &self,
        records: &mut Peekable<impl Iterator<Item = ProducerRecord<'a>>>,
        mut delivered: impl FnMut(Delivery),
    ) -> Result<(), Refused> {
        let mut topic: Option<Arc<KnownTopic>> = None;
        let now = self.shared.clock.now_ms();
        while let Some(record) = records.peek() {
            let topic = match &topic {
                Some(topic) if *topic.name == *record.topic => topic,
                _ => topic.insert(self.topic(record.topic)?),
            };
            delivered(self.enqueue_to(topic, record, || now)?);
            records.next();
        }
        Ok(())
    }

    /// Takes records as one message set: one batch, in one request (P1 of the paper), to the partition of the first.
    ///
    /// The delivery is that of the first record. `partition` and `key` choose for all; the records' own choices, and their
    /// topics, are not looked at.
    pub fn enqueue_set(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        records: &[ProducerRecord<'_>],
    ) -> Result<Delivery, Refused> {
        let topic = self.topic(topic)?;
        let size = records.iter().map(ProducerRecord::size).sum();
        let limit = self.shared.config.max_request_size;
        if size > limit {
            return Err(self.not_taken(NotTaken::TooLarge, &topic, size));
        }
        let accumulator = self.choose(&topic, partition, key)?;
        self.reserve(size)?;
        let now = self.shared.clock.now_ms();
        let first = records
            .first()
            .and_then(|record| record.timestamp)
            .unwrap_or(now);
        // Sizes are estimated from above, so that all records fit; only timestamps too far apart can stop them.
        let mut set = BatchBuilder::new(limit.max(size));
        let fits = records.iter().all(|record| {
            set.try_append(
                record.timestamp.unwrap_or(now),
                record.key,
                record.value,
                record.headers,
            )
        });
        let appended = if fits && !set.is_empty() {
            accumulator
                .append_set(&self.shared.intake, set, size, first, Instant::now())
                .map_err(|reason| self.not_taken(reason, &topic, size))
        } else {
            Err(self.not_taken(NotTaken::TooLarge, &topic, size))
        };
        appended.inspect_err(|_| self.shared.budget.release(size))
    }

    /// [`enqueue`](Self::enqueue), waiting where it has to.
    pub async fn send(&self, record: &ProducerRecord<'_>) -> Result<Delivery> {
        loop {
            match self.enqueue(record) {
                Ok(delivery) => return Ok(delivery),
                Err(Refused::Failed(error)) => return Err(error),
                Err(Refused::Wait(wait)) => wait.ready().await?,
            }
        }
    }

    /// [`enqueue_set`](Self::enqueue_set), waiting where it has to.
    pub async fn send_set(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        records: &[ProducerRecord<'_>],
    ) -> Result<Delivery> {
        loop {
            match self.enqueue_set(topic, partition, key, records) {
                Ok(delivery) => return Ok(delivery),
                Err(Refused::Failed(error)) => return Err(error),
                Err(Refused::Wait(wait)) => wait.ready().await?,
            }
        }
    }

    /// How many partitions a topic has; waits `max.block.ms` at the most until that is known.
    pub async fn partition_count(&self, topic: &str) -> Result<usize> {
        let counted = async {
            match self.known_partition_count(topic) {
                Some(count) => Ok(count),
                None => Ok(self.shared.learn(topic).await?.partition_count()),
            }
        };
        self.shared.closing.or_closed(counted).await
    }

    /// How many partitions a topic has, if that is known already; nothing is asked.
    pub fn known_partition_count(&self, topic: &str) -> Option<usize> {
        Some(self.shared.topics.get(topic)?.partition_count())
    }

    /// Sends what lingers and waits until everything taken so far is settled, then reports failures that nobody looked
    /// at ([`ClientError::Undelivered`]). It ends: `delivery.timeout.ms` bounds each delivery. [`ClientError::Closed`] if
    /// somebody closes the producer before all is delivered.
    pub async fn flush(&self) -> Result<()> {
        self.shared.drained().await;
        self.shared.intake.ledger.failures.report()?;
        if self.shared.cut_off.load(Ordering::Acquire) {
            return Err(self.shared.closing.error());
        }
        Ok(())
    }

    /// Takes nothing more, delivers what it has within `limit`, and ends. What is left then fails and is reported.
    /// A second call has nothing to do, unless the first was cancelled: then it carries on.
    pub async fn close(&self, limit: Duration) -> Result<()> {
        self.shared.closing.close();
        if timeout(limit, self.shared.drained()).await.is_err() {
            self.shared.cut_off.store(true, Ordering::Release);
            tracing::warn!(
                limit_ms = limit.as_millis() as u64,
                "the producer was closed before all was delivered"
            );
        }
        self.shared.abort.store(true, Ordering::Release);
        self.shared.intake.bell.ring();
        // The sender fails what is left, so this wait is short; it is bounded in case the runtime is going away.
        let _ = timeout(Duration::from_secs(5), self.shared.drained()).await;
        self.shared.cluster.close();
        self.shared.intake.ledger.failures.report()
    }

    fn topic(&self, name: &str) -> Result<Arc<KnownTopic>, Refused> {
        if self.shared.closing.is_closed() {
            return Err(Refused::Failed(self.shared.closing.error()));
        }
        let topic = self.shared.topics.get(name);
        let topic = topic.ok_or_else(|| self.wait(Need::Topic(name.to_owned())))?;
        topic.note_use();
        Ok(topic)
    }

    fn enqueue_to(
        &self,
        topic: &Arc<KnownTopic>,
        record: &ProducerRecord<'_>,
        now: impl FnOnce() -> i64,
    ) -> Result<Delivery, Refused> {
        let size = record.size();
        if size > self.shared.config.max_request_size {
            return Err(self.not_taken(NotTaken::TooLarge, topic, size));
        }
        let accumulator = self.choose(topic, record.partition, record.key)?;
        self.reserve(size)?;
        let timestamp = record.timestamp.unwrap_or_else(now);
        accumulator
            .append(&self.shared.intake, record, timestamp, size, Instant::now)
            .map_err(|reason| {
                self.shared.budget.release(size);
                self.not_taken(reason, topic, size)
            })
    }

    fn choose(
        &self,
        topic: &Arc<KnownTopic>,
        partition: Option<i32>,
        key: Option<&[u8]>,
    ) -> Result<Arc<Accumulator>, Refused> {
        topic
            .choose(partition, key, self.shared.config.partitioner)
            .map_err(|error| match partition {
                // The topic may have grown since it was looked at.
                Some(partition @ 0..) => self.wait(Need::Partition(Arc::clone(topic), partition)),
                _ => Refused::Failed(error),
            })
    }

    fn reserve(&self, bytes: usize) -> Result<(), Refused> {
        if self.shared.budget.reserve(bytes) {
            Ok(())
        } else {
            Err(self.wait(Need::Room(bytes)))
        }
    }

    fn not_taken(&self, reason: NotTaken, topic: &KnownTopic, size: usize) -> Refused {
        match reason {
            NotTaken::Shut if self.shared.closing.is_closed() => {
                Refused::Failed(self.shared.closing.error())
            }
            // It was forgotten just now, or the partition went with the topic that it was of.
            NotTaken::Shut => self.wait(Need::Topic(topic.name.to_string())),
            NotTaken::TooLarge => Refused::Failed(ClientError::TooLarge {
                topic: Arc::clone(&topic.name),
                size,
                limit: self.shared.config.max_request_size,
            }),
        }
    }

    fn wait(&self, need: Need) -> Refused {
        Refused::Wait(ProducerWait {
            shared: Arc::clone(&self.shared),
            need,
        })
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.closing.close();
        self.sender.abort();
        // The task fails what is left as it goes.
    }
}
