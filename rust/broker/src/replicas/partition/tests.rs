use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use kafkalite_log::{Durability, OpenOptions};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};

use kafkalite_world::SystemClock;

use super::*;

fn batch() -> bytes::Bytes {
    let mut builder = BatchBuilder::new(1000);
    assert!(builder.try_append(SystemClock.now_ms(), None, Some(b"value"), &[]));
    let mut compressor = Compressor::new(Compression::None, None).unwrap();
    builder
        .build(0, BatchOrigin::ANONYMOUS, &mut compressor)
        .unwrap()
}

fn partition(dir: &std::path::Path, durability: Durability) -> Arc<Partition> {
    let config = LogConfig {
        durability,
        ..LogConfig::default()
    };
    let (log, _) = Log::open(dir.join("t-0"), config, &OpenOptions::default()).unwrap();
    Arc::new(Partition::new("t".into(), 0, log, Arc::new(SystemClock)))
}

fn poll(future: Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn an_append_wakes_at_once_where_messages_are_visible_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Visible);
    let wait = Wait::on(vec![Arc::clone(&partition)], false);
    let mut sleep = pin!(wait.until(wait.arrived(), 1));
    assert!(poll(sleep.as_mut()).is_pending());
    partition.append(&batch()).unwrap();
    assert!(poll(sleep.as_mut()).is_ready());
}

#[test]
fn a_flush_wakes_for_what_it_covers_and_leaves_the_rest_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Synced);
    let wait = Wait::on(vec![Arc::clone(&partition)], false);
    partition.append(&batch()).unwrap();
    let mut sleep = pin!(wait.until(wait.arrived(), 1));
    // The end of a flush that had begun before the append.
    partition.became_visible();
    assert!(
        poll(sleep.as_mut()).is_pending(),
        "there is nothing to read yet"
    );
    partition.log.flush().unwrap();
    partition.became_visible();
    assert!(poll(sleep.as_mut()).is_ready());
}

#[tokio::test]
async fn a_producer_that_waits_gets_it_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Synced);
    let end = partition.append(&batch()).unwrap().last_offset + 1;
    assert_eq!(partition.log.high_watermark(), 0);
    partition.until_visible(end).await.unwrap();
    assert_eq!(partition.log.high_watermark(), end);
}

#[tokio::test]
async fn a_producer_is_not_told_that_others_have_what_they_lack() {
    for durability in [Durability::Visible, Durability::Synced] {
        let dir = tempfile::tempdir().unwrap();
        let partition = partition(dir.path(), durability);
        partition.log.agree(Some(0));
        let end = partition.append(&batch()).unwrap().last_offset + 1;
        let refused = partition.until_visible(end).await.unwrap_err();
        assert_eq!(
            refused.code,
            kafkalite_wire::ErrorCode::NotEnoughReplicasAfterAppend
        );
        partition.log.agree(Some(end));
        partition.until_visible(end).await.unwrap();
    }
}

#[test]
fn a_deleted_partition_says_that_it_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Visible);
    partition.delete();
    let refused = partition.explain(partition.append(&batch()).unwrap_err());
    assert_eq!(
        refused.code,
        kafkalite_wire::ErrorCode::UnknownTopicOrPartition
    );
}

#[test]
fn a_partition_that_another_broker_leads_takes_nothing_from_producers() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Visible);
    partition.log.take_role(Role::Leader { epoch: 3 }).unwrap();
    partition.append(&batch()).unwrap();
    assert_eq!(partition.epoch_of(0), 3);
    partition
        .log
        .take_role(Role::Follower { epoch: 4 })
        .unwrap();
    let refusal = partition.explain(partition.append(&batch()).unwrap_err());
    assert_eq!(refusal.code, kafkalite_wire::ErrorCode::NotLeaderOrFollower);
    assert_eq!(
        (partition.log.end_offset(), partition.leader_epoch()),
        (1, 4)
    );
}
