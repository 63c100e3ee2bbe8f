//! What members and groups do when something is wrong: a member killed, silent, fenced, late; a coordinator that restarts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use bytes::Bytes;
use kafkalite_client::{
    ClientError, CommittedOffset, ErrorCode, GroupConsumer, ProducerRecord, Subscription,
    TopicPartition,
};
use kafkalite_wire::api::join_group::{JoinGroupProtocol, JoinGroupRequest};
use kafkalite_wire::api::leave_group::LeaveGroupRequest;
use kafkalite_wire::api::sync_group::{SyncGroupAssignment, SyncGroupRequest};
use support::{
    Kafka, Kafkalite, Member, PATIENCE, Peer, Raw, fresh, producer, settings, topic, until,
    until_shared,
};
use tokio::runtime::Handle;

#[tokio::test(flavor = "multi_thread")]
async fn with_kafkalite() {
    let mut peer = Kafkalite::start().await;
    Box::pin(everything(&peer.bootstrap())).await;
    a_restart_of_the_coordinator_loses_nothing(&mut peer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_apache_kafka() {
    let Some(mut peer) = Kafka::start() else {
        return;
    };
    Box::pin(everything(&peer.bootstrap())).await;
    a_restart_of_the_coordinator_loses_nothing(&mut peer).await;
}

async fn everything(bootstrap: &str) {
    tokio::join!(
        a_killed_members_partitions_are_read_on(bootstrap),
        a_static_member_comes_back_without_a_rebalance(bootstrap),
        a_second_member_of_the_same_name_fences_the_first(bootstrap),
        a_reader_that_stops_asking_leaves_and_comes_back(bootstrap),
        a_commit_for_another_members_partition_fails_and_says_why(bootstrap),
        a_stranger_may_not_commit_for_a_group_with_members(bootstrap),
        members_without_a_common_assignor_are_told_so(bootstrap),
        an_assignment_that_is_garbage_is_told_and_the_group_goes_on(bootstrap),
    );
}

async fn publish(bootstrap: &str, topic: &str, partitions: i32, numbers: std::ops::Range<i32>) {
    let producer = producer(bootstrap, &[("retries", "1000")]);
    for number in numbers {
        let value = number.to_string();
        let record = ProducerRecord {
            value: Some(value.as_bytes()),
            ..ProducerRecord::default()
        };
        producer
            .send_set(topic, Some(number % partitions), None, &[record])
            .await
            .unwrap();
    }
    producer.close(PATIENCE).await.unwrap();
}

fn numbers(members: &[&Member]) -> BTreeSet<i32> {
    let values = members.iter().flat_map(|member| member.values());
    values.map(|value| value.parse().unwrap()).collect()
}

async fn a_killed_members_partitions_are_read_on(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "killed", 4).await, fresh("killed"));
    let one = Member::join(bootstrap, &group, &topic, &[]);
    let two = Member::join(bootstrap, &group, &topic, &[]);
    until_shared(&[&one, &two], 4).await;
    publish(bootstrap, &topic, 4, 0..20).await;
    until("all is read", || {
        numbers(&[&one, &two]) == (0..20).collect()
    })
    .await;
    let read = numbers(&[&two]);
    two.kill();
    publish(bootstrap, &topic, 4, 20..40).await;
    until_shared(&[&one], 4).await;
    let all = || {
        numbers(&[&one])
            .union(&read)
            .copied()
            .collect::<BTreeSet<_>>()
    };
    until("the rest is read", || all() == (0..40).collect()).await;
    one.close().await;
}

async fn a_static_member_comes_back_without_a_rebalance(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "static", 4).await, fresh("static"));
    let named = |name| [("group.instance.id", name), ("session.timeout.ms", "30000")];
    let one = Member::join(bootstrap, &group, &topic, &named("one"));
    let two = Member::join(bootstrap, &group, &topic, &named("two"));
    until_shared(&[&one, &two], 4).await;
    let (generation, had) = (one.consumer.generation(), two.partitions());
    two.close().await;
    let again = Member::join(bootstrap, &group, &topic, &named("two"));
    until("it has its partitions back", || again.partitions() == had).await;
    publish(bootstrap, &topic, 4, 0..8).await;
    until("all is read", || numbers(&[&one, &again]).len() == 8).await;
    assert_eq!(one.consumer.generation(), generation);
    assert_eq!(again.consumer.generation(), generation);
    one.close().await;
    again.close().await;
}

