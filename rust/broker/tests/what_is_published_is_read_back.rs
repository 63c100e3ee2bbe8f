//! Produce and Fetch, in every version, with every compression.

mod support;

use bytes::Bytes;
use kafkalite_records::{BatchOrigin, Compression};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::FetchRequest;
use kafkalite_wire::api::produce::{ProducePartition, ProduceRequest, ProduceTopic};
use support::data::{
    batch, batch_of, fetch_by_id, fetch_by_name, fetched, from, produce_by_name, values,
};
use support::start;
use uuid::Uuid;

fn texts(found: &[(i64, String)]) -> Vec<&str> {
    found.iter().map(|(_, value)| value.as_str()).collect()
}

#[tokio::test]
async fn in_every_version_of_produce_and_fetch() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let id = client.create("t", 1, &[]).await;
    for version in 3..=13 {
        let request = ProduceRequest {
            acks: -1,
            topic_data: vec![ProduceTopic {
                name: "t".to_owned(),
                topic_id: id,
                partition_data: vec![ProducePartition {
                    index: 0,
                    records: batch(&[&format!("v{version}")]).into(),
                }],
            }],
            ..Default::default()
        };
        let answer = client.ask(version, &request).await;
        let produced = &answer.responses[0].partition_responses[0];
        assert_eq!(produced.error_code, ErrorCode::None, "version {version}");
        assert_eq!(produced.base_offset, i64::from(version) - 3);
        assert_eq!(produced.log_append_time_ms, -1);
        let told = if version >= 13 {
            answer.responses[0].topic_id
        } else {
            Uuid::nil()
        };
        assert_eq!(told, if version >= 13 { id } else { Uuid::nil() });
    }
    for version in 4..=18 {
        let mut request = fetch_by_id(id, vec![from(0, 3)]);
        request.topics[0].topic = "t".to_owned();
        request.session_epoch = -1;
        let mut partitions = fetched(client.ask(version, &request).await);
        let partition = partitions.remove(0);
        assert_eq!(partition.error_code, ErrorCode::None, "version {version}");
        assert_eq!(
            (partition.high_watermark, partition.last_stable_offset),
            (11, 11)
        );
        assert_eq!(partition.preferred_read_replica, -1);
        let found = values(&partition.records.into_bytes());
        assert_eq!(found[0], (3, "v6".to_owned()));
        assert_eq!(found.len(), 8);
    }
}

#[tokio::test]
async fn with_every_compression() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let long = "the same again and again ".repeat(50);
    for compression in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let sent = batch_of(&[&long, "short"], compression, BatchOrigin::ANONYMOUS);
        let produced = client.produce("t", 0, sent.clone()).await;
        assert_eq!(produced.error_code, ErrorCode::None, "{compression:?}");
        let stored = client
            .fetch("t", 0, produced.base_offset)
            .await
            .records
            .into_bytes();
        assert_eq!(
            stored[16..],
            sent[16..],
            "bytes past the place in the log are as they came"
        );
        assert_eq!(texts(&values(&stored)), [&long, "short"]);
    }
}

#[tokio::test]
async fn an_offset_inside_a_batch_gets_the_whole_batch() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.put("t", 0, &["a", "b", "c"]).await;
    let found = values(&client.fetch("t", 0, 1).await.records.into_bytes());
    assert_eq!(texts(&found), ["a", "b", "c"]);
}

#[tokio::test]
async fn an_empty_partition_has_empty_records_and_not_null() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    // The answer's last four bytes before the closing tag buffers: a compact length of 1 (empty), where 0 is null.
    let request = FetchRequest {
        session_epoch: -1,
        ..fetch_by_name("t", vec![from(0, 0)])
    };
    client.send(12, &request).await;
    let frame = client.frame().await.unwrap();
    let tail = &frame[frame.len() - 4..];
    assert_eq!(
        tail,
        [1, 0, 0, 0],
        "records, then the tags of partition, topic and message"
    );
}

