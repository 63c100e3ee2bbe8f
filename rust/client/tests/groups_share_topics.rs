//! Members of a group share its topics, whoever comes, goes, or is killed (P3 of the paper), with kafkalite's broker and with
//! Apache Kafka's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use kafkalite_client::{ProducerRecord, Subscription, TopicPartition};
use support::{
    Kafka, Kafkalite, Member, PATIENCE, Peer, fresh, producer, topic, until, until_shared,
};

#[tokio::test(flavor = "multi_thread")]
async fn with_kafkalite() {
    let peer = Kafkalite::start().await;
    everything(&peer.bootstrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_apache_kafka() {
    let Some(peer) = Kafka::start() else { return };
    everything(&peer.bootstrap()).await;
}

async fn everything(bootstrap: &str) {
    a_member_that_returns_goes_on_where_it_was(bootstrap).await;
    for assignor in ["range", "roundrobin", "cooperative-sticky"] {
        members_share_partitions_and_take_over(bootstrap, assignor).await;
    }
    two_groups_both_get_everything(bootstrap).await;
    tokio::join!(
        nothing_is_missed_while_members_come_and_go(bootstrap, "range"),
        nothing_is_missed_while_members_come_and_go(bootstrap, "cooperative-sticky"),
    );
}

/// Messages `first..first + count`, by number to partitions in turn.
async fn publish(bootstrap: &str, topic: &str, partitions: i32, first: usize, count: usize) {
    let producer = producer(bootstrap, &[]);
    for number in first..first + count {
        let value = number.to_string();
        let record = ProducerRecord {
            value: Some(value.as_bytes()),
            ..ProducerRecord::default()
        };
        let partition = number as i32 % partitions;
        producer
            .send_set(topic, Some(partition), None, &[record])
            .await
            .unwrap();
    }
    producer.close(PATIENCE).await.unwrap();
}

/// What all members together have read, as numbers.
fn numbers(members: &[&Member]) -> Vec<usize> {
    let values = members.iter().flat_map(|member| member.values());
    let mut numbers: Vec<_> = values.map(|value| value.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

async fn a_member_that_returns_goes_on_where_it_was(bootstrap: &str) {
    let (topic, group) = (topic(bootstrap, "returns", 2).await, fresh("readers"));
    publish(bootstrap, &topic, 2, 0, 10).await;
    let first = Member::join(bootstrap, &group, &topic, &[]);
    until("all is read", || first.values().len() == 10).await;
    first.close().await;
    publish(bootstrap, &topic, 2, 10, 10).await;
    let second = Member::join(bootstrap, &group, &topic, &[]);
    until("the rest is read", || second.values().len() >= 10).await;
    assert_eq!(numbers(&[&second]), (10..20).collect::<Vec<_>>());
    let partitions = [0, 1].map(|partition| TopicPartition::new(topic.as_str(), partition));
    second.consumer.commit(None, PATIENCE).await.unwrap();
    let committed = second.consumer.committed(&partitions, PATIENCE).await;
    let offsets: Vec<_> = committed
        .unwrap()
        .into_values()
        .map(|it| it.offset)
        .collect();
    assert_eq!(offsets, [10, 10]);
    second.close().await;
}

async fn members_share_partitions_and_take_over(bootstrap: &str, assignor: &str) {
    let (topic, group) = (topic(bootstrap, assignor, 6).await, fresh("share"));
    let strategy = [("partition.assignment.strategy", assignor)];
    let join = || Member::join(bootstrap, &group, &topic, &strategy);
    let (one, two) = (join(), join());
    until_shared(&[&one, &two], 6).await;
    publish(bootstrap, &topic, 6, 0, 60).await;
    let three = join();
    until_shared(&[&one, &two, &three], 6).await;
    publish(bootstrap, &topic, 6, 60, 60).await;
    let all = (0..120).collect::<BTreeSet<_>>();
    let read = |members: &[&Member]| numbers(members).into_iter().collect::<BTreeSet<_>>();
    until("all is read", || read(&[&one, &two, &three]) == all).await;
    two.close().await;
    until_shared(&[&one, &three], 6).await;
    publish(bootstrap, &topic, 6, 120, 60).await;
    let all = (0..180).collect::<BTreeSet<_>>();
    until("all is read", || read(&[&one, &two, &three]) == all).await;
    one.close().await;
    three.close().await;
}

async fn two_groups_both_get_everything(bootstrap: &str) {
    let topic = topic(bootstrap, "both", 2).await;
    publish(bootstrap, &topic, 2, 0, 20).await;
    let one = Member::join(bootstrap, &fresh("one"), &topic, &[]);
    let two = Member::join(bootstrap, &fresh("two"), &topic, &[]);
    let other = two.sibling(Subscription::topics([topic.as_str()]));
    let all: Vec<_> = (0..20).collect();
    until("the one group has all", || numbers(&[&one]) == all).await;
    until("the other group has all", || {
        numbers(&[&two, &other]) == all
    })
    .await;
    until_shared(&[&two, &other], 2).await;
}

async fn nothing_is_missed_while_members_come_and_go(bootstrap: &str, assignor: &str) {
    let (topic, group) = (
        topic(bootstrap, "come-and-go", 6).await,
        fresh("come-and-go"),
    );
    let settings = [
        ("partition.assignment.strategy", assignor),
        ("auto.commit.interval.ms", "50"),
    ];
    let join = || Member::join(bootstrap, &group, &topic, &settings);
    let mut members = vec![join()];
    let mut gone: Vec<Member> = Vec::new();
    let (mut killed, mut published) = (Vec::new(), 0);
    for round in 0..12 {
        publish(bootstrap, &topic, 6, published, 30).await;
        published += 30;
        match round % 4 {
            0 | 1 => members.push(join()),
            2 => {
                let leaver = members.remove(0);
                leaver.close().await;
                gone.push(leaver);
            }
            _ if round == 7 => {
                let victim = members.remove(0);
                killed.extend(victim.values());
                victim.kill();
            }
            _ => {
                until("somebody reads", || {
                    members.iter().any(|it| !it.partitions().is_empty())
                })
                .await;
            }
        }
    }
    let read = || -> BTreeSet<usize> {
        let values = members.iter().chain(&gone).flat_map(Member::values);
        values
            .chain(killed.clone())
            .map(|value| value.parse().unwrap())
            .collect()
    };
    until("everything was read", || read().len() == published).await;
    until_shared(&members.iter().collect::<Vec<_>>(), 6).await;
    for member in &members {
        assert!(member.errors().is_empty(), "{:?}", member.errors());
        member.close().await;
    }
}
