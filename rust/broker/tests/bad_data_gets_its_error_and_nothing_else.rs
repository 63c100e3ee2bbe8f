//! What a client sends wrongly is refused by its own code and sentence; what was there stays, and others are served.

mod support;

use bytes::Bytes;
use kafkalite_records::{BatchOrigin, Compression};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::produce::ProducedPartition;
use support::data::{
    batch, batch_of, batch_with, fetch_by_id, from, now_ms, origin, produce_by_name,
};
use support::{Client, TestBroker, start};
use uuid::Uuid;

/// A broker with an empty topic `t`, and a client.
async fn with_topic(configs: &[(&str, &str)]) -> (TestBroker, Client) {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, configs).await;
    (broker, client)
}

async fn assert_refused(client: &mut Client, records: Bytes, code: ErrorCode, word: &str) {
    let produced: ProducedPartition = client.produce("t", 0, records).await;
    assert_eq!(produced.error_code, code, "{produced:?}");
    assert_eq!(produced.base_offset, -1);
    let message = produced.error_message.expect("a sentence");
    assert!(message.contains(word), "{message}");
    assert_eq!(
        client.fetch("t", 0, 0).await.high_watermark,
        0,
        "nothing was written"
    );
}

fn changed(at: usize, bytes: &[u8]) -> Bytes {
    let mut batch = batch(&["value", "another"]).to_vec();
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    batch.into()
}

