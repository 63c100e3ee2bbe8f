//! Topics that are deleted, created again or not used any more, while clients go on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use kafkalite_client::{
    GroupConsumer, NewTopic, Producer, ProducerRecord, StartAt, Subscription, TopicPartition,
};
use support::{
    Kafka, Kafkalite, PATIENCE, Peer, admin, all, consumer, fresh, producer, read, settings, topic,
    until,
};
use tokio::runtime::Handle;

async fn send(producer: &Producer, topic: &str, value: &str) -> Option<i64> {
    let record = ProducerRecord {
        topic,
        value: Some(value.as_bytes()),
        ..Default::default()
    };
    let delivery = producer.send(&record).await.unwrap();
    delivery.wait().await.unwrap().offset
}

async fn topics(bootstrap: &str) -> Vec<String> {
    let found = admin(bootstrap).topics().await.unwrap();
    found.into_iter().map(|topic| topic.name).collect()
}

/// Gives a topic one partition more, and has the producer look at the cluster until it knows.
async fn grow(producer: &Producer, bootstrap: &str, topic: &str) {
    let total = producer.known_partition_count(topic).unwrap() + 1;
    let admin = admin(bootstrap);
    admin.create_partitions(topic, total as i32).await.unwrap();
    let known = async {
        while producer.known_partition_count(topic) != Some(total) {
            send(producer, topic, "x").await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kafkalite_keeps_a_deleted_topic_deleted() {
    stays_deleted(&Kafkalite::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_kafka_keeps_a_deleted_topic_deleted() {
    let Some(peer) = Kafka::start() else { return };
    stays_deleted(&peer).await;
}

/// Only a record for it brings it back, and that one is delivered.
async fn stays_deleted(peer: &impl Peer) {
    let bootstrap = peer.bootstrap();
    let (kept, gone) = (
        topic(&bootstrap, "kept", 1).await,
        topic(&bootstrap, "gone", 1).await,
    );
    let producer = producer(
        &bootstrap,
        &[("metadata.max.age.ms", "50"), ("linger.ms", "0")],
    );
    send(&producer, &kept, "x").await;
    send(&producer, &gone, "x").await;
    admin(&bootstrap).delete_topic(&gone).await.unwrap();
    // The first look finds it missing; what is found missing would be created by the next.
    grow(&producer, &bootstrap, &kept).await;
    grow(&producer, &bootstrap, &kept).await;
    assert!(!topics(&bootstrap).await.contains(&gone));
    assert_eq!(send(&producer, &gone, "y").await, Some(0));
    assert!(topics(&bootstrap).await.contains(&gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_a_partition_that_is_gone_does_not_bring_its_topic_back() {
    let peer = Kafkalite::start().await;
    let bootstrap = peer.bootstrap();
    let (kept, gone) = (
        topic(&bootstrap, "kept", 1).await,
        topic(&bootstrap, "gone", 2).await,
    );
    let settings = [
        ("metadata.max.age.ms", "50"),
        ("linger.ms", "0"),
        ("request.timeout.ms", "500"),
        ("delivery.timeout.ms", "1000"),
    ];
    let producer = producer(&bootstrap, &settings);
    send(&producer, &kept, "x").await;
    let to_the_second = ProducerRecord {
        topic: &gone,
        partition: Some(1),
        value: Some(b"x"),
        ..Default::default()
    };
    let sent = producer.send(&to_the_second).await.unwrap();
    sent.wait().await.unwrap();
    let admin = admin(&bootstrap);
    admin.delete_topic(&gone).await.unwrap();
    admin.create_topic(&NewTopic::new(&gone, 1)).await.unwrap();
    // Refused at once, or when its time is up, according to what the producer knows by then.
    if let Ok(Ok(sent)) =
        tokio::time::timeout(Duration::from_secs(2), producer.send(&to_the_second)).await
    {
        sent.wait().await.unwrap_err();
    }
    admin.delete_topic(&gone).await.unwrap();
    grow(&producer, &bootstrap, &kept).await;
    grow(&producer, &bootstrap, &kept).await;
    assert!(!topics(&bootstrap).await.contains(&gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_does_not_bring_back_what_it_matched() {
    let peer = Kafkalite::start().await;
    let bootstrap = peer.bootstrap();
    let prefix = fresh("matched");
    let pattern = Subscription::pattern(&format!("{prefix}-.")).unwrap();
    goes_on_without(&bootstrap, &prefix, pattern).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_subscribed_by_name_does_not_bring_back_what_was_deleted() {
    let peer = Kafkalite::start().await;
    let bootstrap = peer.bootstrap();
    let prefix = fresh("named");
    let names = ["a", "b"].map(|name| format!("{prefix}-{name}"));
    let by_name = Subscription::topics(names);
    goes_on_without(&bootstrap, &prefix, by_name).await;
}

/// A member of topics a and b: b is deleted, and a grows. That what is new of a is read shows that the member has looked.
async fn goes_on_without(bootstrap: &str, prefix: &str, to: Subscription) {
    let name = |letter: &str| format!("{prefix}-{letter}");
    let admin = admin(bootstrap);
    for letter in ["a", "b"] {
        let new = NewTopic::new(name(letter), 1);
        admin.create_topic(&new).await.unwrap();
    }
    let config = settings(bootstrap, prefix, &[("metadata.max.age.ms", "100")]);
    let member = GroupConsumer::new(config, &Handle::current()).unwrap();
    member.subscribe(to);
    let reads = async |wanted: &[(&str, i32)]| {
        let named =
            |(letter, partition): &(&str, i32)| TopicPartition::new(name(letter), *partition);
        let wanted: Vec<_> = wanted.iter().map(named).collect();
        let asking = async {
            while member.assignment() != wanted {
                member.next_batch(Duration::from_millis(10)).await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap();
    };
    reads(&[("a", 0), ("b", 0)]).await;
    admin.delete_topic(&name("b")).await.unwrap();
    reads(&[("a", 0)]).await;
    admin.create_partitions(&name("a"), 2).await.unwrap();
    reads(&[("a", 0), ("a", 1)]).await;
    admin.create_partitions(&name("a"), 3).await.unwrap();
    reads(&[("a", 0), ("a", 1), ("a", 2)]).await;
    assert!(!topics(bootstrap).await.contains(&name("b")));
    member.close(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_created_again_gets_everything_once_and_in_order() {
    again(&Kafkalite::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_created_again_in_apache_kafka() {
    let Some(peer) = Kafka::start() else { return };
    again(&peer).await;
}

/// What goes there first is several batches at once, behind each other, under sequences that the new topic has never heard of.
async fn again(peer: &impl Peer) {
    const COUNT: usize = 200;
    let bootstrap = peer.bootstrap();
    let name = topic(&bootstrap, "again", 3).await;
    let producer = producer(&bootstrap, &[("linger.ms", "0"), ("batch.size", "100")]);
    for _ in 0..30 {
        send(&producer, &name, "before").await;
    }
    let admin = admin(&bootstrap);
    admin.delete_topic(&name).await.unwrap();
    admin.create_topic(&NewTopic::new(&name, 1)).await.unwrap();
    for number in 0..COUNT {
        let value = number.to_string();
        let record = ProducerRecord {
            topic: &name,
            partition: Some(0),
            value: Some(value.as_bytes()),
            ..Default::default()
        };
        producer.send(&record).await.unwrap();
    }
    producer.flush().await.unwrap();
    let consumer = consumer(&bootstrap, &[]);
    consumer.assign(all(&name, 1, StartAt::Beginning));
    for (number, (_, offset, value)) in read(&consumer, COUNT).await.into_iter().enumerate() {
        assert_eq!(
            (offset, value),
            (number as i64, number.to_string().into_bytes())
        );
    }
    // It has one partition now, and every key goes there.
    for key in ["a", "b", "c", "d", "e", "f"] {
        let record = ProducerRecord {
            topic: &name,
            key: Some(key.as_bytes()),
            ..Default::default()
        };
        let delivery = producer.send(&record).await.unwrap();
        assert_eq!(delivery.wait().await.unwrap().partition, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_used_is_forgotten_and_known_again_when_it_is() {
    let peer = Kafkalite::start().await;
    let bootstrap = peer.bootstrap();
    let names: Vec<_> = (0..50).map(|_| fresh("idle")).collect();
    let settings = [("metadata.max.idle.ms", "20"), ("linger.ms", "0")];
    let producer = producer(&bootstrap, &settings);
    for round in 0..3 {
        for name in &names {
            // Its first sequence is 0 again, which must not be taken for a repetition.
            assert_eq!(send(&producer, name, "x").await, Some(round));
        }
        let forgotten = || {
            let known = |name: &String| producer.known_partition_count(name).is_some();
            !names.iter().any(known)
        };
        until("every topic is forgotten", forgotten).await;
    }
}
