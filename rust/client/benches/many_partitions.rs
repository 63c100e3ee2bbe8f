//! One message in and out, by a consumer that follows thousands of partitions: what a round of fetching costs because of those
//! that have no news. With twice the partitions it may take twice as long, not four times.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a benchmark"
)]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use kafkalite_broker::{Broker, BrokerConfig};
use kafkalite_client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, NewTopic, Producer, ProducerConfig,
    ProducerRecord, StartAt, TopicPartition,
};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_mins(2);

fn benches(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut config = BrokerConfig::new();
    config
        .set("log.dirs", directory.path().to_str().unwrap())
        .unwrap();
    config.set("listeners", "PLAINTEXT://127.0.0.1:0").unwrap();
    let broker = runtime.block_on(Broker::start(config)).unwrap();
    let bootstrap = broker.bootstrap_servers();
    let servers = [("bootstrap.servers", &*bootstrap)];
    let admin = Admin::new(AdminConfig::from_pairs(servers).unwrap()).unwrap();
    let producer = Producer::new(
        ProducerConfig::from_pairs(servers).unwrap(),
        runtime.handle(),
    )
    .unwrap();
    let mut group = criterion.benchmark_group("one message");
    group.sample_size(10);
    for partitions in [1000, 2000, 4000] {
        let topic = format!("t-{partitions}");
        runtime
            .block_on(admin.create_topic(&NewTopic::new(&topic, partitions)))
            .unwrap();
        let consumer = Consumer::new(
            ConsumerConfig::from_pairs(servers).unwrap(),
            runtime.handle(),
        )
        .unwrap();
        consumer.assign((0..partitions).map(|number| {
            let of = TopicPartition::new(&*topic, number);
            (of, StartAt::Beginning)
        }));
        group.bench_function(format!("of {partitions} partitions"), |bencher| {
            bencher.iter(|| runtime.block_on(in_and_out(&producer, &consumer, &topic)));
        });
        consumer.close();
    }
    group.finish();
    runtime.block_on(producer.close(PATIENCE)).unwrap();
    runtime.block_on(broker.stop()).unwrap();
}

async fn in_and_out(producer: &Producer, consumer: &Consumer, topic: &str) {
    let news = [ProducerRecord {
        value: Some(b"news"),
        ..ProducerRecord::default()
    }];
    let sent = producer.send_set(topic, Some(0), None, &news);
    sent.await.unwrap();
    consumer.next_batch(PATIENCE).await.unwrap().unwrap();
}

criterion_group!(many_partitions, benches);
criterion_main!(many_partitions);
