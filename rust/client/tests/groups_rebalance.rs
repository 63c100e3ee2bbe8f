//! What a rebalance does to those who read: what is kept, what is told, what is noticed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use kafkalite_client::{
    ClientError, CommittedOffset, ErrorCode, GroupConsumer, ProducerRecord, RebalanceEvent,
    StartAt, Subscription, TopicPartition,
};
use parking_lot::Mutex;
use support::{
    Kafka, Kafkalite, Member, PATIENCE, Peer, admin, fresh, producer, settings, topic, until,
    until_shared,
};

const COOPERATIVE: (&str, &str) = ("partition.assignment.strategy", "cooperative-sticky");

#[tokio::test(flavor = "multi_thread")]
async fn with_kafkalite() {
    let peer = Kafkalite::start().await;
    Box::pin(everything(&peer.bootstrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_apache_kafka() {
    let Some(peer) = Kafka::start() else { return };
    Box::pin(everything(&peer.bootstrap())).await;
}

async fn everything(bootstrap: &str) {
    tokio::join!(
        a_cooperative_member_keeps_what_it_keeps(bootstrap),
        an_eager_member_gives_up_everything_and_is_told(bootstrap),
        topics_and_partitions_that_come_later_are_read(bootstrap),
        a_topic_that_does_not_exist_yet_is_read_as_soon_as_it_does(bootstrap),
        a_changed_subscription_changes_what_is_read(bootstrap),
        a_seek_is_what_is_committed_next(bootstrap),
        commits_without_waiting_arrive_in_order(bootstrap),
        nothing_committed_and_no_reset_is_told(bootstrap),
        a_topic_that_cannot_be_is_told(bootstrap),
        a_listener_may_commit_and_even_close(bootstrap),
    );
}

async fn publish(bootstrap: &str, topic: &str, partitions: i32, numbers: std::ops::Range<i32>) {
    let producer = producer(bootstrap, &[]);
    for number in numbers {
        let value = number.to_string();
        let record = ProducerRecord {
            value: Some(value.as_bytes()),
            ..ProducerRecord::default()
        };
        let partition = Some(number % partitions);
        producer
            .send_set(topic, partition, None, &[record])
            .await
            .unwrap();
    }
    producer.close(PATIENCE).await.unwrap();
}

fn listening(bootstrap: &str, group: &str, topic: &str, more: &[(&str, &str)]) -> Member {
    let config = settings(bootstrap, group, more);
    Member::subscribe(config, Subscription::topics([topic]), true)
}

async fn a_cooperative_member_keeps_what_it_keeps(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "keeps", 4).await, fresh("keeps"));
    let settings = [COOPERATIVE, ("enable.auto.commit", "false")];
    let one = listening(bootstrap, &group, &topic, &settings);
    until_shared(&[&one], 4).await;
    publish(bootstrap, &topic, 4, 0..40).await;
    until("all is read", || one.values().len() == 40).await;
    let paused = TopicPartition::new(topic.as_str(), 0);
    one.consumer.set_paused(&paused, true).unwrap();
    let two = listening(bootstrap, &group, &topic, &settings);
    until_shared(&[&one, &two], 4).await;
    let gone: Vec<_> = one.events().into_iter().skip(1).collect();
    let [RebalanceEvent::Revoked(gone)] = &gone[..] else {
        panic!("more than what moved: {gone:?}")
    };
    assert_eq!(gone.len(), 2);
    publish(bootstrap, &topic, 4, 40..48).await;
    // Nothing was committed: whoever got a partition anew reads it from its beginning, whoever kept it reads on.
    until("what moved is read again", || two.values().len() == 24).await;
    let kept = one.partitions();
    let read_on = usize::from(!kept.contains(&0)) * 2 + 2;
    until("what stayed is read on", || {
        one.values().len() == 40 + read_on
    })
    .await;
    if kept.contains(&0) {
        one.consumer.set_paused(&paused, false).unwrap();
        until("it stayed paused", || one.values().len() == 44).await;
    }
    one.close().await;
    two.close().await;
}

async fn an_eager_member_gives_up_everything_and_is_told(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "eager", 2).await, fresh("eager"));
    let one = listening(bootstrap, &group, &topic, &[]);
    until_shared(&[&one], 2).await;
    let two = listening(bootstrap, &group, &topic, &[]);
    until_shared(&[&one, &two], 2).await;
    let of = |partitions: &[i32]| -> Vec<_> {
        let partitions = partitions.iter();
        partitions
            .map(|&it| TopicPartition::new(topic.as_str(), it))
            .collect()
    };
    let expected = [
        RebalanceEvent::Assigned(of(&[0, 1])),
        RebalanceEvent::Revoked(of(&[0, 1])),
        RebalanceEvent::Assigned(of(&one.partitions())),
    ];
    until("all is told", || one.events().len() == 3).await;
    assert_eq!(one.events(), expected);
    one.close().await;
    two.close().await;
}

