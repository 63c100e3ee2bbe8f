//! Who is found, and what is said if nobody is.

use std::time::Duration;

use kafkalite_coordination::session::{Ensemble, EnsembleSettings, ZooKeeperError};
use tokio::net::TcpListener;

use super::server::{LONG, Place, Server, ensemble};

fn impatient(address: &str) -> Ensemble {
    let settings = EnsembleSettings {
        connect_timeout: Duration::from_millis(300),
        ..EnsembleSettings::default()
    };
    Ensemble::new(address, settings).unwrap()
}

/// As a consumer connects, which makes no chroot.
fn consumer(address: &str) -> Ensemble {
    let settings = EnsembleSettings {
        connect_timeout: LONG,
        ..EnsembleSettings::default()
    };
    Ensemble::new(address, settings).unwrap()
}

/// A port where nobody listens.
async fn deserted() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_there_is_named_with_how_long_was_tried() {
    let (one, two) = (deserted().await, deserted().await);
    let said = impatient(&format!("{one},{two}/kafka"))
        .connect()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with(&format!(
            "no ZooKeeper answers at {one},{two}, tried for 0."
        )),
        "{said}"
    );
    for server in [one, two] {
        assert!(
            said.contains(&format!("{server}: Connection refused")),
            "{said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_there_and_is_not_zookeeper_is_told_from_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let said = impatient(&address).connect().await.unwrap_err().to_string();
    assert!(
        said.contains("somebody listens, but begins no session: it is not ZooKeeper"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_living_server_of_two_is_enough() {
    let Some(server) = Server::start() else {
        return;
    };
    for address in [
        format!("{},{}", deserted().await, server.address()),
        format!("{},{}", server.address(), deserted().await),
    ] {
        let session = ensemble(&address, LONG).connect().await.unwrap();
        session.ensure("/there").await.unwrap();
        session.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chroot_that_is_missing_is_told_to_a_consumer_and_made_for_a_broker() {
    let Some(place) = Place::new() else { return };
    let address = format!("{}/deeper/down", place.address());
    let error = consumer(&address).connect().await.unwrap_err();
    assert!(
        matches!(&error, ZooKeeperError::NoChroot { chroot, .. } if chroot.ends_with("/deeper/down")),
        "{error}"
    );
    assert!(error.to_string().contains("has no node /test-"), "{error}");

    let broker = ensemble(&address, LONG).connect().await.unwrap();
    broker.ensure("/brokers/ids").await.unwrap();
    let consumer = consumer(&address).connect().await.unwrap();
    assert_eq!(
        consumer.children("/").await.unwrap(),
        Some(vec!["brokers".to_owned()])
    );
    let all = place.session().await;
    assert_eq!(
        all.children("/deeper/down/brokers").await.unwrap(),
        Some(vec!["ids".to_owned()])
    );
}