async fn a_second_member_of_the_same_name_fences_the_first(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "fenced", 2).await, fresh("fenced"));
    let named = [("group.instance.id", "twin")];
    let first = Member::join(bootstrap, &group, &topic, &named);
    until_shared(&[&first], 2).await;
    let second = Member::join(bootstrap, &group, &topic, &named);
    until_shared(&[&second], 2).await;
    until("the first is told", || !first.errors().is_empty()).await;
    let errors = first.errors();
    assert!(
        matches!(errors[..], [ClientError::Fenced { .. }]),
        "{errors:?}"
    );
    assert!(errors[0].to_string().contains("\"twin\""), "{}", errors[0]);
    // Nothing will ever come: it is told again rather than left to wait.
    let told = first.consumer.next_batch(PATIENCE).await;
    assert!(matches!(told, Err(ClientError::Fenced { .. })), "{told:?}");
    assert!(first.partitions().is_empty());
    assert_eq!(second.partitions(), [0, 1], "the second is left alone");
    first.close().await;
    second.close().await;
}

async fn a_reader_that_stops_asking_leaves_and_comes_back(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "silent", 2).await, fresh("silent"));
    let quick = [("max.poll.interval.ms", "1000")];
    let silent = Member::join(bootstrap, &group, &topic, &quick);
    until_shared(&[&silent], 2).await;
    silent.halt(true);
    let other = Member::join(bootstrap, &group, &topic, &[]);
    until("the other one has everything", || {
        other.partitions() == [0, 1]
    })
    .await;
    assert!(silent.partitions().is_empty());
    let error = silent.consumer.commit(None, PATIENCE).await.unwrap_err();
    assert!(
        error.to_string().contains("max.poll.interval.ms"),
        "{error}"
    );
    silent.halt(false);
    until_shared(&[&silent, &other], 2).await;
    assert!(silent.errors().is_empty(), "{:?}", silent.errors());
    silent.close().await;
    other.close().await;
}

fn offset(offset: i64) -> CommittedOffset {
    let metadata = "a note".to_owned();
    CommittedOffset { offset, metadata }
}

async fn a_commit_for_another_members_partition_fails_and_says_why(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "late", 2).await, fresh("late"));
    let by_hand = [("enable.auto.commit", "false")];
    let one = Member::join(bootstrap, &group, &topic, &by_hand);
    until_shared(&[&one], 2).await;
    let both: Vec<_> = (0..2)
        .map(|it| (TopicPartition::new(topic.as_str(), it), offset(7)))
        .collect();
    let done = one
        .consumer
        .commit(Some(both.clone()), PATIENCE)
        .await
        .unwrap();
    assert_eq!(done, both);
    let names: Vec<_> = both.iter().map(|(of, _)| of.clone()).collect();
    let committed = one.consumer.committed(&names, PATIENCE).await.unwrap();
    assert_eq!(
        committed,
        both.iter().cloned().collect(),
        "the note as well"
    );
    let two = Member::join(bootstrap, &group, &topic, &by_hand);
    until_shared(&[&one, &two], 2).await;
    let error = one.consumer.commit(Some(both), PATIENCE).await.unwrap_err();
    assert!(matches!(error, ClientError::CommitFailed { .. }), "{error}");
    let theirs = format!("{topic}-{}", two.partitions()[0]);
    assert!(error.to_string().contains(&theirs), "{error}");
    one.close().await;
    two.close().await;
}

async fn a_stranger_may_not_commit_for_a_group_with_members(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "stranger", 1).await, fresh("stranger"));
    let of = TopicPartition::new(topic.as_str(), 0);
    let stranger =
        GroupConsumer::new(settings(bootstrap, &group, &[]), &Handle::current()).unwrap();
    let commit = || stranger.commit(Some(vec![(of.clone(), offset(3))]), PATIENCE);
    commit().await.unwrap();
    let member = Member::join(bootstrap, &group, &topic, &[]);
    until_shared(&[&member], 1).await;
    let error = commit().await.unwrap_err();
    assert!(matches!(error, ClientError::CommitFailed { .. }), "{error}");
    assert_eq!(member.partitions(), [0]);
    member.close().await;
}

