//! A broker whose directory is deleted next ends at once: nothing is flushed, and the directory is free.

#![allow(clippy::unwrap_used, reason = "a test")]
use kafkalite_broker::{Broker, BrokerConfig};

fn config(dir: &std::path::Path) -> BrokerConfig {
    let mut config = BrokerConfig::new();
    config.set("log.dirs", dir.to_str().unwrap()).unwrap();
    config.set("listeners", "PLAINTEXT://127.0.0.1:0").unwrap();
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_unlocked_and_not_marked_clean() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(config(dir.path())).await.unwrap();
    broker.create_topic("t", Some(3), []).await.unwrap();
    broker.discard().await.unwrap();
    broker.discard().await.unwrap();
    assert!(!dir.path().join(".kafka_cleanshutdown").exists());
    assert!(
        tokio::net::TcpStream::connect(broker.address())
            .await
            .is_err()
    );

    // Whoever keeps the directory after all can: the next start recovers it.
    let again = Broker::start(config(dir.path())).await.unwrap();
    assert_eq!(again.topics().await.unwrap().len(), 1);
    again.stop().await.unwrap();
}
