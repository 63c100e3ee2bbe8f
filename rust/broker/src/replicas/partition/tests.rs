use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use kafkalite_log::{Durability, OpenOptions, ReadUpTo, Role};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};

use kafkalite_world::SystemClock;

use super::*;
use crate::replicas::duty::Duty;

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
    let wait = Wait::on(vec![Arc::clone(&partition)], ReadUpTo::HighWatermark);
    let mut sleep = pin!(wait.until(wait.arrived(), 1));
    assert!(poll(sleep.as_mut()).is_pending());
    partition.append(&batch()).unwrap();
    assert!(poll(sleep.as_mut()).is_ready());
}

#[test]
fn a_flush_wakes_for_what_it_covers_and_leaves_the_rest_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Synced);
    let wait = Wait::on(vec![Arc::clone(&partition)], ReadUpTo::HighWatermark);
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

fn among(role: Role, in_sync_with_others: bool) -> Duty {
    Duty::Among {
        role,
        in_sync_with_others,
    }
}

#[test]
fn a_consumer_wakes_when_others_have_what_it_waits_for_and_another_broker_when_it_is_written() {
    for durability in [Durability::Visible, Durability::Synced] {
        let dir = tempfile::tempdir().unwrap();
        let partition = partition(dir.path(), durability);
        let leads = Role::Leader { epoch: 0 };
        partition.take(among(leads, true)).unwrap();
        let consumer = Wait::on(vec![Arc::clone(&partition)], ReadUpTo::HighWatermark);
        let follower = Wait::on(vec![Arc::clone(&partition)], ReadUpTo::End);
        let (mut consumer, mut follower) = (pin!(consumer.until(0, 1)), pin!(follower.until(0, 1)));
        assert!(poll(follower.as_mut()).is_pending());
        partition.append(&batch()).unwrap();
        assert!(poll(follower.as_mut()).is_ready());
        partition.agree(Some(0));
        assert!(poll(consumer.as_mut()).is_pending(), "only written");
        partition.log.flush().unwrap();
        partition.agree(Some(1));
        assert!(poll(consumer.as_mut()).is_ready());
    }
}

#[test]
fn a_consumer_wakes_also_for_what_it_saw_before_the_agreed_offset_fell() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Visible);
    for _ in 0..3 {
        partition.append(&batch()).unwrap();
    }
    partition.agree(Some(1));
    for up_to in [ReadUpTo::HighWatermark, ReadUpTo::LastStableOffset] {
        partition.agree(Some(1));
        let wait = Wait::on(vec![Arc::clone(&partition)], up_to);
        let mut sleep = pin!(wait.until(wait.arrived(), 1));
        assert!(poll(sleep.as_mut()).is_pending());
        partition.agree(Some(2));
        assert!(poll(sleep.as_mut()).is_ready(), "{up_to:?}");
    }
}

#[test]
fn who_waits_at_a_leader_that_is_demoted_is_woken() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Visible);
    partition.take(Duty::Alone).unwrap();
    let wait = Wait::on(vec![Arc::clone(&partition)], ReadUpTo::HighWatermark);
    let mut sleep = pin!(wait.until(wait.arrived(), 1));
    assert!(poll(sleep.as_mut()).is_pending());
    let follows = Role::Follower { epoch: 1 };
    partition.take(among(follows, false)).unwrap();
    assert!(poll(sleep.as_mut()).is_ready());
    let late = Role::Leader { epoch: 0 };
    assert!(partition.take(among(late, false)).is_err());
    assert_eq!(partition.role(), follows);
}

#[test]
fn what_was_seen_stays_seen_when_others_must_have_what_comes_and_all_is_seen_when_they_must_not() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Visible);
    let leads = Role::Leader { epoch: 0 };
    partition.take(among(leads, false)).unwrap();
    partition.append(&batch()).unwrap();
    partition.take(among(leads, true)).unwrap();
    partition.append(&batch()).unwrap();
    assert_eq!(partition.log.high_watermark(), 1);
    partition.take(among(leads, false)).unwrap();
    assert_eq!(partition.log.high_watermark(), 2);
}

#[test]
fn late_news_changes_nothing_of_what_others_must_have() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Visible);
    let duty = |epoch, shared| among(Role::Leader { epoch }, shared);
    partition.take(duty(5, false)).unwrap();
    assert!(partition.take(duty(4, true)).is_err());
    partition.append(&batch()).unwrap();
    assert_eq!(partition.log.high_watermark(), 1);
    partition.take(duty(5, true)).unwrap();
    assert!(partition.take(duty(4, false)).is_err());
    partition.append(&batch()).unwrap();
    assert_eq!(partition.log.high_watermark(), 1);
}

#[test]
fn an_append_wakes_no_consumer_where_what_was_seen_is_still_hidden() {
    let dir = tempfile::tempdir().unwrap();
    let partition = partition(dir.path(), Durability::Visible);
    partition.append(&batch()).unwrap();
    partition.append(&batch()).unwrap();
    partition.agree(Some(1));
    let wait = Wait::on(vec![Arc::clone(&partition)], ReadUpTo::HighWatermark);
    let mut sleep = pin!(wait.until(wait.arrived(), 1));
    partition.append(&batch()).unwrap();
    assert!(poll(sleep.as_mut()).is_pending());
    partition.agree(Some(2));
    assert!(poll(sleep.as_mut()).is_ready());
}
