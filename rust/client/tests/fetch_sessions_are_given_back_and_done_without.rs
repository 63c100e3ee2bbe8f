//! Fetch sessions (KIP-227) are a broker's to give: who gets none reads all the same, and who has one gives it back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use kafkalite_client::{ProducerRecord, StartAt};
use kafkalite_wire::api::fetch::{FetchPartition, FetchRequest, FetchTopic};
use support::{Kafka, Kafkalite, PATIENCE, Peer, Raw, all, consumer, producer, read, topic};

const SLOTS: &str = "max.incremental.fetch.session.cache.slots";

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_kafkalite_that_gives_none_is_read() {
    let peer = Kafkalite::with_settings(&[(SLOTS, "0")]).await;
    everything_is_read(&peer.bootstrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_kafka_that_gives_none_is_read() {
    let Some(peer) = Kafka::with_setting(Some(&format!("{SLOTS}=0"))) else {
        return;
    };
    everything_is_read(&peer.bootstrap()).await;
}

async fn everything_is_read(bootstrap: &str) {
    let topic = topic(bootstrap, "sessionless", 2).await;
    let given = session_of_a_stranger(bootstrap, &topic).await;
    assert_eq!(given, 0, "there is none");
    let consumer = consumer(bootstrap, &[]);
    consumer.assign(all(&topic, 2, StartAt::Beginning));
    for round in 0..3 {
        for partition in 0..2 {
            publish(bootstrap, &topic, partition).await;
        }
        let messages = read(&consumer, 20).await;
        let mut offsets: Vec<_> = messages.iter().map(|it| (it.0, it.1)).collect();
        offsets.sort_unstable();
        let expected = |partition| (round * 10..round * 10 + 10).map(move |it| (partition, it));
        let expected: Vec<_> = expected(0).chain(expected(1)).collect();
        assert_eq!(offsets, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_closed_makes_room_for_another() {
    let peer = Kafkalite::with_settings(&[(SLOTS, "1")]).await;
    let bootstrap = peer.bootstrap();
    let topic = topic(&bootstrap, "sessions", 1).await;
    publish(&bootstrap, &topic, 0).await;
    for _ in 0..3 {
        let consumer = consumer(&bootstrap, &[]);
        consumer.assign(all(&topic, 1, StartAt::Beginning));
        read(&consumer, 10).await;
        let given = session_of_a_stranger(&bootstrap, &topic).await;
        assert_eq!(given, 0, "it is taken");
        consumer.close();
        consumer.ended().await;
    }
    assert_ne!(session_of_a_stranger(&bootstrap, &topic).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_does_not_wait_for_a_broker_that_is_gone() {
    let mut peer = Kafkalite::start().await;
    let topic = topic(&peer.bootstrap(), "gone", 1).await;
    publish(&peer.bootstrap(), &topic, 0).await;
    let consumer = consumer(&peer.bootstrap(), &[]);
    consumer.assign(all(&topic, 1, StartAt::Beginning));
    read(&consumer, 10).await;
    peer.stop().await;
    consumer.close();
    consumer.ended().await;
}

/// The session that the broker gives to somebody who asks for one at this moment; 0 for none.
async fn session_of_a_stranger(bootstrap: &str, topic: &str) -> i32 {
    let partition = FetchPartition {
        partition_max_bytes: 1,
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic: topic.to_owned(),
        partitions: vec![partition],
        ..FetchTopic::default()
    };
    let request = FetchRequest {
        session_epoch: 0,
        topics: vec![topic],
        ..FetchRequest::default()
    };
    let mut stranger = Raw::connect(bootstrap).await;
    stranger.ask(&request, 12).await.session_id
}

async fn publish(bootstrap: &str, topic: &str, partition: i32) {
    let producer = producer(bootstrap, &[]);
    let record = ProducerRecord {
        value: Some(b"x"),
        ..ProducerRecord::default()
    };
    let ten = vec![record; 10];
    let sent = producer.send_set(topic, Some(partition), None, &ten);
    sent.await.unwrap();
    producer.close(PATIENCE).await.unwrap();
}
