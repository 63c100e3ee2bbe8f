//! A producer that is closed, or dropped, while records are on their way: each of them is reported.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use kafkalite_client::{ClientError, Delivery, Producer, ProducerRecord};
use support::{Kafkalite, PATIENCE, Peer, Proxy, producer, topic};
use tokio::net::TcpListener;

/// A producer with one record delivered and one that was sent and is never answered.
async fn with_one_in_flight(proxy: &Proxy) -> (Producer, Delivery) {
    let topic = topic(&proxy.address, "silent", 1).await;
    let producer = producer(&proxy.address, &[("linger.ms", "0")]);
    let record = ProducerRecord {
        topic: &topic,
        value: Some(b"x"),
        ..Default::default()
    };
    producer.send(&record).await.unwrap().wait().await.unwrap();
    proxy.stall();
    let sent = producer.send(&record).await.unwrap();
    let swallowed = async {
        while proxy.swallowed() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, swallowed).await.unwrap();
    (producer, sent)
}

async fn stalling() -> (Kafkalite, Proxy) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = Kafkalite::advertising(Some(&listener.local_addr().unwrap().to_string())).await;
    let proxy = Proxy::forward(listener, peer.bootstrap());
    (peer, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_not_answered_is_reported_by_close() {
    let (_peer, proxy) = stalling().await;
    let (producer, sent) = with_one_in_flight(&proxy).await;
    let error = producer.close(Duration::from_millis(50)).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Undelivered { count: 1, .. }),
        "{error}"
    );
    assert!(matches!(sent.result(), Some(Err(ClientError::Closed(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_flushes_while_another_closes_is_not_told_that_all_is_delivered() {
    let (_peer, proxy) = stalling().await;
    let (producer, _sent) = with_one_in_flight(&proxy).await;
    let (flushed, closed) =
        tokio::join!(producer.flush(), producer.close(Duration::from_millis(50)));
    assert!(flushed.is_err());
    // One of them reports the failure, whoever comes first; neither is silent.
    assert!(closed.is_err() || matches!(flushed, Err(ClientError::Undelivered { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_producer_leaves_nobody_waiting() {
    let (_peer, proxy) = stalling().await;
    let (producer, sent) = with_one_in_flight(&proxy).await;
    drop(producer);
    let settled = tokio::time::timeout(PATIENCE, sent.wait()).await.unwrap();
    assert!(matches!(settled, Err(ClientError::Closed(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_was_cancelled_is_carried_on_by_the_next() {
    let (_peer, proxy) = stalling().await;
    let (producer, sent) = with_one_in_flight(&proxy).await;
    let cancelled = tokio::time::timeout(Duration::from_millis(20), producer.close(PATIENCE)).await;
    assert!(cancelled.is_err(), "nothing is answered, so it waits");
    producer.close(Duration::from_millis(20)).await.unwrap_err();
    assert!(sent.is_done());
    producer.close(PATIENCE).await.unwrap();
}
