//! What a power cut may leave of partitions that were just created: their directories, and little in them.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::fs;

use kafkalite_wire::ErrorCode;
use support::{Client, TestBroker, restart, start};

#[tokio::test]
async fn a_topic_keeps_its_id_whatever_is_left_of_the_files_that_name_it() {
    let TestBroker { broker, dir } = start(&[]).await;
    let mut client = Client::connect(&broker).await;
    let id = client.create("t", 3, &[]).await;
    let file = |index: i32| dir.path().join(format!("t-{index}/partition.metadata"));
    let written = fs::read(file(0)).unwrap();
    drop(broker);
    fs::write(file(0), []).unwrap();
    fs::write(file(1), vec![0; written.len()]).unwrap();
    fs::remove_file(file(2)).unwrap();

    let broker = restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    let described = client.describe("t").await;
    assert_eq!(
        (described.error_code, described.topic_id),
        (ErrorCode::None, id)
    );
    for index in 0..3 {
        assert_eq!(fs::read(file(index)).unwrap(), written, "{index}");
        client.put("t", index, &["one"]).await;
    }
    broker.stop().await.unwrap();
}
