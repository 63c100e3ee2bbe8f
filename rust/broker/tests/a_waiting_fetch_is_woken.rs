//! Long polls: answered when there is enough, when something is wrong, when the time is up; and not before.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::time::Duration;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::Response;
use kafkalite_wire::api::fetch::{FetchRequest, FetchResponse};
use support::data::{batch, fetch_by_id, fetch_by_name, fetched, from, produce_by_name};
use support::{Client, start};

/// Longer than a test waits for anything.
const FOR_EVER: i32 = 600_000;

/// A request without a session that waits for ever.
fn patient(min_bytes: i32, request: FetchRequest) -> FetchRequest {
    FetchRequest {
        max_wait_ms: FOR_EVER,
        min_bytes,
        session_epoch: -1,
        ..request
    }
}

/// Gives what was sent before the time to be parked. Nothing fails if it does not take it.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn answer(client: &mut Client, version: i16) -> FetchResponse {
    FetchResponse::decode(client.frame().await.unwrap(), version)
        .unwrap()
        .1
}

#[tokio::test]
async fn by_an_append_to_any_of_its_partitions() {
    let broker = start(&[]).await;
    let (mut reader, mut writer) = (broker.connect().await, broker.connect().await);
    writer.create("t", 3, &[]).await;
    let mut next = [0; 3];
    for partition in [2, 0, 1, 0] {
        let all = (0..3).map(|index| from(index, next[index as usize]));
        let request = patient(1, fetch_by_name("t", all.collect()));
        reader.send(12, &request).await;
        settle().await;
        next[partition as usize] = writer.put("t", partition, &["woken"]).await + 1;
        let found = fetched(answer(&mut reader, 12).await);
        let sizes = found
            .into_iter()
            .map(|found| (found.partition_index, found.records.is_empty()));
        let filled: Vec<i32> = sizes
            .filter(|(_, empty)| !empty)
            .map(|(index, _)| index)
            .collect();
        assert_eq!(filled, [partition]);
    }
}

#[tokio::test]
async fn only_by_enough_bytes_over_all_its_partitions() {
    let broker = start(&[]).await;
    let (mut reader, mut writer) = (broker.connect().await, broker.connect().await);
    writer.create("t", 2, &[]).await;
    let size = batch(&["0123456789"]).len();
    let request = patient(
        3 * size as i32,
        fetch_by_name("t", vec![from(0, 0), from(1, 0)]),
    );
    reader.send(12, &request).await;
    for partition in [0, 1] {
        settle().await;
        writer.put("t", partition, &["0123456789"]).await;
    }
    settle().await;
    let mut nothing = [0; 1];
    let early = reader.stream.try_read(&mut nothing);
    assert_eq!(
        early.unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock,
        "two of three batches"
    );
    writer.put("t", 0, &["0123456789"]).await;
    let found = fetched(answer(&mut reader, 12).await);
    assert_eq!(
        found.iter().map(|found| found.records.len()).sum::<usize>(),
        3 * size
    );
}

#[tokio::test]
async fn all_of_many_by_one_append() {
    let broker = start(&[]).await;
    let mut writer = broker.connect().await;
    writer.create("t", 1, &[]).await;
    let mut readers = Vec::new();
    for _ in 0..50 {
        let mut reader = broker.connect().await;
        reader
            .send(12, &patient(1, fetch_by_name("t", vec![from(0, 0)])))
            .await;
        readers.push(reader);
    }
    settle().await;
    writer.put("t", 0, &["for all"]).await;
    for mut reader in readers {
        assert_eq!(fetched(answer(&mut reader, 12).await)[0].high_watermark, 1);
    }
}

#[tokio::test]
async fn by_the_deletion_of_its_topic() {
    let broker = start(&[]).await;
    let (mut by_name, mut by_id, mut writer) = (
        broker.connect().await,
        broker.connect().await,
        broker.connect().await,
    );
    let id = writer.create("t", 1, &[]).await;
    by_name
        .send(12, &patient(1, fetch_by_name("t", vec![from(0, 0)])))
        .await;
    by_id
        .send(18, &patient(1, fetch_by_id(id, vec![from(0, 0)])))
        .await;
    settle().await;
    assert_eq!(writer.delete("t").await.error_code, ErrorCode::None);
    let code = fetched(answer(&mut by_name, 12).await)[0].error_code;
    assert_eq!(code, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(
        fetched(answer(&mut by_id, 18).await)[0].error_code,
        ErrorCode::UnknownTopicId
    );

    let produced = writer.produce("t", 0, batch(&["late"])).await;
    assert_eq!(produced.error_code, ErrorCode::UnknownTopicOrPartition);
}

#[tokio::test]
async fn by_the_end_of_its_time() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.put("t", 0, &["less than asked for"]).await;
    let mut request = patient(1_000_000, fetch_by_name("t", vec![from(0, 0)]));
    request.max_wait_ms = 100;
    let found = fetched(client.ask(12, &request).await);
    assert!(
        !found[0].records.is_empty(),
        "what there is comes all the same"
    );
}

#[tokio::test]
async fn by_the_stop_of_the_broker() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client
        .send(12, &patient(1, fetch_by_name("t", vec![from(0, 0)])))
        .await;
    settle().await;
    tokio::time::timeout(support::PATIENCE, broker.broker.stop())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        fetched(answer(&mut client, 12).await)[0].error_code,
        ErrorCode::None
    );
}

#[tokio::test]
async fn is_not_parked_where_a_partition_fails_or_the_segment_ends() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client
        .create("t", 2, &[("internal.segment.bytes", "300")])
        .await;
    // An offset out of range is told at once, although the other partition could wait.
    let request = patient(1, fetch_by_name("t", vec![from(0, 0), from(1, 99)]));
    let found = fetched(client.ask(12, &request).await);
    assert_eq!(found[1].error_code, ErrorCode::OffsetOutOfRange);

    // Two segments: the first holds less than is asked for, and no more will come to it.
    for _ in 0..4 {
        client.put("t", 0, &[&"x".repeat(100)]).await;
    }
    let request = patient(1_000_000, fetch_by_name("t", vec![from(0, 0)]));
    let found = fetched(client.ask(12, &request).await);
    assert!(!found[0].records.is_empty());

    // Nothing that exists is asked for.
    let request = patient(1, fetch_by_name("nowhere", vec![from(0, 0)]));
    let found = fetched(client.ask(12, &request).await);
    assert_eq!(found[0].error_code, ErrorCode::UnknownTopicOrPartition);
}

#[tokio::test]
async fn waits_for_what_exists_when_something_else_does_not() {
    let broker = start(&[]).await;
    let (mut reader, mut writer) = (broker.connect().await, broker.connect().await);
    writer.create("t", 1, &[]).await;
    let mut request = patient(1, fetch_by_name("t", vec![from(0, 0), from(5, 0)]));
    request.max_wait_ms = FOR_EVER;
    reader.send(12, &request).await;
    settle().await;
    writer
        .send(12, &produce_by_name(0, "t", vec![(0, batch(&["here"]))]))
        .await;
    let found = fetched(answer(&mut reader, 12).await);
    assert_eq!(found[0].high_watermark, 1);
    assert_eq!(found[1].error_code, ErrorCode::UnknownTopicOrPartition);
}
