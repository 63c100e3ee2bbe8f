//! What is inside a producer's batch is looked at, compressed or not, and a producer is told what becomes of it.

mod support;

use bytes::Bytes;
use kafkalite_records::{BatchHeader, BatchOrigin, Compression};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafkalite_wire::api::produce::ProducedPartition;
use support::data::{batch, batch_of, batch_with, now_ms, origin, produce_by_name};
use support::{Client, start};

/// The only partition of an answer.
async fn produce(
    client: &mut Client,
    acks: i16,
    timeout_ms: i32,
    batch: Bytes,
) -> ProducedPartition {
    let mut request = produce_by_name(acks, "t", vec![(0, batch)]);
    request.timeout_ms = timeout_ms;
    let mut answer = client.ask(12, &request).await;
    answer.responses.remove(0).partition_responses.remove(0)
}

/// Removes everything before `offset` from the topic.
async fn raise_start(client: &mut Client, offset: i64) {
    let request = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "t".to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset,
            }],
        }],
        timeout_ms: 10_000,
    };
    client.ask(2, &request).await;
}

/// How many records of each batch the answer names.
async fn named(client: &mut Client, batches: Vec<(i32, Bytes)>) -> Vec<usize> {
    let answer = client.ask(12, &produce_by_name(1, "t", batches)).await;
    let partitions = answer
        .responses
        .into_iter()
        .flat_map(|topic| topic.partition_responses);
    let named = partitions.map(|partition| {
        assert_eq!(partition.error_code, ErrorCode::InvalidTimestamp);
        partition.record_errors.len()
    });
    named.collect()
}

/// A batch that says it is compressed, and is something else; its checksum is right.
fn garbage(codec: Compression) -> Bytes {
    let payload = b"these bytes no codec has written";
    let header = BatchHeader::parse(&batch(&["v"])).expect("a sound batch");
    let header = header
        .over(codec, payload)
        .expect("a short payload")
        .sealed(payload);
    [&header.to_bytes()[..], payload].concat().into()
}

#[tokio::test]
async fn a_refusal_names_its_records_and_where_the_log_starts() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client
        .create("t", 1, &[("message.timestamp.before.max.ms", "60000")])
        .await;
    client.put("t", 0, &["old", "older"]).await;
    raise_start(&mut client, 2).await;
    let (now, late) = (now_ms(), now_ms() - 3_600_000);
    for codec in Compression::ALL {
        // Long enough for the codec to be of use.
        let value = "value ".repeat(50);
        let records = [now, late, now, late, now].map(|time| (time, None, value.as_str()));
        let refused = client
            .produce("t", 0, batch_with(&records, codec, BatchOrigin::ANONYMOUS))
            .await;
        assert_eq!(refused.error_code, ErrorCode::InvalidTimestamp, "{codec}");
        assert_eq!((refused.base_offset, refused.log_start_offset), (-1, 2));
        let named: Vec<i32> = refused
            .record_errors
            .iter()
            .map(|e| e.batch_index)
            .collect();
        assert_eq!(named, [1, 3], "{codec}");
        for error in &refused.record_errors {
            let message = error.batch_index_error_message.as_deref().unwrap();
            assert!(message.contains(&late.to_string()), "{message}");
            assert!(
                message.contains("message.timestamp.before.max.ms"),
                "{message}"
            );
        }
    }
    // What is wrong with the batch as a whole, or with its producer.
    let mut flipped = batch(&["v"]).to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let refused = client.produce("t", 0, flipped.into()).await;
    assert_eq!(refused.error_code, ErrorCode::CorruptMessage);
    assert_eq!(
        (refused.log_start_offset, refused.record_errors.len()),
        (2, 0)
    );
    let id = client.producer_id().await;
    client
        .produce("t", 0, batch_of(&["v"], Compression::None, origin(id, 0)))
        .await;
    let gap = client
        .produce("t", 0, batch_of(&["v"], Compression::None, origin(id, 9)))
        .await;
    assert_eq!(gap.error_code, ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(gap.log_start_offset, 2);
    let nowhere = client.produce("t", 1, batch(&["v"])).await;
    assert_eq!(nowhere.log_start_offset, -1);
}

#[tokio::test]
async fn an_answer_names_no_more_records_however_many_batches_are_refused() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client
        .create("t", 1, &[("message.timestamp.before.max.ms", "60000")])
        .await;
    let records = vec![(0, None, ""); 2_000];
    let refused = batch_with(&records, Compression::Zstd, BatchOrigin::ANONYMOUS);
    let batches = vec![(0, refused); 15];
    let mut expected = vec![1_000; 10];
    expected.extend([0; 5]);
    assert_eq!(named(&mut client, batches).await, expected);
}

