//! Where reading starts, what seeking does, and what happens where there is nothing to read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use kafkalite_client::{ClientError, Consumer, ErrorCode, ProducerRecord, StartAt, TopicPartition};
use support::{
    Kafka, Kafkalite, PATIENCE, Peer, admin, all, consumer, next, producer, read, topic,
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
    a_seek_reads_from_exactly_there(bootstrap).await;
    a_position_out_of_the_log_follows_the_setting(bootstrap).await;
    a_full_buffer_holds_up_only_its_partition(bootstrap).await;
    a_consumer_that_waits_is_woken(bootstrap).await;
    a_recreated_topic_is_read_from_its_beginning(bootstrap).await;
}

/// `count` records with their number as value and base + number as timestamp, in batches of 10.
async fn publish(bootstrap: &str, topic: &str, partition: i32, count: usize) {
    let producer = producer(bootstrap, &[]);
    let values: Vec<_> = (0..count).map(|number| number.to_string()).collect();
    for (index, values) in values.chunks(10).enumerate() {
        let set: Vec<_> = values
            .iter()
            .zip(index * 10..)
            .map(|(value, number)| ProducerRecord {
                value: Some(value.as_bytes()),
                timestamp: Some(base() + number as i64),
                ..ProducerRecord::default()
            })
            .collect();
        producer
            .send_set(topic, Some(partition), None, &set)
            .await
            .unwrap();
    }
    producer.close(PATIENCE).await.unwrap();
}

/// Ten minutes before the test, in ms: records much older than that would fall to retention.
fn base() -> i64 {
    static BASE: OnceLock<i64> = OnceLock::new();
    *BASE.get_or_init(|| UNIX_EPOCH.elapsed().unwrap().as_millis() as i64 - 600_000)
}

async fn first(consumer: &Consumer) -> i64 {
    read(consumer, 1).await[0].1
}

async fn a_seek_reads_from_exactly_there(bootstrap: &str) {
    let topic = topic(bootstrap, "seek", 1).await;
    publish(bootstrap, &topic, 0, 100).await;
    let of = TopicPartition::new(&*topic, 0);
    let consumer = consumer(bootstrap, &[]);
    assert!(matches!(
        consumer.seek(&of, StartAt::Beginning),
        Err(ClientError::NotAssigned { .. })
    ));
    for (start, expected) in [
        (StartAt::Beginning, 0),
        (StartAt::Offset(57), 57),
        (StartAt::Offset(3), 3),
        (StartAt::Timestamp(base() + 42), 42),
        (StartAt::Timestamp(0), 0),
        (StartAt::Reset, 0),
    ] {
        consumer.assign([(of.clone(), start)]);
        assert_eq!(first(&consumer).await, expected, "assigned at {start:?}");
        consumer.seek(&of, StartAt::Offset(90)).unwrap();
        assert_eq!(first(&consumer).await, 90);
        consumer.seek(&of, start).unwrap();
        assert_eq!(first(&consumer).await, expected, "sought {start:?}");
    }
    // Batch by batch, positions follow what was taken.
    consumer.seek(&of, StartAt::Offset(95)).unwrap();
    let batch = next(&consumer).await;
    let offsets: Vec<_> = batch
        .records()
        .map(|record| record.unwrap().offset)
        .collect();
    assert_eq!(offsets, [95, 96, 97, 98, 99]);
    let layouts: Vec<_> = batch
        .clone()
        .into_layouts()
        .map(|layout| layout.unwrap().offset)
        .collect();
    assert_eq!(offsets, layouts);
    assert_eq!(
        (
            batch.next_offset(),
            batch.high_watermark(),
            batch.len_hint()
        ),
        (100, 100, 5)
    );
    assert_eq!(consumer.position(&of), Some(100));
    // At the end: what comes next. A time after all records is the end too.
    for start in [StartAt::End, StartAt::Timestamp(base() + 4000)] {
        consumer.seek(&of, start).unwrap();
        assert!(
            consumer
                .next_batch(Duration::from_millis(50))
                .await
                .unwrap()
                .is_none()
        );
    }
    let starts = [
        StartAt::Beginning,
        StartAt::End,
        StartAt::Timestamp(base() + 42),
        StartAt::Timestamp(base() + 4000),
    ];
    for (start, expected) in starts.into_iter().zip([Some(0), Some(100), Some(42), None]) {
        let found = consumer
            .offsets(&[(of.clone(), start)], PATIENCE)
            .await
            .unwrap();
        assert_eq!(found[&of].map(|found| found.offset), expected, "{start:?}");
    }
}

