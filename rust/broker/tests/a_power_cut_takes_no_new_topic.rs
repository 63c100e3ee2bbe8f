//! What a power cut may leave of partitions that were just created: their directories, and little in them.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use kafkalite_broker::Broker;
use kafkalite_log::datadir::topic_id;
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

/// A disk that knows which files a power cut spares.
#[derive(Debug, Default)]
struct Remembering {
    flushed: Mutex<HashSet<u64>>,
}

impl Disk for Remembering {
    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()?;
        self.flushed.lock().unwrap().insert(file.metadata()?.ino());
        Ok(())
    }
}

#[tokio::test]
async fn a_stop_in_good_order_leaves_ids_that_a_power_cut_spares() {
    let TestBroker { broker, dir } = start(&[]).await;
    let mut client = Client::connect(&broker).await;
    let id = client.create("t", 2, &[]).await;
    broker.stop().await.unwrap();
    let file = |index: i32| dir.path().join(format!("t-{index}/partition.metadata"));
    fs::write(file(0), []).unwrap();

    let disk = Arc::new(Remembering::default());
    let world = World {
        disk: disk.clone(),
        ..World::real()
    };
    let broker = Broker::start_in(config(dir.path(), &[]), world)
        .await
        .unwrap();
    let mut client = Client::connect(&broker).await;
    let other = client.create("other", 1, &[]).await;
    client.create("deleted", 1, &[]).await;
    client.delete("deleted").await;
    broker.stop().await.unwrap();
    let is_flushed = |path: &Path| {
        let inode = fs::metadata(path).unwrap().ino();
        disk.flushed.lock().unwrap().contains(&inode)
    };
    // One that was made anew, and a new one.
    for (partition, id) in [("t-0", id), ("other-0", other)] {
        let partition = dir.path().join(partition);
        assert!(is_flushed(&partition.join("partition.metadata")));
        assert_eq!(topic_id(&*disk, &partition).unwrap(), Some(id));
    }
    assert!(!is_flushed(&file(1)), "it was there before this broker");
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
