//! A disk that takes its time to flush: what is to be safe waits for it, all else goes on. Everything here runs on one worker.

mod support;

use std::sync::Arc;
use std::time::Duration;

use kafkalite_wire::api::produce::ProduceResponse;
use kafkalite_wire::{ErrorCode, Response};
use kafkalite_world::World;
use kafkalite_world::faults::{Fault, FaultyDisk};
use support::data::{batch, produce_by_name};
use support::start_in;

/// How long a flush takes, unless the disk gets well before.
const SLOWLY: Fault = Fault::SlowSyncs(Duration::from_mins(1));

#[tokio::test]
async fn an_append_that_is_to_be_synced_waits_for_its_flush_and_holds_up_nobody() {
    let disk = FaultyDisk::new();
    let world = World {
        disk: Arc::clone(&disk) as _,
        ..World::real()
    };
    let broker = start_in(world, &[("kafkalite.durability", "synced")]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    client.put("t", 0, &["before"]).await;
    client.put("t", 1, &["other"]).await;
    let (id, generation) = client.join_alone("g", b"all").await;
    let (syncs, writes) = (disk.syncs(), disk.writes());

    disk.inject(SLOWLY);
    let mut producer = broker.connect().await;
    let mut request = produce_by_name(-1, "t", vec![(0, batch(&["slow"]))]);
    request.timeout_ms = i32::MAX;
    producer.send(12, &request).await;
    let writing = tokio::spawn(async move { producer.frame().await.expect("an answer") });
    while disk.writes() == writes {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        let beat = client.heartbeat("g", &id, generation).await;
        assert_eq!(beat, ErrorCode::None);
        let mut other = broker.connect().await;
        let read = other.read_all("t", 1, 0).await;
        assert_eq!(read, [(0, "other".to_owned())]);
    }
    let unsafe_yet = client.read_all("t", 0, 0).await;
    assert_eq!(unsafe_yet, [(0, "before".to_owned())]);
    assert!(!writing.is_finished(), "it waits for the flush");
    assert_eq!(disk.syncs(), syncs);

    disk.heal();
    let answered = writing.await.expect("it is written");
    let (_, answer) = ProduceResponse::decode(answered, 12).expect("a produce answer");
    let written = &answer.responses[0].partition_responses[0];
    assert_eq!(
        (written.error_code, written.base_offset),
        (ErrorCode::None, 1)
    );
    assert!(disk.syncs() > syncs, "it is flushed");
    let read = client.read_all("t", 0, 1).await;
    assert_eq!(read, [(1, "slow".to_owned())]);
}