#[tokio::test]
async fn the_first_batch_comes_even_if_it_is_too_large_and_the_rest_keeps_to_the_limits() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 3, &[]).await;
    let large = "x".repeat(10_000);
    for partition in 0..3 {
        client.put("t", partition, &[&large]).await;
        client.put("t", partition, &["next"]).await;
    }
    let mut request = fetch_by_name("t", (0..3).map(|partition| from(partition, 0)).collect());
    request.session_epoch = -1;
    request.max_bytes = 100;
    let sizes = |partitions: Vec<kafkalite_wire::api::fetch::FetchedPartition>| -> Vec<usize> {
        partitions
            .iter()
            .map(|partition| partition.records.len())
            .collect()
    };
    let first = sizes(fetched(client.ask(12, &request).await));
    assert!(
        first[0] > 10_000 && first[0] < 10_200,
        "{first:?}: one batch, whole"
    );
    assert_eq!(first[1..], [0, 0], "nothing is left for the others");

    // A partition's own limit cuts behind the first batch of the answer only.
    request.max_bytes = 1 << 20;
    for partition in &mut request.topics[0].partitions {
        partition.partition_max_bytes = 50;
    }
    let second = sizes(fetched(client.ask(12, &request).await));
    assert_eq!(second[0], first[0]);
    assert_eq!(second[1..], [0, 0], "no batch fits, and pieces help nobody");

    // What is left out will not fit by waiting either.
    request.max_bytes = 15_000;
    request.min_bytes = 14_000;
    request.max_wait_ms = 60_000;
    for partition in &mut request.topics[0].partitions {
        partition.partition_max_bytes = 10_150;
    }
    let third = sizes(fetched(client.ask(12, &request).await));
    assert_eq!(third[1..], [0, 0]);
}

#[tokio::test]
async fn acks_0_is_not_answered_and_acks_1_is() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client
        .send(9, &produce_by_name(0, "t", vec![(0, batch(&["silent"]))]))
        .await;
    // What comes next is the answer to this, or the correlation id is wrong.
    let answer = client
        .ask(9, &produce_by_name(1, "t", vec![(0, batch(&["told"]))]))
        .await;
    assert_eq!(answer.responses[0].partition_responses[0].base_offset, 1);
    assert_eq!(texts(&client.read_all("t", 0, 0).await), ["silent", "told"]);
}

#[tokio::test]
async fn each_partition_of_a_request_has_its_own_outcome() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    let mut flipped = batch(&["flipped"]).to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let batches = vec![
        (0, batch(&["first"])),
        (7, batch(&["nowhere"])),
        (1, Bytes::from(flipped)),
        (1, batch(&["second"])),
    ];
    let mut answer = client.ask(12, &produce_by_name(-1, "t", batches)).await;
    let outcomes: Vec<_> = answer
        .responses
        .remove(0)
        .partition_responses
        .into_iter()
        .map(|partition| (partition.index, partition.error_code, partition.base_offset))
        .collect();
    assert_eq!(
        outcomes,
        [
            (0, ErrorCode::None, 0),
            (7, ErrorCode::UnknownTopicOrPartition, -1),
            (1, ErrorCode::CorruptMessage, -1),
            (1, ErrorCode::None, 0),
        ]
    );
    assert_eq!(texts(&client.read_all("t", 1, 0).await), ["second"]);
}

#[tokio::test]
async fn log_append_time_is_stamped_and_told() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client
        .create("t", 1, &[("message.timestamp.type", "LogAppendTime")])
        .await;
    let before = support::data::now_ms();
    let produced = client.produce("t", 0, batch(&["stamped"])).await;
    let after = support::data::now_ms();
    assert!(
        (before..=after).contains(&produced.log_append_time_ms),
        "{produced:?}"
    );
    let found = client.offset_at("t", 0, -3).await;
    assert_eq!(
        (found.offset, found.timestamp),
        (0, produced.log_append_time_ms)
    );
}

#[tokio::test]
async fn synced_durability_shows_and_acknowledges_what_is_flushed() {
    let broker = start(&[("kafkalite.durability", "synced")]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    let both = vec![(0, batch(&["a"])), (1, batch(&["b"]))];
    let answer = client.ask(12, &produce_by_name(-1, "t", both)).await;
    assert!(
        answer.responses[0]
            .partition_responses
            .iter()
            .all(|partition| partition.error_code.is_none())
    );
    for partition in 0..2 {
        assert_eq!(client.fetch("t", partition, 0).await.high_watermark, 1);
    }
    // Nobody waits for this one; it is flushed and becomes visible all the same.
    client
        .send(12, &produce_by_name(0, "t", vec![(0, batch(&["silent"]))]))
        .await;
    let mut request = fetch_by_name("t", vec![from(0, 1)]);
    (request.session_epoch, request.max_wait_ms) = (-1, 20_000);
    let found = fetched(client.ask(12, &request).await)
        .remove(0)
        .records
        .into_bytes();
    assert_eq!(texts(&values(&found)), ["silent"]);
}
