//! Consumers of a group over ZooKeeper divide its topics among themselves, whoever comes and goes (P14 to P17 of the paper): with a
//! real ZooKeeper, on brokers of ours and of Kafka 1.1.1, alone and beside the consumer of Kafka 1.1.1.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod old;
mod place;
mod reader;
#[allow(dead_code, reason = "another crate's tests use the rest")]
#[path = "../../../coordination/tests/zookeeper/server.rs"]
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use old::{OldBroker, OldConsumer};
use place::{PARTITIONS, Place};
use reader::until;
use tokio::runtime::Runtime;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn consumers_come_and_go_and_each_message_is_read_once() {
    let Some(place) = Place::new().await else {
        return;
    };
    place.publish(10).await;
    let first = place.join(1, "6000").await;
    place.divided_among(1).await;
    until("it reads all", || first.count() == 60).await;
    let second = place.join(2, "6000").await;
    place.divided_among(2).await;
    place.publish(10).await;
    until("both read", || first.count() + second.count() == 120).await;
    assert!(second.count() > 0, "it has streams of its own");
    let mut seen = first.close().await;
    place.divided_among(1).await;
    place.publish(10).await;
    until("the other goes on", || seen.len() + second.count() == 180).await;
    seen.extend(second.close().await);
    let distinct: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(
        (seen.len(), distinct.len()),
        (180, 180),
        "nothing comes twice"
    );
    assert_eq!(place.committed().await, [Some(30); PARTITIONS as usize]);
    assert_eq!(place.owners().await, BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_handed_out_while_the_session_may_be_over_and_then_it_is_taken_up_anew() {
    let Some(place) = Place::new().await else {
        return;
    };
    place.publish(10).await;
    let reader = place.join(1, "1000").await;
    until("it reads all", || reader.count() == 60).await;
    place.server.signal("-STOP");
    // Longer than the session lasts by anybody's clock.
    sleep(Duration::from_millis(1500)).await;
    place.publish(10).await;
    sleep(Duration::from_millis(500)).await;
    let meanwhile = reader.count();
    place.server.signal("-CONT");
    until("it goes on", || reader.count() >= 120).await;
    assert_eq!(meanwhile, 60, "it may have been another's");
    let seen: BTreeSet<_> = reader.close().await.into_iter().collect();
    assert_eq!(seen.len(), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dies_is_followed_from_what_it_had_committed() {
    let Some(place) = Place::new().await else {
        return;
    };
    let place = Arc::new(place);
    place.publish(10).await;
    let doomed = Runtime::new().unwrap();
    let joined = {
        let place = Arc::clone(&place);
        doomed.spawn(async move { place.join(1, "1000").await })
    };
    let first = joined.await.unwrap();
    let second = place.join(1, "1000").await;
    place.divided_among(2).await;
    until("both read", || first.count() + second.count() >= 60).await;
    doomed.shutdown_background();
    place.publish(10).await;
    place.divided_among(1).await;
    let all = || -> BTreeSet<_> { first.seen().into_iter().chain(second.seen()).collect() };
    until("the other takes over", || all().len() == 120).await;
    let repeated = first.count() + second.count() - all().len();
    second.close().await;
    assert!(
        repeated <= 30,
        "what was not committed yet, at the most: {repeated}"
    );
    assert_eq!(place.committed().await, [Some(20); PARTITIONS as usize]);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_a_node_harms_what_it_is_about_and_nothing_else() {
    let Some(place) = Place::new().await else {
        return;
    };
    let session = &place.session;
    place.publish(10).await;
    let owner = place.paths.owner(&place.topic, 0);
    session.create(&owner, b"nobody").await.unwrap();
    let offset = place.paths.offset(&place.topic, 1);
    session.create(&offset, b"abc").await.unwrap();
    let member = format!("{}/garbage", place.paths.ids());
    session.create(&member, b"{").await.unwrap();
    let reader = place.join(1, "6000").await;
    until("the others are read", || reader.count() >= 40).await;
    session.delete(&owner, None).await.unwrap();
    until("it is owned when it can be", || reader.count() >= 50).await;
    let seen = reader.close().await;
    assert!(
        seen.iter().all(|(partition, _)| *partition != 1),
        "nobody knows where"
    );
    assert_eq!(session.get(&offset).await.unwrap().unwrap().data, b"abc");
}

#[tokio::test(flavor = "multi_thread")]
async fn they_divide_with_the_old_consumer_on_a_broker_of_ours() {
    let Some(place) = Place::new().await else {
        return;
    };
    beside_the_old_consumer(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_divide_with_the_old_consumer_on_its_own_broker() {
    let Some(server) = server::Server::start() else {
        return;
    };
    let Some(broker) = OldBroker::start(&server.address()) else {
        return;
    };
    let place = Place::of(server, broker.address()).await;
    beside_the_old_consumer(&place).await;
}

/// Joins, leaves and a death: each time all is divided as both kinds compute it, and every message is read.
async fn beside_the_old_consumer(place: &Place) {
    place.publish(10).await;
    let ours = place.join(2, "6000").await;
    place.divided_among(1).await;
    until("ours reads all", || ours.count() == 60).await;
    let Some(old) = OldConsumer::start(&place.server.address(), &place.topic) else {
        return;
    };
    place.divided_among(2).await;
    place.publish(10).await;
    until("both read", || ours.count() + old.count() >= 120).await;
    assert!(ours.count() > 60 && old.count() > 0, "both own some");
    let third = place.join(1, "6000").await;
    place.divided_among(3).await;
    place.publish(10).await;
    let all = || ours.count() + third.count() + old.count();
    until("three read", || all() >= 180).await;
    assert_eq!(all(), 180, "orderly changes repeat nothing");
    let before = old.kill();
    place.publish(10).await;
    place.divided_among(2).await;
    until("the others take over", || {
        ours.count() + third.count() + before >= 240
    })
    .await;
    ours.close().await;
    place.divided_among(1).await;
    third.close().await;
    assert_eq!(place.committed().await, [Some(40); PARTITIONS as usize]);
}
