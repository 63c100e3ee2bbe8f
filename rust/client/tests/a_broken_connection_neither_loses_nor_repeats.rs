//! Connections that are cut in the middle, and brokers that restart: every record arrives once, in order.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kafkalite_client::{ProducerRecord, StartAt};
use support::{
    Kafka, Kafkalite, PATIENCE, Peer, Proxy, all, consumer, next, producer, read, topic,
};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_with_kafkalite() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Kafkalite::advertising(Some(&listener.local_addr().unwrap().to_string())).await;
    let proxy = Proxy::forward(listener, peer.bootstrap());
    cut_connections(&proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_with_apache_kafka() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let Some(peer) = Kafka::advertising(Some(&listener.local_addr().unwrap().to_string())) else {
        return;
    };
    let proxy = Proxy::forward(listener, peer.bootstrap());
    cut_connections(&proxy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_kafkalite() {
    restart(Kafkalite::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_apache_kafka() {
    let Some(peer) = Kafka::start() else { return };
    restart(peer).await;
}

/// Publishes through a network that breaks again and again, and reads through it as well.
async fn cut_connections(proxy: &Proxy) {
    const COUNT: u32 = 100_000;
    let topic = topic(&proxy.address, "cut", 2).await;
    let done = Arc::new(AtomicBool::new(false));
    let publish = async {
        let settings = [
            ("batch.size", "2000"),
            ("linger.ms", "0"),
            ("retry.backoff.ms", "5"),
        ];
        let producer = producer(&proxy.address, &settings);
        for number in 0..COUNT {
            let value = number.to_be_bytes();
            let partition = Some((number % 2) as i32);
            let record = ProducerRecord {
                topic: &topic,
                partition,
                value: Some(&value),
                ..Default::default()
            };
            producer.send(&record).await.unwrap();
        }
        producer.close(PATIENCE).await.unwrap();
        done.store(true, Ordering::Relaxed);
    };
    let consumer = consumer(
        &proxy.address,
        &[("reconnect.backoff.ms", "5"), ("retry.backoff.ms", "5")],
    );
    consumer.assign(all(&topic, 2, StartAt::Beginning));
    let consume = async {
        let mut expected = [0, 1_u32];
        while expected.iter().any(|number| *number < COUNT) {
            let batch = next(&consumer).await;
            for record in batch.records() {
                let number = u32::from_be_bytes(record.unwrap().value.unwrap().try_into().unwrap());
                let partition = batch.partition() as usize;
                assert_eq!(number, expected[partition], "each once, in order");
                expected[partition] += 2;
            }
        }
    };
    let cut = async {
        while !done.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            proxy.cut();
        }
    };
    tokio::join!(publish, consume, cut);
    assert!(
        proxy.connections.load(Ordering::Relaxed) > 6,
        "connections were cut and made again"
    );
}

/// The broker restarts while records are being published and read.
async fn restart(mut peer: impl Peer) {
    let topic = topic(&peer.bootstrap(), "restart", 1).await;
    let producer = producer(&peer.bootstrap(), &[("linger.ms", "0")]);
    let consumer = consumer(&peer.bootstrap(), &[]);
    consumer.assign(all(&topic, 1, StartAt::Beginning));
    let send = async |number: u32| {
        let value = number.to_be_bytes();
        let record = ProducerRecord {
            topic: &topic,
            value: Some(&value),
            ..Default::default()
        };
        producer.send(&record).await.unwrap()
    };
    for number in 0..100 {
        send(number).await;
    }
    producer.flush().await.unwrap();
    let before = read(&consumer, 100).await;
    let during = async {
        for number in 100..200 {
            send(number).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::join!(peer.restart(), during);
    for number in 200..300 {
        send(number).await;
    }
    let last = send(300).await.wait().await.unwrap();
    assert_eq!(last.offset, Some(300));
    let after = read(&consumer, 201).await;
    let values: Vec<_> = before
        .iter()
        .chain(&after)
        .map(|(_, _, value)| u32::from_be_bytes(value[..].try_into().unwrap()))
        .collect();
    assert_eq!(values, (0..=300).collect::<Vec<_>>());
    producer.close(PATIENCE).await.unwrap();
}
