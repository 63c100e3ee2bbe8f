//! What becomes of one batch is not what becomes of the others: given up, too large, or held up by a full buffer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use kafkalite_client::{Delivery, ErrorCode, NewTopic, Producer, ProducerRecord, Refused, StartAt};
use support::{
    Kafka, Kafkalite, PATIENCE, Peer, Proxy, admin, all, consumer, fresh, producer, read, topic,
};
use tokio::net::TcpListener;

async fn behind_a_proxy() -> (Kafkalite, Proxy) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Kafkalite::advertising(Some(&listener.local_addr().unwrap().to_string())).await;
    let proxy = Proxy::forward(listener, peer.bootstrap());
    (peer, proxy)
}

async fn send(producer: &Producer, topic: &str, value: &[u8]) -> Delivery {
    let record = ProducerRecord {
        topic,
        partition: Some(0),
        value: Some(value),
        ..Default::default()
    };
    producer.send(&record).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_is_given_up_does_not_hang_up_the_connection_of_the_others() {
    let (_peer, proxy) = behind_a_proxy().await;
    let topic = topic(&proxy.address, "slow", 1).await;
    let settings = [("linger.ms", "0"), ("delivery.timeout.ms", "1000")];
    let producer = producer(&proxy.address, &settings);
    send(&producer, &topic, b"first")
        .await
        .wait()
        .await
        .unwrap();
    let connections = proxy.connections.load(Ordering::Relaxed);
    proxy.hold(true);
    let error = send(&producer, &topic, b"held")
        .await
        .wait()
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("delivery.timeout.ms=1000") && said.contains("sent and is not answered"),
        "{said}"
    );
    proxy.hold(false);
    // The network is slow, not broken: what was given up was written, and what follows it goes the same way.
    let mut offset = None;
    while offset.is_none() {
        let delivery = send(&producer, &topic, b"next").await;
        offset = delivery.wait().await.ok().and_then(|it| it.offset);
    }
    assert!(offset >= Some(2), "{offset:?}");
    assert_eq!(proxy.connections.load(Ordering::Relaxed), connections);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_buffer_makes_senders_wait_and_takes_no_more_than_it_holds() {
    const SIZE: usize = 1000;
    let (_peer, proxy) = behind_a_proxy().await;
    let topic = topic(&proxy.address, "full", 1).await;
    let settings = [("buffer.memory", "20000"), ("batch.size", "4000")];
    let producer = producer(&proxy.address, &settings);
    send(&producer, &topic, b"").await.wait().await.unwrap();
    proxy.hold(true);
    let value = [0; SIZE];
    let record = ProducerRecord {
        topic: &topic,
        value: Some(&value),
        ..Default::default()
    };
    let mut taken = 0;
    let wait = loop {
        match producer.enqueue(&record) {
            Ok(_) => taken += 1,
            Err(Refused::Wait(wait)) => break wait,
            Err(Refused::Failed(error)) => panic!("{error}"),
        }
    };
    assert!(
        taken * SIZE <= 20_000 && 20_000 < (taken + 1) * (SIZE + 100),
        "{taken}"
    );
    let mut waiting = std::pin::pin!(wait.ready());
    let early = tokio::time::timeout(Duration::from_millis(50), waiting.as_mut()).await;
    assert!(early.is_err(), "nothing was delivered, so nothing is free");
    proxy.hold(false);
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap()
        .unwrap();
    producer.close(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kafkalite_finds_too_large_is_split() {
    splits(&Kafkalite::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_apache_kafka_finds_too_large_is_split() {
    let Some(peer) = Kafka::start() else { return };
    splits(&peer).await;
}

async fn small_topic(bootstrap: &str) -> String {
    let topic = NewTopic {
        configs: vec![("max.message.bytes".to_owned(), "10000".to_owned())],
        ..NewTopic::new(fresh("small"), 1)
    };
    admin(bootstrap).create_topic(&topic).await.unwrap();
    topic.name
}

/// Several batches that are too large are in flight when the first is refused. Each record is written once, in order, and its
/// delivery tells where; those of one that is too large by itself, and of no other, fail.
async fn splits(peer: &impl Peer) {
    const COUNT: usize = 1000;
    const TOO_LARGE: usize = 700;
    let bootstrap = peer.bootstrap();
    for compression in ["none", "lz4"] {
        let topic = small_topic(&bootstrap).await;
        let settings = [
            ("batch.size", "100000"),
            ("linger.ms", "100"),
            ("compression.type", compression),
        ];
        let producer = producer(&bootstrap, &settings);
        let mut deliveries = Vec::new();
        let mut random = fastrand::Rng::with_seed(1);
        let values: Vec<Vec<u8>> = (0..COUNT)
            .map(|number| {
                let size = if number == TOO_LARGE { 20_000 } else { 900 };
                std::iter::repeat_with(|| random.u8(..))
                    .take(size)
                    .collect()
            })
            .collect();
        for value in &values {
            deliveries.push(send(&producer, &topic, value).await);
        }
        let mut offset = 0;
        for (number, delivery) in deliveries.iter().enumerate() {
            let settled = delivery.wait().await;
            if number == TOO_LARGE {
                let error = settled.unwrap_err();
                assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge), "{error}");
            } else {
                assert_eq!(
                    settled.unwrap().offset,
                    Some(offset),
                    "{compression} {number}"
                );
                offset += 1;
            }
        }
        let consumer = consumer(&bootstrap, &[]);
        consumer.assign(all(&topic, 1, StartAt::Beginning));
        let read = read(&consumer, COUNT - 1).await;
        let sent = values.iter().enumerate().filter(|(at, _)| *at != TOO_LARGE);
        for ((_, _, read), (number, sent)) in read.iter().zip(sent) {
            assert!(read == sent, "{number} of {compression}");
        }
        producer.close(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_set_is_written_whole_or_not_at_all() {
    let peer = Kafkalite::start().await;
    let bootstrap = peer.bootstrap();
    let topic = small_topic(&bootstrap).await;
    let producer = producer(&bootstrap, &[]);
    let value = [0; 1000];
    let record = ProducerRecord {
        topic: &topic,
        value: Some(&value),
        ..Default::default()
    };
    let set = [record; 20];
    let delivery = producer.send_set(&topic, Some(0), None, &set).await;
    let error = delivery.unwrap().wait().await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::MessageTooLarge), "{error}");
    let delivery = send(&producer, &topic, b"x").await;
    assert_eq!(delivery.wait().await.unwrap().offset, Some(0));
    producer.close(PATIENCE).await.unwrap();
}
