//! Publishing and reading, in every way, against both brokers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashMap;
use std::time::UNIX_EPOCH;

use kafkalite_client::{
    ClientError, Consumer, Header, ProducerRecord, StartAt, TopicPartition, partition_of_key,
};
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
    every_part_of_a_record_survives_every_compression(bootstrap).await;
    a_million_small_messages_arrive_once_and_in_order(bootstrap).await;
    a_message_set_is_one_batch(bootstrap).await;
    keys_go_where_java_puts_them(bootstrap).await;
    records_without_a_key_use_every_partition(bootstrap).await;
    a_full_buffer_waits(bootstrap).await;
    without_acks_everything_is_written(bootstrap).await;
    a_topic_is_created_by_publishing(bootstrap).await;
    a_partition_that_was_added_is_found(bootstrap).await;
}

async fn a_partition_that_was_added_is_found(bootstrap: &str) {
    let topic = topic(bootstrap, "grows", 1).await;
    let producer = producer(bootstrap, &[("linger.ms", "0")]);
    let to_second = ProducerRecord {
        partition: Some(1),
        value: Some(b"x"),
        ..record(&topic)
    };
    let early = producer.send(&to_second).await.unwrap_err();
    assert!(
        early.to_string().ends_with("has no partition 1; it has 1"),
        "{early}"
    );
    admin(bootstrap).create_partitions(&topic, 2).await.unwrap();
    let sent = async {
        loop {
            match producer.send(&to_second).await {
                Ok(delivery) => return delivery.wait().await,
                // One of several brokers may not know yet.
                Err(ClientError::UnknownPartition { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    };
    let written = tokio::time::timeout(PATIENCE, sent).await.unwrap();
    assert_eq!(written.unwrap().partition, 1);
    assert_eq!(producer.known_partition_count(&topic), Some(2));
}

async fn every_part_of_a_record_survives_every_compression(bootstrap: &str) {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = topic(bootstrap, codec, 1).await;
        let producer = producer(bootstrap, &[("compression.type", codec)]);
        let now = UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
        let long = b"long ".repeat(1000);
        let headers = [
            Header::new("a", b"1"),
            Header {
                key: b"a",
                value: None,
            },
            Header::new("b", b""),
        ];
        let records = [
            ProducerRecord {
                value: Some(b"plain"),
                timestamp: Some(now - 60_000),
                ..record(&topic)
            },
            ProducerRecord {
                key: Some(b"key"),
                value: None,
                timestamp: Some(now - 90_000),
                ..record(&topic)
            },
            ProducerRecord {
                key: Some(b""),
                value: Some(&long),
                headers: &headers,
                ..record(&topic)
            },
        ];
        for sent in &records {
            let delivery = producer.send(sent).await.unwrap();
            let written = delivery.wait().await.unwrap();
            assert_eq!((&*written.topic, written.partition), (&*topic, 0));
            assert_eq!(
                sent.timestamp.unwrap_or(written.timestamp),
                written.timestamp
            );
        }
        producer.close(PATIENCE).await.unwrap();

        let consumer = consumer(bootstrap, &[]);
        consumer.assign(all(&topic, 1, StartAt::Beginning));
        let mut count = 0;
        while count < records.len() {
            let batch = next(&consumer).await;
            for got in batch.records() {
                let (got, sent) = (got.unwrap(), &records[count]);
                assert_eq!(
                    (got.offset, got.key, got.value),
                    (count as i64, sent.key, sent.value),
                    "{codec}"
                );
                assert_eq!(sent.timestamp.unwrap_or(got.timestamp), got.timestamp);
                assert_eq!(
                    got.headers.map(Result::unwrap).collect::<Vec<_>>(),
                    sent.headers
                );
                count += 1;
            }
        }
    }
}

fn record(topic: &str) -> ProducerRecord<'_> {
    ProducerRecord {
        topic,
        ..ProducerRecord::default()
    }
}

async fn a_million_small_messages_arrive_once_and_in_order(bootstrap: &str) {
    const COUNT: u32 = 1_000_000;
    let topic = topic(bootstrap, "million", 4).await;
    let consumer = consumer(bootstrap, &[]);
    consumer.assign(all(&topic, 4, StartAt::Beginning));
    let publish = async {
        let producer = producer(bootstrap, &[("compression.type", "lz4")]);
        for number in 0..COUNT {
            let record = ProducerRecord {
                value: Some(&number.to_be_bytes()),
                ..record(&topic)
            };
            producer.send(&record).await.unwrap();
        }
        producer.close(PATIENCE).await.unwrap();
    };
    let consume = async {
        let mut seen = vec![false; COUNT as usize];
        let mut last: HashMap<i32, (i64, u32)> = HashMap::new();
        let mut count = 0;
        while count < COUNT {
            let batch = next(&consumer).await;
            for record in batch.records() {
                let record = record.unwrap();
                let number = u32::from_be_bytes(record.value.unwrap().try_into().unwrap());
                assert!(
                    !std::mem::replace(&mut seen[number as usize], true),
                    "{number} came twice"
                );
                if let Some((offset, before)) =
                    last.insert(batch.partition(), (record.offset, number))
                {
                    assert!(
                        record.offset == offset + 1 && number > before,
                        "order within the partition"
                    );
                }
                count += 1;
            }
        }
    };
    tokio::join!(publish, consume);
}

async fn a_message_set_is_one_batch(bootstrap: &str) {
    let topic = topic(bootstrap, "set", 3).await;
    let producer = producer(bootstrap, &[("batch.size", "100"), ("linger.ms", "0")]);
    let values: Vec<_> = (0..50).map(|number: u32| number.to_string()).collect();
    let set: Vec<_> = values
        .iter()
        .map(|v| ProducerRecord {
            value: Some(v.as_bytes()),
            ..record("")
        })
        .collect();
    let delivery = producer
        .send_set(&topic, Some(2), None, &set)
        .await
        .unwrap();
    let written = delivery.wait().await.unwrap();
    assert_eq!((written.partition, written.offset), (2, Some(0)));
    let consumer = consumer(bootstrap, &[]);
    consumer.assign(all(&topic, 3, StartAt::Beginning));
    let batch = next(&consumer).await;
    assert_eq!(
        (
            batch.partition(),
            batch.decoded().unwrap().header().record_count
        ),
        (2, 50)
    );
    assert!(
        producer.send_set(&topic, None, None, &[]).await.is_err(),
        "an empty set is nothing to send"
    );
}

async fn keys_go_where_java_puts_them(bootstrap: &str) {
    let topic = topic(bootstrap, "keys", 7).await;
    let producer = producer(bootstrap, &[]);
    for key in ["21", "foobar", "a-little-bit-long-string", "abc"] {
        let delivery = producer
            .send(&ProducerRecord {
                key: Some(key.as_bytes()),
                ..record(&topic)
            })
            .await
            .unwrap();
        assert_eq!(
            delivery.wait().await.unwrap().partition,
            partition_of_key(key.as_bytes(), 7)
        );
    }
    let explicit = ProducerRecord {
        key: Some(b"abc"),
        partition: Some(6),
        ..record(&topic)
    };
    assert_eq!(producer.send(&explicit).await.unwrap().partition(), 6);
    let unknown = producer
        .send(&ProducerRecord {
            partition: Some(7),
            ..record(&topic)
        })
        .await
        .unwrap_err();
    assert!(
        unknown
            .to_string()
            .ends_with("has no partition 7; it has 7"),
        "{unknown}"
    );
    producer.flush().await.unwrap();
}

async fn records_without_a_key_use_every_partition(bootstrap: &str) {
    let topic = topic(bootstrap, "sticky", 4).await;
    for partitioner in ["default", "random"] {
        let settings = [
            ("partitioner", partitioner),
            ("batch.size", "1000"),
            ("linger.ms", "0"),
        ];
        let producer = producer(bootstrap, &settings);
        let mut used = [0; 4];
        for _ in 0..2000 {
            let delivery = producer
                .send(&ProducerRecord {
                    value: Some(&[0; 50]),
                    ..record(&topic)
                })
                .await
                .unwrap();
            used[delivery.partition() as usize] += 1;
        }
        producer.close(PATIENCE).await.unwrap();
        assert!(
            used.iter().all(|count| *count > 0),
            "{partitioner}: {used:?}"
        );
    }
}

async fn a_full_buffer_waits(bootstrap: &str) {
    let topic = topic(bootstrap, "full", 1).await;
    let producer = producer(
        bootstrap,
        &[
            ("buffer.memory", "2000"),
            ("linger.ms", "60000"),
            ("max.block.ms", "60000"),
        ],
    );
    for number in 0..500_u32 {
        let value = [number as u8; 300];
        producer
            .send(&ProducerRecord {
                value: Some(&value),
                ..record(&topic)
            })
            .await
            .unwrap();
    }
    producer.close(PATIENCE).await.unwrap();
    let consumer = consumer(bootstrap, &[]);
    consumer.assign(all(&topic, 1, StartAt::Beginning));
    let values = read(&consumer, 500).await;
    assert!(
        values
            .iter()
            .enumerate()
            .all(|(number, (_, _, value))| value[0] == number as u8)
    );
}

async fn without_acks_everything_is_written(bootstrap: &str) {
    for acks in ["0", "1"] {
        let topic = topic(bootstrap, "acks", 1).await;
        let producer = producer(bootstrap, &[("acks", acks), ("batch.size", "10000")]);
        let mut deliveries = Vec::new();
        for _ in 0..1000 {
            deliveries.push(
                producer
                    .send(&ProducerRecord {
                        value: Some(&[1; 100]),
                        ..record(&topic)
                    })
                    .await
                    .unwrap(),
            );
        }
        producer.flush().await.unwrap();
        let last = deliveries[999].wait().await.unwrap();
        assert_eq!(last.offset, (acks == "1").then_some(999));
        let consumer = consumer(bootstrap, &[]);
        consumer.assign(all(&topic, 1, StartAt::Beginning));
        assert_eq!(read(&consumer, 1000).await.len(), 1000);
    }
}

async fn a_topic_is_created_by_publishing(bootstrap: &str) {
    let topic = support::fresh("created");
    let producer = producer(bootstrap, &[]);
    producer
        .send(&ProducerRecord {
            value: Some(b"x"),
            ..record(&topic)
        })
        .await
        .unwrap();
    producer.close(PATIENCE).await.unwrap();
    let consumer = consumer(bootstrap, &[]);
    let partitions = consumer.partitions(&topic, PATIENCE).await.unwrap();
    consumer.assign(
        partitions
            .iter()
            .map(|number| (TopicPartition::new(&*topic, *number), StartAt::Reset)),
    );
    assert_eq!(read_one(&consumer).await, b"x");
}

async fn read_one(consumer: &Consumer) -> Vec<u8> {
    read(consumer, 1).await.remove(0).2
}
