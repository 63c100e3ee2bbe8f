//! What has to be read from the disk is read by threads that may wait for it, so that a disk that does not answer holds up
//! nobody else: everything here runs on one worker and one such thread, and the test keeps that one busy.

mod support;

use std::fs::File;
use std::io::IoSliceMut;
use std::sync::mpsc;

use kafkalite_wire::api::delete_topics::{DeleteTopic, DeleteTopicsRequest};
use kafkalite_wire::api::fetch::FetchResponse;
use kafkalite_wire::{ErrorCode, Response};
use rustix::fs::{Advice, fadvise};
use rustix::io::{ReadWriteFlags, preadv2};
use support::{TestBroker, data, start};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

fn on_one_worker_and_one_disk_thread(test: impl Future<Output = ()>) {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(1).build();
    runtime.expect("a runtime").block_on(test);
}

/// The disk does not answer until this is dropped.
fn stall() -> mpsc::Sender<()> {
    stall_later().0
}

/// The same when what the disk has been asked for is done, which is told.
fn stall_later() -> (mpsc::Sender<()>, oneshot::Receiver<()>) {
    let (answer, answered) = mpsc::channel();
    let (stalls, stalled) = oneshot::channel();
    spawn_blocking(move || {
        let _ = stalls.send(());
        answered.recv()
    });
    (answer, stalled)
}

/// Has a broker with four messages of 400 kB in two segments read from this offset while the disk does not answer, and
/// asserts that meanwhile heartbeats are answered, and then the reader.
async fn reads_slowly(offset: i64, before: impl FnOnce(&TestBroker) -> bool) {
    let broker = start(&[("kafkalite.durability", "visible")]).await;
    let mut client = broker.connect().await;
    let settings = [("segment.bytes", "1048576")];
    client.create("t", 1, &settings).await;
    let value = "x".repeat(400_000);
    for _ in 0..4 {
        client.put("t", 0, &[value.as_str()]).await;
    }
    let (id, generation) = client.join_alone("g", b"all").await;
    if !before(&broker) {
        return;
    }
    let disk = stall();
    let mut reader = broker.connect().await;
    let request = data::fetch_by_name("t", vec![data::from(0, offset)]);
    reader.send(12, &request).await;
    let reading = tokio::spawn(async move { reader.frame().await.expect("an answer") });
    for _ in 0..200 {
        let beat = client.heartbeat("g", &id, generation).await;
        assert_eq!(beat, ErrorCode::None);
    }
    assert!(!reading.is_finished(), "it waits for the disk");
    drop(disk);
    let frame = reading.await.expect("it reads on");
    let (_, answer) = FetchResponse::decode(frame, 12).expect("a fetch answer");
    assert!(!answer.responses[0].partitions[0].records.is_empty());
}

#[test]
fn looking_up_old_records() {
    on_one_worker_and_one_disk_thread(reads_slowly(0, |_| true));
}

#[test]
fn sending_records_that_are_not_in_memory_any_more() {
    on_one_worker_and_one_disk_thread(reads_slowly(3, |broker| {
        let path = broker.dir.path().join("t-0/00000000000000000002.log");
        let file = File::open(path).unwrap();
        file.sync_all().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
        let mut byte = [0];
        let mut bytes = [IoSliceMut::new(&mut byte)];
        let is_gone = preadv2(&file, &mut bytes, 600_000, ReadWriteFlags::NOWAIT).is_err();
        if !is_gone {
            eprintln!("this file system keeps everything in memory; nothing to see");
        }
        is_gone
    }));
}

#[test]
fn forgetting_what_all_groups_know_of_a_deleted_topic() {
    on_one_worker_and_one_disk_thread(async {
        let broker = start(&[]).await;
        let mut client = broker.connect().await;
        client.create("t", 1, &[]).await;
        let (id, generation) = client.join_alone("g", b"all").await;
        let before_deletion = stall();
        let mut deleting = broker.connect().await;
        let request = DeleteTopicsRequest {
            topics: vec![DeleteTopic {
                name: Some("t".to_owned()),
                ..Default::default()
            }],
            ..Default::default()
        };
        deleting.send(6, &request).await;
        // By then the deletion is the thread's next work.
        for _ in 0..200 {
            client.heartbeat("g", &id, generation).await;
        }
        let (before_forgetting, is_deleted) = stall_later();
        drop(before_deletion);
        is_deleted.await.expect("it comes to that");
        let described = client.describe("t").await;
        assert_eq!(described.error_code, ErrorCode::UnknownTopicOrPartition);
        let answered = tokio::spawn(async move { deleting.frame().await.expect("an answer") });
        for _ in 0..200 {
            let beat = client.heartbeat("g", &id, generation).await;
            assert_eq!(beat, ErrorCode::None);
        }
        assert!(
            !answered.is_finished(),
            "the groups are looked at elsewhere"
        );
        drop(before_forgetting);
        answered.await.expect("it is deleted");
    });
}

#[test]
fn who_reads_what_was_just_written_does_not_need_the_disk() {
    on_one_worker_and_one_disk_thread(async {
        let broker = start(&[]).await;
        let mut client = broker.connect().await;
        client.create("t", 1, &[]).await;
        client.put("t", 0, &["x".repeat(400_000).as_str()]).await;
        let disk = stall();
        let request = data::fetch_by_name("t", vec![data::from(0, 0)]);
        let answer = client.ask(12, &request).await;
        assert!(!answer.responses[0].partitions[0].records.is_empty());
        drop(disk);
    });
}
