//! Brokers to test against, kafkalite's and Apache Kafka's, and what all tests do with them.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod kafka;
mod kafkalite;
mod member;
mod proxy;
mod raw;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kafkalite_client::{
    Admin, AdminConfig, Batch, Consumer, ConsumerConfig, NewTopic, Producer, ProducerConfig,
    StartAt, TopicPartition,
};
use tokio::runtime::Handle;

pub(crate) use kafka::Kafka;
pub(crate) use kafkalite::Kafkalite;
pub(crate) use member::{Member, settings, until, until_shared};
pub(crate) use proxy::Proxy;
pub(crate) use raw::Raw;

/// Long enough for a loaded machine; nothing waits for it unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A broker that can be stopped and started again with its data.
pub(crate) trait Peer {
    fn bootstrap(&self) -> String;
    async fn restart(&mut self);
}

/// A topic's name that no other test uses.
pub(crate) fn fresh(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{name}-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

pub(crate) fn admin(bootstrap: &str) -> Admin {
    Admin::new(AdminConfig::from_pairs([("bootstrap.servers", bootstrap)]).unwrap()).unwrap()
}

pub(crate) fn producer(bootstrap: &str, settings: &[(&str, &str)]) -> Producer {
    let mut config = ProducerConfig::from_pairs([("bootstrap.servers", bootstrap)]).unwrap();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    Producer::new(config, &Handle::current()).unwrap()
}

pub(crate) fn consumer(bootstrap: &str, settings: &[(&str, &str)]) -> Consumer {
    let mut config = ConsumerConfig::from_pairs([("bootstrap.servers", bootstrap)]).unwrap();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    Consumer::new(config, &Handle::current()).unwrap()
}

/// A new topic with this many partitions.
pub(crate) async fn topic(bootstrap: &str, name: &str, partitions: i32) -> String {
    let name = fresh(name);
    admin(bootstrap)
        .create_topic(&NewTopic::new(&name, partitions))
        .await
        .unwrap();
    name
}

/// All partitions of a topic, each from the same start.
pub(crate) fn all(topic: &str, partitions: i32, start: StartAt) -> Vec<(TopicPartition, StartAt)> {
    (0..partitions)
        .map(|number| (TopicPartition::new(topic, number), start))
        .collect()
}

/// The next batch, which has to come.
pub(crate) async fn next(consumer: &Consumer) -> Batch {
    match consumer.next_batch(PATIENCE).await.unwrap() {
        Some(batch) => batch,
        None => panic!("nothing came: {:?}", consumer.trouble()),
    }
}

/// Reads until `count` records came: partition, offset and value of each.
pub(crate) async fn read(consumer: &Consumer, count: usize) -> Vec<(i32, i64, Vec<u8>)> {
    let mut records = Vec::new();
    while records.len() < count {
        let batch = next(consumer).await;
        for record in batch.records() {
            let record = record.unwrap();
            records.push((
                batch.partition(),
                record.offset,
                record.value.unwrap_or_default().to_vec(),
            ));
        }
    }
    records
}
