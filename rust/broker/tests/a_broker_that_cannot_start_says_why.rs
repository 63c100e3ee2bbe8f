//! What is in the way, where, and what to try; and nothing is left behind.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::path::Path;

use kafkalite_broker::{Broker, BrokerError};
use support::{config, start};

async fn failure(dir: &Path, settings: &[(&str, &str)]) -> BrokerError {
    let mut config = config(dir, &[]);
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    Broker::start(config)
        .await
        .expect_err("the broker must not start")
}

#[tokio::test]
async fn a_port_in_use() {
    let first = start(&[]).await;
    let dir = tempfile::tempdir().unwrap();
    let address = first.broker.address();
    let error = failure(
        &dir.path().join("data"),
        &[("listeners", &format!("PLAINTEXT://{address}"))],
    )
    .await;
    let said = error.to_string();
    assert!(matches!(error, BrokerError::Listen { .. }));
    assert!(
        said.contains(&address.to_string())
            && said.contains("listeners")
            && said.contains("port 0"),
        "{said}"
    );
    assert!(
        !dir.path().join("data").exists(),
        "the directory was touched"
    );
    first.assert_well().await;
}

#[tokio::test]
async fn a_second_broker_on_the_directory() {
    let first = start(&[]).await;
    let said = failure(first.dir.path(), &[]).await.to_string();
    assert!(
        said.contains(first.broker.data_dir().to_str().unwrap()),
        "{said}"
    );
    first.assert_well().await;
    first.broker.stop().await.unwrap();
    let second = Broker::start(config(first.dir.path(), &[])).await.unwrap();
    assert_eq!(second.cluster_id(), first.broker.cluster_id());
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_cannot_be_written() {
    // Tests may run as root, for whom permissions mean nothing; a file in the way stops everybody.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    for path in [file.clone(), file.join("below")] {
        let said = failure(&path, &[]).await.to_string();
        assert!(said.contains(path.to_str().unwrap()), "{said}");
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), "in the way");
}

#[tokio::test]
async fn an_address_that_nobody_has() {
    let dir = tempfile::tempdir().unwrap();
    let error = failure(dir.path(), &[("listeners", "PLAINTEXT://192.0.2.1:0")]).await;
    assert!(error.to_string().contains("192.0.2.1:0"), "{error}");
    let error = failure(
        dir.path(),
        &[("listeners", "PLAINTEXT://no-such-host.invalid:0")],
    )
    .await;
    assert!(
        error.to_string().contains("no-such-host.invalid"),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_file_of_altered_settings() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("configs.altered"), "gibberish").unwrap();
    let said = failure(dir.path(), &[]).await.to_string();
    assert!(
        said.contains("configs.altered") && said.contains("damaged"),
        "{said}"
    );
    // Neither the lock nor the port was kept.
    std::fs::remove_file(dir.path().join("configs.altered")).unwrap();
    Broker::start(config(dir.path(), &[]))
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[tokio::test]
async fn another_node_id_than_the_directory_was_made_with() {
    let dir = tempfile::tempdir().unwrap();
    Broker::start(config(dir.path(), &[("node.id", "7")]))
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
    let said = failure(dir.path(), &[("node.id", "8")]).await.to_string();
    assert!(said.contains('7') && said.contains('8'), "{said}");
    let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
    assert_eq!(broker.node_id(), 7);
    broker.stop().await.unwrap();
}
