//! A million messages of 200 bytes in and out, over loopback, with kafkalite's broker in the same process.
//!
//! Producing goes through [`Producer::enqueue_many`] until every delivery is settled; consuming takes batches, walked and
//! not copied. Figures therefore hold broker and client together, on the same cores.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a benchmark"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kafkalite_broker::{Broker, BrokerConfig};
use kafkalite_client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, GroupConsumer, NewTopic, Producer,
    ProducerConfig, ProducerRecord, Refused, StartAt, Subscription, TopicPartition,
};
use tokio::runtime::Runtime;

const MESSAGES: usize = 1_000_000;
const VALUE: [u8; 200] = [7; 200];

fn benches(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let external = std::env::var("KAFKALITE_BOOTSTRAP_SERVERS").ok();
    let broker = external.is_none().then(|| {
        let mut config = BrokerConfig::new();
        config
            .set("log.dirs", directory.path().to_str().unwrap())
            .unwrap();
        config.set("listeners", "PLAINTEXT://127.0.0.1:0").unwrap();
        runtime.block_on(Broker::start(config)).unwrap()
    });
    let bootstrap = external.unwrap_or_else(|| broker.as_ref().unwrap().bootstrap_servers());
    let mut group = criterion.benchmark_group("a million messages of 200 bytes");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    for partitions in [1, 4] {
        let topic = format!("bench-{partitions}-{}", std::process::id());
        let admin =
            Admin::new(AdminConfig::from_pairs([("bootstrap.servers", &*bootstrap)]).unwrap())
                .unwrap();
        runtime
            .block_on(admin.create_topic(&NewTopic::new(&topic, partitions)))
            .unwrap();
        group.bench_function(format!("produce to {partitions}"), |bencher| {
            bencher.iter_custom(|rounds| {
                (0..rounds)
                    .map(|_| produce(&runtime, &bootstrap, &topic))
                    .sum()
            });
        });
        group.bench_function(format!("consume from {partitions}"), |bencher| {
            bencher.iter_custom(|rounds| {
                (0..rounds)
                    .map(|_| consume(&runtime, &bootstrap, &topic, partitions))
                    .sum()
            });
        });
        group.bench_function(format!("consume from {partitions} in a group"), |bencher| {
            bencher.iter_custom(|rounds| {
                (0..rounds)
                    .map(|_| consume_in_a_group(&runtime, &bootstrap, &topic))
                    .sum()
            });
        });
    }
    group.finish();
    if let Some(broker) = broker {
        runtime.block_on(broker.stop()).unwrap();
    }
}

fn produce(runtime: &Runtime, bootstrap: &str, topic: &str) -> Duration {
    let config = ProducerConfig::from_pairs([("bootstrap.servers", bootstrap)]).unwrap();
    let producer = Producer::new(config, runtime.handle()).unwrap();
    runtime.block_on(producer.partition_count(topic)).unwrap();
    let started = Instant::now();
    let record = ProducerRecord {
        topic,
        value: Some(&VALUE),
        ..ProducerRecord::default()
    };
    let mut records = std::iter::repeat_n(record, MESSAGES).peekable();
    while let Err(refused) = producer.enqueue_many(&mut records, drop) {
        match refused {
            Refused::Wait(wait) => runtime.block_on(wait.ready()).unwrap(),
            Refused::Failed(error) => panic!("{error}"),
        }
    }
    runtime.block_on(producer.flush()).unwrap();
    started.elapsed()
}

fn consume(runtime: &Runtime, bootstrap: &str, topic: &str, partitions: i32) -> Duration {
    let config = ConsumerConfig::from_pairs([("bootstrap.servers", bootstrap)]).unwrap();
    let consumer = Consumer::new(config, runtime.handle()).unwrap();
    let started = Instant::now();
    consumer.assign(
        (0..partitions).map(|number| (TopicPartition::new(topic, number), StartAt::Beginning)),
    );
    let mut count = 0;
    while count < MESSAGES {
        let batch = match consumer.try_next_batch() {
            Some(batch) => batch.unwrap(),
            None => runtime
                .block_on(consumer.next_batch(Duration::from_secs(10)))
                .unwrap()
                .unwrap(),
        };
        count += batch
            .into_layouts()
            .map(|layout| layout.unwrap().value.len() / VALUE.len())
            .sum::<usize>();
    }
    started.elapsed()
}

/// Each message is noted as consumed when the next one is looked at. Joining is part of the time.
fn consume_in_a_group(runtime: &Runtime, bootstrap: &str, topic: &str) -> Duration {
    static GROUPS: AtomicUsize = AtomicUsize::new(0);
    let group = format!("bench-{}", GROUPS.fetch_add(1, Ordering::Relaxed));
    let settings = [("bootstrap.servers", bootstrap), ("group.id", &*group)];
    let config = ConsumerConfig::from_pairs(settings).unwrap();
    let consumer = GroupConsumer::new(config, runtime.handle()).unwrap();
    let started = Instant::now();
    consumer.subscribe(Subscription::topics([topic]));
    let mut count = 0;
    while count < MESSAGES {
        let batch = match consumer.try_next_batch() {
            Some(batch) => batch.unwrap(),
            None => runtime
                .block_on(consumer.next_batch(Duration::from_secs(10)))
                .unwrap()
                .unwrap(),
        };
        let claim = Arc::clone(batch.claim().unwrap());
        for layout in batch.into_layouts() {
            let layout = layout.unwrap();
            count += layout.value.len() / VALUE.len();
            claim.consume(layout.offset + 1);
        }
    }
    let took = started.elapsed();
    runtime
        .block_on(consumer.close(Duration::from_secs(10)))
        .unwrap();
    took
}

criterion_group!(produce_and_consume, benches);
criterion_main!(produce_and_consume);
