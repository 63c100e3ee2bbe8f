//! A broker and its clients in one world: its clock is turned by hand, its dice fall the same way again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use kafkalite_client::{
    Admin, AdminConfig, Consumer, ConsumerConfig, GroupConsumer, NewTopic, Producer,
    ProducerConfig, ProducerRecord, StartAt, Subscription,
};
use kafkalite_world::{Dice, ManualClock, World};
use support::{Kafkalite, PATIENCE, Peer, all, fresh, next};
use tokio::runtime::Handle;

/// 2100-03-01: a broker of our days refuses what comes from there.
const FUTURE: i64 = 4_107_542_400_000;

/// 2001-03-07.
const PAST: i64 = 983_923_200_000;

fn producer(world: &World, bootstrap: &str, settings: &[(&str, &str)]) -> Producer {
    let mut config = ProducerConfig::from_pairs([("bootstrap.servers", bootstrap)]).unwrap();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    Producer::new_in(config, world, &Handle::current()).unwrap()
}

async fn topic(world: &World, bootstrap: &str, partitions: i32) -> String {
    let config = AdminConfig::from_pairs([("bootstrap.servers", bootstrap)]).unwrap();
    let (admin, name) = (Admin::new_in(config, world).unwrap(), fresh("worldly"));
    admin
        .create_topic(&NewTopic::new(&name, partitions))
        .await
        .unwrap();
    name
}

fn record(topic: &str) -> ProducerRecord<'_> {
    ProducerRecord {
        topic,
        value: Some(b"v"),
        ..ProducerRecord::default()
    }
}

fn in_year(now_ms: i64) -> (World, std::sync::Arc<ManualClock>) {
    let clock = ManualClock::at(now_ms);
    let world = World {
        clock: clock.clone(),
        ..World::real()
    };
    (world, clock)
}

#[tokio::test]
async fn records_without_a_timestamp_get_the_time_of_the_world() {
    let (world, clock) = in_year(FUTURE);
    let broker = Kafkalite::start_in(&world, &[]).await;
    let bootstrap = broker.bootstrap();
    let topic = topic(&world, &bootstrap, 1).await;
    let producer = producer(&world, &bootstrap, &[]);
    let first = producer.send(&record(&topic)).await.unwrap();
    assert_eq!(first.wait().await.unwrap().timestamp, FUTURE);
    clock.advance(Duration::from_hours(1));
    let set = [record(&topic), record(&topic)];
    producer.send_set(&topic, None, None, &set).await.unwrap();
    producer.flush().await.unwrap();

    let pairs = [("bootstrap.servers", &*bootstrap), ("group.id", "g")];
    let mut config = ConsumerConfig::from_pairs(pairs).unwrap();
    config.set("auto.offset.reset", "earliest").unwrap();
    let consumer = Consumer::new_in(config.clone(), &world, &Handle::current()).unwrap();
    consumer.assign(all(&topic, 1, StartAt::Timestamp(FUTURE + 1)));
    let batch = next(&consumer).await;
    let times: Vec<_> = batch.records().map(|it| it.unwrap().timestamp).collect();
    assert_eq!(times, [FUTURE + 3_600_000; 2]);

    let member = GroupConsumer::new_in(config, &world, &Handle::current()).unwrap();
    member.subscribe(Subscription::topics([&*topic]));
    let batch = member.next_batch(PATIENCE).await.unwrap().unwrap();
    let first = batch.records().next().unwrap().unwrap();
    assert_eq!(first.timestamp, FUTURE);
    member.close(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_refusal_of_a_records_time_counts_from_the_time_of_the_world() {
    let (world, _) = in_year(PAST);
    let broker = Kafkalite::start_in(&world, &[]).await;
    let topic = topic(&world, &broker.bootstrap(), 1).await;
    let producer = producer(&world, &broker.bootstrap(), &[]);
    let tomorrow = ProducerRecord {
        timestamp: Some(PAST + 86_400_000),
        ..record(&topic)
    };
    let refused = producer.send(&tomorrow).await.unwrap().wait().await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("further after now"), "{told}");
}

/// Where a producer with these dice sends records without a key, each in a batch of its own.
async fn chosen(seed: u64, partitioner: &str) -> Vec<i32> {
    let world = World {
        dice: Dice::seeded(seed),
        ..World::real()
    };
    let broker = Kafkalite::start_in(&World::real(), &[]).await;
    let topic = topic(&World::real(), &broker.bootstrap(), 8).await;
    let settings = [("partitioner", partitioner)];
    let producer = producer(&world, &broker.bootstrap(), &settings);
    let mut chosen = Vec::new();
    for _ in 0..20 {
        let delivery = producer.send(&record(&topic)).await.unwrap();
        chosen.push(delivery.partition());
        producer.flush().await.unwrap();
    }
    chosen
}

#[tokio::test]
async fn where_records_without_a_key_go_comes_again_from_the_seed() {
    for partitioner in ["default", "random"] {
        let first = chosen(7, partitioner).await;
        assert_eq!(chosen(7, partitioner).await, first, "{partitioner}");
        assert_ne!(chosen(8, partitioner).await, first, "{partitioner}");
    }
}