async fn members_without_a_common_assignor_are_told_so(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "odd", 2).await, fresh("odd"));
    let range = [("partition.assignment.strategy", "range")];
    let one = Member::join(bootstrap, &group, &topic, &range);
    until_shared(&[&one], 2).await;
    let other = [("partition.assignment.strategy", "roundrobin")];
    let two = Member::join(bootstrap, &group, &topic, &other);
    until("the odd one is told", || !two.errors().is_empty()).await;
    let error = &two.errors()[0];
    assert_eq!(error.code(), Some(ErrorCode::InconsistentGroupProtocol));
    assert!(
        error
            .to_string()
            .contains("partition.assignment.strategy=roundrobin"),
        "{error}"
    );
    assert_eq!(one.partitions(), [0, 1], "the group goes on");
    one.close().await;
    until("there is room now", || two.partitions() == [0, 1]).await;
    two.close().await;
}

async fn an_assignment_that_is_garbage_is_told_and_the_group_goes_on(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "garbage", 1).await, fresh("garbage"));
    let range = [("partition.assignment.strategy", "range")];
    let member = Member::join(bootstrap, &group, &topic, &range);
    until_shared(&[&member], 1).await;
    let mut leader = Raw::connect(bootstrap).await;
    let mut member_id = String::new();
    // Whoever joined first leads; so the other one goes and comes back, and is waited for.
    loop {
        let join = JoinGroupRequest {
            group_id: group.clone(),
            session_timeout_ms: 30_000,
            rebalance_timeout_ms: 30_000,
            member_id: member_id.clone(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupProtocol {
                name: "range".to_owned(),
                metadata: Bytes::from_static(&[0, 0, 0, 0, 0, 0, 255, 255, 255, 255]),
            }],
            ..JoinGroupRequest::default()
        };
        let joined = leader.ask(&join, 3).await;
        assert_eq!(joined.error_code, ErrorCode::None);
        member_id.clone_from(&joined.member_id);
        let others = joined.members.iter().filter(|it| it.member_id != member_id);
        let garbage = others.map(|other| SyncGroupAssignment {
            member_id: other.member_id.clone(),
            assignment: Bytes::from_static(b"\0\x01\xff garbage"),
        });
        let sync = SyncGroupRequest {
            group_id: group.clone(),
            generation_id: joined.generation_id,
            member_id: member_id.clone(),
            assignments: garbage.collect(),
            ..SyncGroupRequest::default()
        };
        leader.ask(&sync, 2).await;
        if joined.members.len() == 2 {
            break;
        }
        if joined.leader != member_id {
            member.consumer.unsubscribe();
            until("it is out", || member.consumer.generation().is_none()).await;
            let to = Subscription::topics([topic.as_str()]);
            member.consumer.subscribe(to);
        }
    }
    until("it is told", || !member.errors().is_empty()).await;
    let error = &member.errors()[0];
    assert!(
        matches!(error, ClientError::BadAssignment { .. }),
        "{error}"
    );
    assert!(member.partitions().is_empty() && member.consumer.generation().is_some());
    let leave = LeaveGroupRequest {
        group_id: group.clone(),
        member_id,
        ..LeaveGroupRequest::default()
    };
    leader.ask(&leave, 1).await;
    until_shared(&[&member], 1).await;
    member.close().await;
}

async fn a_restart_of_the_coordinator_loses_nothing(peer: &mut impl Peer) {
    let bootstrap = peer.bootstrap();
    let (topic, group) = (topic(&bootstrap, "restart", 4).await, fresh("restart"));
    let quick = [
        ("auto.commit.interval.ms", "100"),
        ("session.timeout.ms", "30000"),
    ];
    let one = Member::join(&bootstrap, &group, &topic, &quick);
    let two = Member::join(&bootstrap, &group, &topic, &quick);
    until_shared(&[&one, &two], 4).await;
    publish(&bootstrap, &topic, 4, 0..40).await;
    until("all is read", || numbers(&[&one, &two]).len() == 40).await;
    peer.restart().await;
    publish(&bootstrap, &topic, 4, 40..80).await;
    until("what came after it is read", || {
        numbers(&[&one, &two]) == (0..80).collect()
    })
    .await;
    until_shared(&[&one, &two], 4).await;
    one.close().await;
    two.close().await;
    let third = Member::join(&bootstrap, &group, &topic, &quick);
    until_shared(&[&third], 4).await;
    publish(&bootstrap, &topic, 4, 80..84).await;
    until("the third goes on", || numbers(&[&third]).contains(&83)).await;
    assert_eq!(
        numbers(&[&third]),
        (80..84).collect(),
        "all else is committed"
    );
    third.close().await;
}
