//! After a restart members' regular expressions are there as text. They are compiled while other groups are served, and are bounded.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::fs;
use std::path::Path;

use kafkalite_broker::Broker;
use kafkalite_records::crc32c;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use support::{Client, config, start, warnings};

/// As many as a group may have.
const MOST: usize = 32;
/// So many take much longer to compile than a few heartbeats take.
const SLOW: usize = 8;

fn beating(group: &str, member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        member_epoch: epoch,
        ..Default::default()
    }
}

fn entering(group: &str, member: &str, regex: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: 60_000,
        subscribed_topic_regex: Some(regex.to_owned()),
        topic_partitions: Some(Vec::new()),
        ..beating(group, member, 0)
    }
}

/// Matches the topic alone, after all letters of the world have been spelt out many times.
fn slow(topic: &str) -> String {
    format!("{}{topic}", r"(?i:\pL{0})".repeat(40))
}

#[tokio::test]
async fn while_other_groups_are_served() {
    let mut broker = start(&[]).await;
    let mut many = broker.connect().await;
    for number in 0..SLOW {
        let topic = format!("t{number}");
        let joined = many.ask(1, &entering("many", &topic, &slow(&topic))).await;
        assert_eq!(joined.error_code, ErrorCode::None);
    }
    let joined = many.ask(1, &entering("other", "o", "o.*")).await;
    broker.broker.stop().await.unwrap();

    broker.broker = Broker::start(config(broker.dir.path(), &[])).await.unwrap();
    let mut other = broker.connect().await;
    other.create("t0", 1, &[]).await;
    let mut many = broker.connect().await;
    let many = tokio::spawn(async move {
        // Its topic's partition is given to it as soon as it is known that it wants it.
        let answer = many.ask(1, &beating("many", "t0", 2)).await;
        assert_eq!(answer.error_code, ErrorCode::None);
        assert_eq!(answer.assignment.unwrap().topic_partitions.len(), 1);
    });
    for _ in 0..5 * SLOW {
        let beat = beating("other", "o", joined.member_epoch);
        let answer = other.ask(1, &beat).await;
        assert_eq!(answer.error_code, ErrorCode::None);
    }
    assert!(!many.is_finished(), "the others had to wait for it");
    many.await.unwrap();
}

#[tokio::test]
async fn a_group_has_32_and_none_is_longer_than_4_kib() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let long = "t".repeat(4097);
    assert_eq!(
        refusal(&mut client, "long", &long).await,
        "a regular expression has 4096 bytes at the most, not 4097; subscribe by names, or by a prefix that they have"
    );
    for number in 0..MOST {
        let text = format!("t{number}");
        let joined = client.ask(1, &entering("g", &text, &text)).await;
        assert_eq!(joined.error_code, ErrorCode::None);
    }
    assert_eq!(
        refusal(&mut client, "one more", "u.*").await,
        "the group's members use 32 regular expressions, 32 is the most; subscribe by one of theirs, or by names"
    );
    let shared = client.ask(1, &entering("g", "one more", "t31")).await;
    assert_eq!(shared.error_code, ErrorCode::None);
}

async fn refusal(client: &mut Client, member: &str, regex: &str) -> String {
    let refused = client.ask(1, &entering("g", member, regex)).await;
    assert_eq!(refused.error_code, ErrorCode::InvalidRegularExpression);
    refused.error_message.unwrap()
}

/// Has another broker have stored `text`, as long as ours, in the place of ours.
fn restore(dir: &Path, ours: &[u8], text: &[u8]) {
    for file in fs::read_dir(dir).unwrap() {
        let file = file.unwrap().path();
        if !file.to_str().unwrap().contains("__consumer_offsets") {
            continue;
        }
        let segment = file.join("00000000000000000000.log");
        let mut bytes = fs::read(&segment).unwrap();
        let at = |bytes: &[u8]| bytes.windows(ours.len()).position(|part| part == ours);
        while let Some(at) = at(&bytes) {
            bytes[at..at + ours.len()].copy_from_slice(text);
        }
        let mut batch = &mut bytes[..];
        while !batch.is_empty() {
            let length = u32::from_be_bytes(batch[8..12].try_into().unwrap());
            let (this, next) = batch.split_at_mut(12 + length as usize);
            let crc = crc32c(&this[21..]);
            this[17..21].copy_from_slice(&crc.to_be_bytes());
            batch = next;
        }
        fs::write(segment, bytes).unwrap();
    }
}

#[tokio::test]
async fn one_that_is_valid_elsewhere_only_stands_for_no_topics_and_is_warned_of_once() {
    warnings::listen();
    let mut broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("order", 1, &[]).await;
    client.ask(1, &entering("g", "m", "orde.++")).await;
    client.ask(1, &entering("g", "n", "order|x")).await;
    broker.broker.stop().await.unwrap();
    restore(broker.dir.path(), b"order|x", b"(?>or.)");

    broker.broker = Broker::start(config(broker.dir.path(), &[])).await.unwrap();
    let mut client = broker.connect().await;
    for member in ["m", "n", "m"] {
        let answer = client.ask(1, &beating("g", member, 3)).await;
        let known = [ErrorCode::None, ErrorCode::FencedMemberEpoch];
        assert!(known.contains(&answer.error_code), "{answer:?}");
    }
    let warned = warnings::containing("group g has a member whose stored regular expression");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0]
            .text
            .contains("'(?>or.)' is no regular expression")
    );
}