async fn a_position_out_of_the_log_follows_the_setting(bootstrap: &str) {
    let topic = topic(bootstrap, "range", 1).await;
    publish(bootstrap, &topic, 0, 100).await;
    let of = TopicPartition::new(&*topic, 0);
    let deleted = admin(bootstrap)
        .delete_records(&[(of.clone(), 40)])
        .await
        .unwrap();
    assert_eq!(deleted[&of], 40);
    let earliest = consumer(bootstrap, &[]);
    for outside in [0, 1_000_000] {
        earliest.assign([(of.clone(), StartAt::Offset(outside))]);
        assert_eq!(first(&earliest).await, 40);
    }
    let strict = consumer(bootstrap, &[("auto.offset.reset", "none")]);
    strict.assign([(of.clone(), StartAt::Offset(0))]);
    let error = strict.next_batch(PATIENCE).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::OffsetOutOfRange));
    assert!(
        error.to_string().starts_with("offset 0 of range-"),
        "{error}"
    );
    assert!(
        strict
            .next_batch(Duration::from_millis(20))
            .await
            .unwrap()
            .is_none(),
        "told once"
    );
    strict.seek(&of, StartAt::Offset(50)).unwrap();
    assert_eq!(first(&strict).await, 50);
}

async fn a_full_buffer_holds_up_only_its_partition(bootstrap: &str) {
    let topic = topic(bootstrap, "bounded", 2).await;
    publish(bootstrap, &topic, 0, 5000).await;
    let consumer = consumer(
        bootstrap,
        &[
            ("queued.max.bytes", "1000"),
            ("max.partition.fetch.bytes", "500"),
        ],
    );
    consumer.assign(all(&topic, 2, StartAt::Beginning));
    next(&consumer).await;
    // Its buffer is full again by now or soon; the other partition's records come nevertheless.
    publish(bootstrap, &topic, 1, 10).await;
    let mut seen = [10, 0];
    while seen[1] == 0 {
        let batch = next(&consumer).await;
        seen[batch.partition() as usize] += batch.len_hint();
    }
    assert!(
        seen[0] < 5000,
        "the full partition was not fetched to its end: {seen:?}"
    );
    while seen[0] < 5000 {
        let batch = next(&consumer).await;
        seen[batch.partition() as usize] += batch.len_hint();
    }
    let paused = TopicPartition::new(&*topic, 0);
    consumer.seek(&paused, StartAt::Beginning).unwrap();
    consumer.set_paused(&paused, true).unwrap();
    assert!(
        consumer
            .next_batch(Duration::from_millis(50))
            .await
            .unwrap()
            .is_none()
    );
    consumer.set_paused(&paused, false).unwrap();
    assert_eq!(first(&consumer).await, 0);
}

async fn a_consumer_that_waits_is_woken(bootstrap: &str) {
    let topic = topic(bootstrap, "wait", 1).await;
    let consumer = consumer(bootstrap, &[("fetch.max.wait.ms", "30000")]);
    consumer.assign(all(&topic, 1, StartAt::Beginning));
    let (batch, ()) = tokio::join!(next(&consumer), publish(bootstrap, &topic, 0, 10));
    assert_eq!(batch.len_hint(), 10);
    // A seek does not wait for the fetch that waits for data.
    consumer
        .seek(&TopicPartition::new(&*topic, 0), StartAt::Beginning)
        .unwrap();
    assert_eq!(first(&consumer).await, 0);
    let (ended, ()) = tokio::join!(consumer.next_batch(PATIENCE), async { consumer.close() });
    assert!(matches!(ended, Err(ClientError::Closed(_))));
}

async fn a_recreated_topic_is_read_from_its_beginning(bootstrap: &str) {
    let topic = topic(bootstrap, "again", 1).await;
    publish(bootstrap, &topic, 0, 20).await;
    let settings = [
        ("allow.auto.create.topics", "false"),
        ("retry.backoff.ms", "10"),
    ];
    let consumer = consumer(bootstrap, &settings);
    consumer.assign(all(&topic, 1, StartAt::Beginning));
    assert_eq!(read(&consumer, 20).await.len(), 20);
    let admin = admin(bootstrap);
    admin.delete_topic(&topic).await.unwrap();
    loop {
        match admin
            .create_topic(&kafkalite_client::NewTopic::new(&topic, 1))
            .await
        {
            Err(error) if error.code() == Some(ErrorCode::TopicAlreadyExists) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            created => break created.unwrap(),
        }
    }
    publish(bootstrap, &topic, 0, 30).await;
    let offsets: Vec<_> = read(&consumer, 30)
        .await
        .into_iter()
        .map(|(_, offset, _)| offset)
        .collect();
    assert_eq!(offsets, (0..30).collect::<Vec<_>>());
}