async fn topics_and_partitions_that_come_later_are_read(bootstrap: &str) {
    let prefix = fresh("later");
    let pattern = Subscription::pattern(&format!("{prefix}-.*")).unwrap();
    let first = topic(bootstrap, &format!("{prefix}-one"), 1).await;
    let config = settings(bootstrap, &fresh("later"), &[]);
    let member = Member::subscribe(config, pattern, false);
    until("the first topic is read", || member.partitions() == [0]).await;
    let second = topic(bootstrap, &format!("{prefix}-two"), 1).await;
    until("the second topic is read", || member.partitions() == [0, 0]).await;
    publish(bootstrap, &second, 1, 0..3).await;
    until("its messages come", || member.values().len() == 3).await;
    admin(bootstrap).create_partitions(&first, 3).await.unwrap();
    until("new partitions are read", || {
        member.partitions() == [0, 1, 2, 0]
    })
    .await;
    member.close().await;
}

async fn a_topic_that_does_not_exist_yet_is_read_as_soon_as_it_does(bootstrap: &str) {
    let (name, group) = (fresh("not-yet"), fresh("not-yet"));
    let settings = [("allow.auto.create.topics", "false")];
    let member = Member::join(bootstrap, &group, &name, &settings);
    until("it is in the group", || {
        member.consumer.generation().is_some()
    })
    .await;
    let new = kafkalite_client::NewTopic::new(&name, 2);
    admin(bootstrap).create_topic(&new).await.unwrap();
    until_shared(&[&member], 2).await;
    member.close().await;
}

async fn a_changed_subscription_changes_what_is_read(bootstrap: &str) {
    let (old, new) = (
        topic(bootstrap, "old", 1).await,
        topic(bootstrap, "new", 1).await,
    );
    let member = Member::join(bootstrap, &fresh("changes"), &old, &[COOPERATIVE]);
    let reads = |topics: &[&str]| {
        let topics = topics.iter();
        let mut wanted: Vec<_> = topics.map(|it| TopicPartition::new(*it, 0)).collect();
        wanted.sort_unstable();
        member.consumer.assignment() == wanted
    };
    until("the old one is read", || reads(&[&old])).await;
    member
        .consumer
        .subscribe(Subscription::topics([old.as_str(), &new]));
    until("both are read", || reads(&[&old, &new])).await;
    member
        .consumer
        .subscribe(Subscription::topics([new.as_str()]));
    until("the new one is read", || reads(&[&new])).await;
    member.consumer.unsubscribe();
    until("nothing is read", || {
        reads(&[]) && member.consumer.generation().is_none()
    })
    .await;
    member
        .consumer
        .subscribe(Subscription::topics([old.as_str()]));
    until("the old one is read again", || reads(&[&old])).await;
    member.close().await;
}

async fn a_seek_is_what_is_committed_next(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "seek", 1).await, fresh("seek"));
    let member = Member::join(bootstrap, &group, &topic, &[]);
    publish(bootstrap, &topic, 1, 0..10).await;
    until("all is read", || member.values().len() == 10).await;
    let of = TopicPartition::new(topic.as_str(), 0);
    until("nothing is left", || {
        member.consumer.lag() == [(of.clone(), 0)]
    })
    .await;
    member.consumer.set_paused(&of, true).unwrap();
    member.consumer.seek(&of, StartAt::Offset(4)).unwrap();
    let committed = member.consumer.commit(None, PATIENCE).await.unwrap();
    assert_eq!(committed[0].1.offset, 4);
    assert_eq!(member.consumer.lag(), [(of.clone(), 6)]);
    member.consumer.set_paused(&of, false).unwrap();
    until("it is read again from there", || {
        member.values().len() == 16
    })
    .await;
    member.close().await;
}