/// The batch with its checksum made right again, as somebody would who lies on purpose.
fn resealed(bytes: &[u8]) -> Bytes {
    let mut bytes = bytes.to_vec();
    let crc = kafkalite_records::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

#[tokio::test]
async fn a_wrong_checksum() {
    let (broker, mut client) = with_topic(&[]).await;
    assert_refused(
        &mut client,
        changed(17, &[1, 2, 3, 4]),
        ErrorCode::CorruptMessage,
        "",
    )
    .await;
    // Any byte that the checksum covers, also where it makes the records unreadable.
    let whole = batch(&["value"]);
    for at in 21..whole.len() {
        let mut flipped = whole.to_vec();
        flipped[at] ^= 0x10;
        let code = client.produce("t", 0, flipped.into()).await.error_code;
        // In the header a change may also look like a rule that is broken.
        let expected = code == ErrorCode::CorruptMessage || (at < 61 && !code.is_none());
        assert!(expected, "byte {at}: {code:?}");
    }
    assert_eq!(client.fetch("t", 0, 0).await.high_watermark, 0);
    broker.assert_well().await;
}

#[tokio::test]
async fn lengths_and_counts_that_lie() {
    let (broker, mut client) = with_topic(&[]).await;
    let whole = batch(&["value", "another"]);
    let len = whole.len() as i32 - 12;
    for lie in [len + 1, i32::MAX, 0, -1, i32::MIN] {
        let batch = changed(8, &lie.to_be_bytes());
        assert_refused(&mut client, batch, ErrorCode::CorruptMessage, "").await;
    }
    // One byte short: a second batch seems to begin.
    let batch = changed(8, &(len - 1).to_be_bytes());
    assert_refused(&mut client, batch, ErrorCode::InvalidRecord, "exactly one").await;
    for cut in [1, 16, 17, 40, whole.len() - 1] {
        let code = ErrorCode::CorruptMessage;
        assert_refused(&mut client, whole.slice(..cut), code, "").await;
    }
    // Record count and last offset: more than there are, with a checksum that is right.
    let mut more = changed(57, &3i32.to_be_bytes()).to_vec();
    more[23..27].copy_from_slice(&2i32.to_be_bytes());
    assert_refused(
        &mut client,
        resealed(&more),
        ErrorCode::InvalidRecord,
        "record 2",
    )
    .await;
    let fewer = resealed(&changed(57, &1i32.to_be_bytes()));
    assert_refused(&mut client, fewer, ErrorCode::InvalidRecord, "").await;
    // The first record's own length.
    let record = resealed(&changed(61, &[0x7e]));
    assert_refused(&mut client, record, ErrorCode::InvalidRecord, "record 0").await;
    broker.assert_well().await;
}

#[tokio::test]
async fn no_batch_two_batches_and_old_formats() {
    let (_broker, mut client) = with_topic(&[]).await;
    assert_refused(
        &mut client,
        Bytes::new(),
        ErrorCode::InvalidRecord,
        "one record batch",
    )
    .await;
    let twice = [batch(&["one"]), batch(&["two"])].concat();
    assert_refused(
        &mut client,
        twice.into(),
        ErrorCode::InvalidRecord,
        "exactly one",
    )
    .await;
    for magic in [0, 1, 3] {
        assert_refused(
            &mut client,
            changed(16, &[magic]),
            ErrorCode::InvalidRecord,
            "magic",
        )
        .await;
    }
}

#[tokio::test]
async fn a_message_over_the_limit() {
    let (_broker, mut client) = with_topic(&[("max.message.bytes", "200")]).await;
    let large = batch(&[&"x".repeat(200)]);
    assert_refused(
        &mut client,
        large,
        ErrorCode::MessageTooLarge,
        "max.message.bytes",
    )
    .await;
    client.put("t", 0, &["small"]).await;
}

#[tokio::test]
async fn timestamps_outside_of_the_allowed_range() {
    let (_broker, mut client) = with_topic(&[("message.timestamp.before.max.ms", "60000")]).await;
    let at = |timestamp| {
        batch_with(
            &[(timestamp, None, "v")],
            Compression::None,
            BatchOrigin::ANONYMOUS,
        )
    };
    let code = ErrorCode::InvalidTimestamp;
    assert_refused(&mut client, at(now_ms() - 120_000), code, "before.max.ms").await;
    assert_refused(&mut client, at(now_ms() + 7_200_000), code, "after.max.ms").await;
    assert_eq!(
        client.produce("t", 0, at(now_ms())).await.error_code,
        ErrorCode::None
    );
}

#[tokio::test]
async fn a_record_without_a_key_on_a_compacted_topic() {
    let (_broker, mut client) = with_topic(&[("cleanup.policy", "compact")]).await;
    for compression in [Compression::None, Compression::Gzip] {
        let long = "value ".repeat(100);
        let records = [
            (now_ms(), Some("key"), long.as_str()),
            (now_ms(), None, long.as_str()),
        ];
        let keyless = batch_with(&records, compression, BatchOrigin::ANONYMOUS);
        let refused = client.produce("t", 0, keyless.clone()).await;
        let to_blame: Vec<i32> = refused
            .record_errors
            .iter()
            .map(|e| e.batch_index)
            .collect();
        assert_eq!(to_blame, [1]);
        assert_refused(&mut client, keyless, ErrorCode::InvalidRecord, "record 1").await;
        let keyed = batch_with(&records[..1], compression, BatchOrigin::ANONYMOUS);
        assert_eq!(
            client.produce("t", 0, keyed).await.error_code,
            ErrorCode::None
        );
        client.delete("t").await;
        client
            .create("t", 1, &[("cleanup.policy", "compact")])
            .await;
    }
}

#[tokio::test]
async fn acks_that_mean_nothing() {
    let (_broker, mut client) = with_topic(&[]).await;
    for acks in [2, -2, i16::MAX] {
        let answer = client
            .ask(12, &produce_by_name(acks, "t", vec![(0, batch(&["v"]))]))
            .await;
        let produced = &answer.responses[0].partition_responses[0];
        assert_eq!(produced.error_code, ErrorCode::InvalidRequiredAcks);
    }
    assert_eq!(client.fetch("t", 0, 0).await.high_watermark, 0);
}

#[tokio::test]
async fn sequences_with_gaps_and_producers_that_were_fenced() {
    let (_broker, mut client) = with_topic(&[]).await;
    let id = client.producer_id().await;
    let send = |values: &[&str], origin| batch_of(values, Compression::None, origin);
    let gap = send(&["too soon"], origin(id, 5));
    let first = client
        .produce("t", 0, send(&["a", "b"], origin(id, 0)))
        .await;
    assert_eq!((first.error_code, first.base_offset), (ErrorCode::None, 0));
    let refused = client.produce("t", 0, gap).await;
    assert_eq!(refused.error_code, ErrorCode::OutOfOrderSequenceNumber);

    let newer = BatchOrigin {
        producer_epoch: 1,
        ..origin(id, 0)
    };
    assert_eq!(
        client.produce("t", 0, send(&["c"], newer)).await.error_code,
        ErrorCode::None
    );
    let zombie = client.produce("t", 0, send(&["d"], origin(id, 2))).await;
    assert_eq!(zombie.error_code, ErrorCode::InvalidProducerEpoch);
    assert_eq!(client.fetch("t", 0, 0).await.high_watermark, 3);
}

#[tokio::test]
async fn transactions_are_refused() {
    let (_broker, mut client) = with_topic(&[]).await;
    let transactional = BatchOrigin {
        transactional: true,
        ..origin(1, 0)
    };
    let batch = batch_of(&["v"], Compression::None, transactional);
    assert_refused(
        &mut client,
        batch,
        ErrorCode::UnsupportedVersion,
        "transaction",
    )
    .await;
}

#[tokio::test]
async fn topics_and_partitions_that_do_not_exist() {
    let (_broker, mut client) = with_topic(&[]).await;
    for (topic, partition) in [("nowhere", 0), ("t", 1), ("t", -1), ("../t", 0), ("", 0)] {
        let code = ErrorCode::UnknownTopicOrPartition;
        assert_eq!(
            client
                .produce(topic, partition, batch(&["v"]))
                .await
                .error_code,
            code
        );
        let fetched = client.fetch(topic, partition, 0).await;
        assert_eq!((fetched.error_code, fetched.high_watermark), (code, -1));
        assert_eq!(
            client.offset_at(topic, partition, -1).await.error_code,
            code
        );
    }
    let mut request = fetch_by_id(Uuid::from_u128(99), vec![from(0, 0)]);
    request.session_epoch = -1;
    let fetched = support::data::fetched(client.ask(13, &request).await);
    assert_eq!(fetched[0].error_code, ErrorCode::UnknownTopicId);

    let mut request = produce_by_name(-1, "", vec![(0, batch(&["v"]))]);
    request.topic_data[0].topic_id = Uuid::from_u128(99);
    let answer = client.ask(13, &request).await;
    assert_eq!(
        answer.responses[0].partition_responses[0].error_code,
        ErrorCode::UnknownTopicId
    );
}

#[tokio::test]
async fn offsets_out_of_range() {
    let (_broker, mut client) = with_topic(&[]).await;
    client.put("t", 0, &["only"]).await;
    for offset in [-1, 2, i64::MAX, i64::MIN] {
        let fetched = client.fetch("t", 0, offset).await;
        assert_eq!(fetched.error_code, ErrorCode::OffsetOutOfRange, "{offset}");
        assert!(fetched.records.is_empty());
    }
    let end = client.fetch("t", 0, 1).await;
    assert_eq!((end.error_code, end.records.len()), (ErrorCode::None, 0));
}

#[tokio::test]
async fn epochs_of_other_leaders() {
    let (_broker, mut client) = with_topic(&[]).await;
    for (epoch, code) in [
        (-1, ErrorCode::None),
        (0, ErrorCode::None),
        (1, ErrorCode::UnknownLeaderEpoch),
        (-2, ErrorCode::FencedLeaderEpoch),
    ] {
        let mut request = support::data::fetch_by_name("t", vec![from(0, 0)]);
        request.session_epoch = -1;
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let fetched = support::data::fetched(client.ask(12, &request).await);
        assert_eq!(fetched[0].error_code, code, "epoch {epoch}");
    }
}

#[tokio::test]
async fn acks_0_that_fails_closes_the_connection() {
    let (broker, mut client) = with_topic(&[]).await;
    let request = produce_by_name(0, "nowhere", vec![(0, batch(&["lost"]))]);
    client.send(12, &request).await;
    client.assert_closed().await;
    broker.assert_well().await;
}
