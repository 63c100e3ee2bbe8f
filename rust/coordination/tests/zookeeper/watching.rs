//! Nodes that are watched: no change is missed.

use std::time::Duration;

use kafkalite_coordination::session::ZooKeeperError;
use tokio::time::timeout;

use super::network::Network;
use super::server::{LONG, Place, Server, ensemble};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_told_as_it_is_and_as_it_becomes() {
    let Some(place) = Place::new() else { return };
    let (watcher, writer) = (place.session().await, place.session().await);
    let mut watch = watcher.watch_node("/a/b");
    assert_eq!(watch.next().await.unwrap(), None);
    writer.create("/a/b", b"1").await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().data, b"1");
    writer.set("/a/b", b"2", 0).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().data, b"2");
    writer.delete("/a/b", None).await.unwrap();
    assert_eq!(watch.next().await.unwrap(), None);
    writer.create("/a/b", b"3").await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap().data, b"3");
}

#[tokio::test(flavor = "multi_thread")]
async fn children_are_told_when_they_come_and_when_their_parent_does() {
    let Some(place) = Place::new() else { return };
    let (watcher, writer) = (place.session().await, place.session().await);
    let mut watch = watcher.watch_children("/ids");
    assert_eq!(watch.next().await.unwrap(), None);
    writer.register("/ids/b", b"").await.unwrap();
    let mut seen = watch.next().await.unwrap();
    while seen != Some(vec!["b".to_owned()]) {
        seen = watch.next().await.unwrap();
    }
    writer.register("/ids/a", b"").await.unwrap();
    assert_eq!(
        watch.next().await.unwrap(),
        Some(vec!["a".to_owned(), "b".to_owned()])
    );
    writer.close().await;
    while watch.next().await.unwrap() != Some(vec![]) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_nobody_waits_is_told_afterwards() {
    let Some(place) = Place::new() else { return };
    let (watcher, writer) = (place.session().await, place.session().await);
    writer.create("/n", b"0").await.unwrap();
    let mut watch = watcher.watch_node("/n");
    watch.next().await.unwrap();
    for version in 0..5 {
        writer
            .set("/n", (version + 1).to_string().as_bytes(), version)
            .await
            .unwrap();
    }
    let mut node = watch.next().await.unwrap().unwrap();
    while node.version < 5 {
        node = watch.next().await.unwrap().unwrap();
    }
    assert_eq!(node.data, b"5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_is_given_up_loses_nothing() {
    let Some(place) = Place::new() else { return };
    let (watcher, writer) = (place.session().await, place.session().await);
    let mut watch = watcher.watch_children("/");
    watch.next().await.unwrap();
    for number in 0..50 {
        // Given up at every moment of waiting and reading.
        let _ = timeout(Duration::from_micros(number * 40), watch.next()).await;
        writer.create(&format!("/{number:02}"), b"").await.unwrap();
        let _ = timeout(Duration::from_micros(number * 40), watch.next()).await;
    }
    writer.create("/end", b"").await.unwrap();
    while watch.next().await.unwrap().unwrap().len() < 51 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_outlive_the_connection_and_tell_what_was_missed() {
    let Some(server) = Server::start() else {
        return;
    };
    let network = Network::before(server.address()).await;
    let watcher = ensemble(network.address(), LONG).connect().await.unwrap();
    let writer = server.ensemble(LONG).connect().await.unwrap();
    writer.create("/ids/a", b"").await.unwrap();
    let mut node = watcher.watch_node("/n");
    let mut children = watcher.watch_children("/ids");
    assert_eq!(node.next().await.unwrap(), None);
    children.next().await.unwrap();
    network.cut();
    writer.create("/n", b"1").await.unwrap();
    writer.create("/ids/b", b"").await.unwrap();
    network.mend();
    assert_eq!(node.next().await.unwrap().unwrap().data, b"1");
    assert_eq!(children.next().await.unwrap().unwrap(), ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_a_session_that_is_over_says_so() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    let mut watch = session.watch_children("/");
    watch.next().await.unwrap();
    session.close().await;
    let over = watch.next().await;
    assert!(
        matches!(over, Err(ZooKeeperError::SessionEnded { .. })),
        "{over:?}"
    );
}