#[tokio::test]
async fn what_its_codec_cannot_read_is_refused_unless_producers_are_trusted() {
    for (setting, code) in [
        ("checked", ErrorCode::UnknownServerError),
        ("trusted", ErrorCode::None),
    ] {
        let broker = start(&[("kafkalite.compressed.batches", setting)]).await;
        let mut client = broker.connect().await;
        client.create("t", 1, &[]).await;
        for codec in Compression::ALL.into_iter().skip(1) {
            let produced = client.produce("t", 0, garbage(codec)).await;
            assert_eq!(produced.error_code, code, "{codec}: {produced:?}");
        }
        broker.assert_well().await;
    }
}

#[tokio::test]
async fn a_codec_that_nobody_knows_is_named() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let mut bytes = batch(&["v"]).to_vec();
    bytes[22] = 5;
    let refused = client.produce("t", 0, bytes.into()).await;
    assert_eq!(refused.error_code, ErrorCode::UnsupportedCompressionType);
}

#[tokio::test]
async fn a_batch_is_taken_as_large_as_it_decompresses_up_to_a_bound() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    for (len, code) in [
        (4 << 20, ErrorCode::None),
        (129 << 20, ErrorCode::MessageTooLarge),
    ] {
        let value = "x".repeat(len);
        let bomb = batch_of(&[&value], Compression::Zstd, BatchOrigin::ANONYMOUS);
        assert!(bomb.len() < 64 << 10);
        let produced = client.produce("t", 0, bomb).await;
        assert_eq!(produced.error_code, code);
    }
    let read = client.read_all("t", 0, 0).await;
    assert_eq!((read.len(), read[0].1.len()), (1, 4 << 20));
    broker.assert_well().await;
}

#[tokio::test]
async fn a_topic_compresses_what_it_takes_as_it_is_told() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let long = "value ".repeat(100);
    // More than what is compressed on the thread of the connection.
    let longer = "a longer value ".repeat(5000);
    for (name, stored) in [
        ("producer", None),
        ("uncompressed", Some(Compression::None)),
        ("gzip", Some(Compression::Gzip)),
        ("snappy", Some(Compression::Snappy)),
        ("lz4", Some(Compression::Lz4)),
        ("zstd", Some(Compression::Zstd)),
    ] {
        client.create(name, 1, &[("compression.type", name)]).await;
        for (n, sent) in (0..).zip(Compression::ALL) {
            for (more, value) in [(0, &long), (1, &longer)] {
                let offset = 2 * n + more;
                let batch = batch_of(&[value], sent, BatchOrigin::ANONYMOUS);
                let produced = client.produce(name, 0, batch).await;
                assert_eq!(produced.base_offset, offset, "{produced:?}");
                let fetched = client.fetch(name, 0, offset).await.records.into_bytes();
                let found = BatchHeader::parse(&fetched).unwrap().compression();
                assert_eq!(found, stored.unwrap_or(sent), "{sent} to {name}");
            }
        }
        let read = client.read_all(name, 0, 0).await;
        let values = read.into_iter().map(|(_, value)| value);
        let expected = [&long, &longer].repeat(Compression::ALL.len());
        assert!(values.eq(expected.into_iter().cloned()), "{name}");
    }
}

#[tokio::test]
async fn as_many_copies_are_wanted_as_there_are_at_the_most() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[("min.insync.replicas", "2")]).await;
    for (acks, offset) in [(-1, 0), (1, 1)] {
        let produced = produce(&mut client, acks, 10_000, batch(&["v"])).await;
        assert_eq!(
            (produced.error_code, produced.base_offset),
            (ErrorCode::None, offset)
        );
    }
}

#[tokio::test]
async fn who_has_waited_for_the_flush_as_long_as_he_would_hears_so() {
    let broker = start(&[("kafkalite.durability", "synced")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let id = client.producer_id().await;
    let sent = batch_of(&["v"], Compression::None, origin(id, 0));
    // No flush is over before it is waited for.
    let produced = produce(&mut client, -1, 0, sent.clone()).await;
    assert_eq!(produced.error_code, ErrorCode::RequestTimedOut);
    assert_eq!(produced.base_offset, 0);
    assert!(produced.error_message.unwrap().contains("timeout_ms"));
    // Asked again with time enough it is flushed, and has been written once.
    let produced = produce(&mut client, -1, 20_000, sent).await;
    assert_eq!(
        (produced.error_code, produced.base_offset),
        (ErrorCode::None, 0)
    );
    assert_eq!(client.read_all("t", 0, 0).await, [(0, "v".to_owned())]);
}
