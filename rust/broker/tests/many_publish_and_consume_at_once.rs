//! Many producers and consumers on the same partitions: everything arrives, once, in order.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_records::Compression;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::FetchRequest;
use support::data::{batch_of, fetch_by_id, from, origin, produce_by_name, values};
use support::{TestBroker, start};

const PARTITIONS: i32 = 4;
const PRODUCERS: i64 = 6;
const BATCHES: i32 = 60;
const RECORDS: i32 = 5;

/// Sends "producer:n" for n = 0, 1, 2, … to the partitions in turn; some of the batches twice, as after a lost answer.
async fn publish(broker: Arc<TestBroker>, producer: i64) {
    let mut client = broker.connect().await;
    let id = client.producer_id().await;
    for n in 0..BATCHES {
        let values: Vec<String> = (0..RECORDS)
            .map(|k| format!("{producer}:{}", n * RECORDS + k))
            .collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let partition = n % PARTITIONS;
        let batch = batch_of(
            &values,
            Compression::Lz4,
            origin(id, n / PARTITIONS * RECORDS),
        );
        for _ in 0..=i32::from(n % 7 == 0) {
            let request = produce_by_name(-1, "t", vec![(partition, batch.clone())]);
            let answer = client.ask(12, &request).await;
            let outcome = &answer.responses[0].partition_responses[0];
            assert_eq!(outcome.error_code, ErrorCode::None, "{outcome:?}");
        }
    }
}

/// Follows all partitions in one session until everything has come, and returns what came from each.
async fn consume(broker: Arc<TestBroker>, topic_id: uuid::Uuid) -> HashMap<i32, Vec<String>> {
    let mut client = broker.connect().await;
    let mut next = vec![0; PARTITIONS as usize];
    let mut found: HashMap<i32, Vec<String>> = HashMap::new();
    let (mut session_id, mut session_epoch) = (0, 0);
    let total = (PRODUCERS * i64::from(BATCHES * RECORDS)) as usize;
    let mut changed: Vec<i32> = (0..PARTITIONS).collect();
    while found.values().map(Vec::len).sum::<usize>() < total {
        let wanted = changed
            .drain(..)
            .map(|partition| from(partition, next[partition as usize]));
        let request = FetchRequest {
            max_wait_ms: 600_000,
            max_bytes: 2000,
            session_id,
            session_epoch,
            ..fetch_by_id(topic_id, wanted.collect())
        };
        let answer = client.ask(18, &request).await;
        assert_eq!(answer.error_code, ErrorCode::None);
        (session_id, session_epoch) = (answer.session_id, session_epoch + 1);
        for partition in answer
            .responses
            .into_iter()
            .flat_map(|topic| topic.partitions)
        {
            assert_eq!(partition.error_code, ErrorCode::None);
            let index = partition.partition_index;
            for (offset, value) in values(&partition.records.into_bytes()) {
                assert_eq!(offset, next[index as usize], "no gap, nothing twice");
                next[index as usize] += 1;
                found.entry(index).or_default().push(value);
            }
            changed.push(index);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_arrives_once_and_in_order() {
    for durability in ["visible", "synced"] {
        let broker = Arc::new(start(&[("kafkalite.durability", durability)]).await);
        let segments = [("internal.segment.bytes", "3000")];
        let id = broker
            .connect()
            .await
            .create("t", PARTITIONS, &segments)
            .await;
        let consumers: Vec<_> = (0..4)
            .map(|_| tokio::spawn(consume(Arc::clone(&broker), id)))
            .collect();
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| tokio::spawn(publish(Arc::clone(&broker), producer)))
            .collect();
        for producer in producers {
            producer.await.unwrap();
        }
        let mut all = Vec::new();
        for consumer in consumers {
            let consumer = tokio::time::timeout(3 * support::PATIENCE, consumer).await;
            all.push(consumer.expect("everything comes").unwrap());
        }
        assert!(
            all.windows(2).all(|pair| pair[0] == pair[1]),
            "all consumers see the same"
        );
        for values in all[0].values() {
            for producer in 0..PRODUCERS {
                let of = |value: &String| {
                    let (who, n) = value.split_once(':').unwrap();
                    (who == producer.to_string()).then(|| n.parse::<i32>().unwrap())
                };
                let numbers: Vec<i32> = values.iter().filter_map(of).collect();
                assert_eq!(numbers.len() as i32, BATCHES / PARTITIONS * RECORDS);
                assert!(numbers.is_sorted(), "one producer's records stay in order");
            }
        }
    }
}
