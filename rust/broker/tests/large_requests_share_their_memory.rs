//! `queued.max.request.bytes` bounds what large requests take of the broker's memory, whatever connections do with them.

mod support;

use std::time::Duration;

use support::child::ChildBroker;
use support::{Client, data, frame};

const MIB: usize = 1024 * 1024;
const CONNECTIONS: usize = 40;
/// Beyond the quota: the allocator's own, a small buffer for each connection, and much for chance. Without a bound it is
/// four times as much.
const MARGIN: usize = 40 * MIB;

#[tokio::test]
async fn idle_connections_and_waiting_ones_keep_no_large_requests() {
    let dir = tempfile::tempdir().unwrap();
    let broker = ChildBroker::start(dir.path(), &["queued.max.request.bytes=5000000"]);
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::connect_to(broker.address).await);
    }
    clients[0]
        .create("t", 1, &[("max.message.bytes", "100")])
        .await;
    let before = broker.resident();
    let bound = before + 5 * MIB + MARGIN;

    // Each has sent a large request, which was refused.
    let value = "x".repeat(3_900_000);
    let large = data::produce_by_name(-1, "t", vec![(0, data::batch(&[value.as_str()]))]);
    for client in &mut clients {
        client.ask(9, &large).await;
    }
    let idle = broker.resident();
    assert!(idle < bound, "{} MiB more when idle", (idle - before) / MIB);

    // Each waits for records, and has sent as much of the next large request as is taken.
    let mut patient = data::fetch_by_name("t", vec![data::from(0, 0)]);
    patient.max_wait_ms = 60_000;
    let request = frame(9, 1, &large);
    let mut pushing = tokio::task::JoinSet::new();
    for mut client in clients {
        let (patient, request) = (patient.clone(), request.clone());
        pushing.spawn(async move {
            client.send(11, &patient).await;
            // What is not taken by then stays with the peer, for as long as the fetch waits.
            let _ = tokio::time::timeout(Duration::from_secs(1), client.raw(&request)).await;
            client
        });
    }
    let waiting = pushing.join_all().await;
    let pushed = broker.resident();
    assert!(
        pushed < bound,
        "{} MiB more for {} that wait",
        (pushed - before) / MIB,
        waiting.len()
    );
}
