//! What a power cut may leave of partitions that were just created: their directories, and little in them.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_world::World;
use kafkalite_world::disk::Disk;
use support::{Client, TestBroker, config, restart, start};

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

/// A disk with no room for the files that name topics' ids.
#[derive(Debug)]
struct NoRoomForIds;

impl Disk for NoRoomForIds {
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if path.to_string_lossy().contains("partition.metadata") {
            return Err(io::ErrorKind::StorageFull.into());
        }
        fs::write(path, bytes)
    }
}

#[tokio::test]
async fn a_disk_without_room_for_those_files_holds_up_no_start() {
    let TestBroker { broker, dir } = start(&[]).await;
    let mut client = Client::connect(&broker).await;
    let id = client.create("t", 2, &[]).await;
    client.put("t", 0, &["one"]).await;
    broker.stop().await.unwrap();
    let file = |index: i32| dir.path().join(format!("t-{index}/partition.metadata"));
    let written = fs::read(file(0)).unwrap();
    fs::remove_file(file(0)).unwrap();
    fs::write(file(1), []).unwrap();

    let world = World {
        disk: Arc::new(NoRoomForIds),
        ..World::real()
    };
    let broker = Broker::start_in(config(dir.path(), &[]), world)
        .await
        .unwrap();
    let mut client = Client::connect(&broker).await;
    assert_eq!(client.describe("t").await.topic_id, id);
    assert_eq!(client.read_all("t", 0, 0).await.len(), 1);
    broker.stop().await.unwrap();
    let broker = restart(dir.path(), &[]).await;
    for index in 0..2 {
        assert_eq!(fs::read(file(index)).unwrap(), written, "{index}");
    }
    broker.stop().await.unwrap();
}