async fn commits_without_waiting_arrive_in_order(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "soon", 1).await, fresh("soon"));
    let member = Member::join(
        bootstrap,
        &group,
        &topic,
        &[("enable.auto.commit", "false")],
    );
    until_shared(&[&member], 1).await;
    let of = TopicPartition::new(topic.as_str(), 0);
    let done = Arc::new(Mutex::new(Vec::new()));
    for offset in 1..=20 {
        let metadata = String::new();
        let offsets = vec![(of.clone(), CommittedOffset { offset, metadata })];
        let done = Arc::clone(&done);
        member.consumer.commit_soon(Some(offsets), move |result| {
            done.lock().push(result.unwrap()[0].1.offset);
        });
    }
    until("all are answered", || done.lock().len() == 20).await;
    let committed = member
        .consumer
        .committed(std::slice::from_ref(&of), PATIENCE)
        .await;
    assert_eq!(committed.unwrap()[&of].offset, 20);
    member.close().await;
}

async fn nothing_committed_and_no_reset_is_told(bootstrap: &str) {
    let topic = topic(bootstrap, "no-reset", 1).await;
    let settings = [("auto.offset.reset", "none")];
    let member = Member::join(bootstrap, &fresh("no-reset"), &topic, &settings);
    until("it is told", || !member.errors().is_empty()).await;
    let error = &member.errors()[0];
    assert!(matches!(
        error,
        ClientError::OffsetOutOfRange { offset: -1, .. }
    ));
    assert!(error.to_string().contains("no position of"), "{error}");
    let of = TopicPartition::new(topic.as_str(), 0);
    member.consumer.seek(&of, StartAt::Beginning).unwrap();
    publish(bootstrap, &topic, 1, 0..1).await;
    until("it reads from where it was told", || {
        member.values().len() == 1
    })
    .await;
    member.close().await;
}

async fn a_topic_that_cannot_be_is_told(bootstrap: &str) {
    let topic = topic(bootstrap, "can-be", 1).await;
    let to = Subscription::topics([topic.as_str(), "no/such name"]);
    let config = settings(bootstrap, &fresh("cannot-be"), &[]);
    let member = Member::subscribe(config, to, false);
    until("it is told", || !member.errors().is_empty()).await;
    let error = &member.errors()[0];
    assert_eq!(error.code(), Some(ErrorCode::InvalidTopic));
    assert!(error.to_string().contains("no/such name"), "{error}");
    until("the other one is read", || member.partitions() == [0]).await;
    member.close().await;
}

async fn a_listener_may_commit_and_even_close(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "listener", 2).await, fresh("listener"));
    let by_hand = [("enable.auto.commit", "false")];
    let runtime = tokio::runtime::Handle::current();
    let one = GroupConsumer::new(settings(bootstrap, &group, &by_hand), &runtime).unwrap();
    one.listen(true);
    one.subscribe(Subscription::topics([topic.as_str()]));
    let event = async || loop {
        if let Some(event) = one.next_event() {
            break event;
        }
        one.next_batch(PATIENCE).await.unwrap();
    };
    let assigned = event().await;
    assert!(matches!(assigned.event(), RebalanceEvent::Assigned(_)));
    drop(assigned);
    let two = Member::join(bootstrap, &group, &topic, &by_hand);
    let revoked = event().await;
    let RebalanceEvent::Revoked(partitions) = revoked.event() else {
        panic!("{revoked:?}")
    };
    let note = |of: &TopicPartition| {
        let metadata = "last words".to_owned();
        (
            of.clone(),
            CommittedOffset {
                offset: 0,
                metadata,
            },
        )
    };
    let offsets = partitions.iter().map(note).collect();
    assert_eq!(one.commit(Some(offsets), PATIENCE).await.unwrap().len(), 2);
    one.close(PATIENCE).await.unwrap();
    until_shared(&[&two], 2).await;
    two.close().await;
}
