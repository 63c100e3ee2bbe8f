//! A broker process is killed in the middle of commits and rebalances, again and again.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kafkalite_wire::api::offset_commit::OffsetCommitResponse;
use kafkalite_wire::{ErrorCode, Response};
use support::child::ChildBroker;
use support::groups::{committing, syncing};
use support::{Client, frame};

const PARTITIONS: usize = 4;
const KILLS: usize = 6;

/// Commits 1, 2, 3, … for one partition until the broker is gone, and notes what was acknowledged.
async fn commit(mut client: Client, partition: usize, acknowledged: Arc<[AtomicI64; PARTITIONS]>) {
    loop {
        let offset = acknowledged[partition].load(Ordering::SeqCst) + 1;
        let request = committing(&format!("g{partition}"), "t", partition as i32, offset, "");
        let bytes = frame(9, 1, &request);
        if tokio::io::AsyncWriteExt::write_all(&mut client.stream, &bytes)
            .await
            .is_err()
        {
            return;
        }
        let Some(answer) = client.frame().await else {
            return;
        };
        let (_, answer) = OffsetCommitResponse::decode(answer, 9).unwrap();
        assert_eq!(answer.topics[0].partitions[0].error_code, ErrorCode::None);
        acknowledged[partition].store(offset, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_every_kill() {
    for settings in [&[][..], &["kafkalite.durability=synced"]] {
        let dir = tempfile::tempdir().unwrap();
        let acknowledged: Arc<[AtomicI64; PARTITIONS]> = Arc::default();
        let mut member: Option<(String, i32)> = None;
        for _ in 0..KILLS {
            let broker = ChildBroker::start(dir.path(), settings);
            let connect = || Client::connect_to(broker.address);
            let mut client = connect().await;
            if client.describe("t").await.error_code != ErrorCode::None {
                client.create("t", PARTITIONS as i32, &[]).await;
            }
            for (partition, acknowledged) in acknowledged.iter().enumerate() {
                let group = format!("g{partition}");
                let found = client
                    .committed(&group, "t", partition as i32)
                    .await
                    .committed_offset;
                let least = acknowledged.load(Ordering::SeqCst);
                // Of the commit that was on its way nobody knows.
                let allowed = if least == 0 {
                    vec![-1, 1]
                } else {
                    vec![least, least + 1]
                };
                assert!(
                    allowed.contains(&found),
                    "{group} is at {found}, {least} was answered"
                );
            }
            // The member of the last life lives on with its assignment.
            if let Some((id, generation)) = &member {
                let synced = client.sync(syncing("members", id, *generation, &[])).await;
                assert_eq!(
                    (synced.error_code, &synced.assignment[..]),
                    (ErrorCode::None, &b"mine"[..])
                );
                let again = client
                    .ask(9, &support::groups::joining("members", id))
                    .await;
                assert_eq!(again.generation_id, generation + 1);
                let assign = [(id.as_str(), &b"mine"[..])];
                client
                    .sync(syncing("members", id, generation + 1, &assign))
                    .await;
                member = Some((id.clone(), generation + 1));
            } else {
                member = Some(client.join_alone("members", b"mine").await);
            }

            let mut committing = tokio::task::JoinSet::new();
            for partition in 0..PARTITIONS {
                let client = connect().await;
                committing.spawn(commit(client, partition, Arc::clone(&acknowledged)));
            }
            let begun = acknowledged[0].load(Ordering::SeqCst);
            while acknowledged[0].load(Ordering::SeqCst) < begun + 50 {
                tokio::task::yield_now().await;
            }
            broker.kill();
            while let Some(ended) = committing.join_next().await {
                ended.unwrap();
            }
        }
    }
}
