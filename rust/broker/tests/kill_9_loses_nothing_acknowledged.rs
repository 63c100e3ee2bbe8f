//! A broker process is killed in the middle of heavy publishing, again and again.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::path::Path;
use std::time::Duration;

use kafkalite_records::Compression;
use kafkalite_wire::api::produce::ProduceResponse;
use kafkalite_wire::{ErrorCode, Response};
use support::Client;
use support::child::ChildBroker;
use support::data::{batch_of, origin, produce_by_name};

const PARTITIONS: i32 = 3;
const RECORDS: i32 = 7;
const IN_FLIGHT: usize = 4;

/// An idempotent producer that writes batches 0, 1, 2, … to its partition, and remembers what was acknowledged. Its
/// batches are all or nothing: record k of batch n is "n.k".
struct Publisher {
    partition: i32,
    producer_id: i64,
    /// The first offset of each acknowledged batch.
    acknowledged: Vec<i64>,
}

impl Publisher {
    fn request(&self, n: usize) -> kafkalite_wire::api::produce::ProduceRequest {
        let values: Vec<String> = (0..RECORDS).map(|k| format!("{n}.{k}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let origin = origin(self.producer_id, n as i32 * RECORDS);
        let batch = batch_of(&values, Compression::None, origin);
        produce_by_name(-1, "t", vec![(self.partition, batch)])
    }

    /// Publishes until the broker is gone. What was on its way then is sent again next time.
    async fn publish(&mut self, client: &mut Client) {
        let mut sent = self.acknowledged.len();
        loop {
            while sent < self.acknowledged.len() + IN_FLIGHT {
                let frame = support::frame(9, sent as i32, &self.request(sent));
                if tokio::io::AsyncWriteExt::write_all(&mut client.stream, &frame)
                    .await
                    .is_err()
                {
                    return;
                }
                sent += 1;
            }
            let Some(frame) = client.frame().await else {
                return;
            };
            let (number, mut answer) = ProduceResponse::decode(frame, 9).unwrap();
            assert_eq!(
                number as usize,
                self.acknowledged.len(),
                "answers come in order"
            );
            let produced = answer.responses.remove(0).partition_responses.remove(0);
            assert_eq!(produced.error_code, ErrorCode::None, "{produced:?}");
            self.acknowledged.push(produced.base_offset);
        }
    }

    /// All that is acknowledged is there, in order, once; behind it at most what was on its way, in whole batches.
    async fn verify(&self, client: &mut Client) {
        let found = client.read_all("t", self.partition, 0).await;
        assert_eq!(found.len() % RECORDS as usize, 0, "half a batch");
        let batches = found.len() / RECORDS as usize;
        let acknowledged = self.acknowledged.len();
        assert!(
            (acknowledged..=acknowledged + IN_FLIGHT).contains(&batches),
            "{acknowledged} acknowledged, {batches} found"
        );
        for (at, (offset, value)) in (0..).zip(&found) {
            assert_eq!(
                (*offset, value.as_str()),
                (at, format!("{}.{}", at / 7, at % 7).as_str())
            );
        }
        for (n, offset) in (0..).zip(&self.acknowledged) {
            assert_eq!(*offset, n * i64::from(RECORDS));
        }
    }
}

async fn publish_and_kill(dir: &Path, settings: &[&str], rounds: u64) {
    let mut publishers: Vec<Publisher> = Vec::new();
    for round in 0..=rounds {
        let broker = ChildBroker::start(dir, settings);
        let mut admin = Client::connect_to(broker.address).await;
        if round == 0 {
            admin
                .create("t", PARTITIONS, &[("internal.segment.bytes", "20000")])
                .await;
        }
        let id = admin.producer_id().await;
        assert!(
            publishers
                .iter()
                .all(|publisher| publisher.producer_id < id),
            "an id came twice"
        );
        for partition in 0..PARTITIONS {
            match publishers.get(partition as usize) {
                Some(publisher) => publisher.verify(&mut admin).await,
                None => publishers.push(Publisher {
                    partition,
                    producer_id: if partition == 0 {
                        id
                    } else {
                        admin.producer_id().await
                    },
                    acknowledged: Vec::new(),
                }),
            }
        }
        if round == rounds {
            broker.stop();
            break;
        }
        let mut publishing = Vec::new();
        for mut publisher in publishers.drain(..) {
            let mut client = Client::connect_to(broker.address).await;
            publishing.push(tokio::spawn(async move {
                publisher.publish(&mut client).await;
                publisher
            }));
        }
        tokio::time::sleep(Duration::from_millis(60 + 70 * (round % 4))).await;
        broker.kill();
        for task in publishing {
            publishers.push(task.await.unwrap());
        }
    }
    assert!(
        publishers
            .iter()
            .all(|publisher| publisher.acknowledged.len() > 10)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_messages_visible_at_once() {
    let dir = tempfile::tempdir().unwrap();
    publish_and_kill(dir.path(), &[], 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_messages_visible_when_flushed() {
    let dir = tempfile::tempdir().unwrap();
    publish_and_kill(dir.path(), &["kafkalite.durability=synced"], 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_half_of_a_topic() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let broker = ChildBroker::start(dir.path(), &[]);
        let mut admin = Client::connect_to(broker.address).await;
        for topic in admin.metadata(&[], false).await.topics {
            let name = topic.name.unwrap();
            assert_eq!(topic.partitions.len(), 5, "{name}");
            for partition in 0..5 {
                admin.put(&name, partition, &["works"]).await;
            }
            assert_eq!(admin.delete(&name).await.error_code, ErrorCode::None);
        }
        let creating = tokio::spawn(async move {
            for n in 0.. {
                let wish = support::data::topic(&format!("t-{round}-{n}"), 5, &[]);
                let request = kafkalite_wire::api::create_topics::CreateTopicsRequest {
                    topics: vec![wish],
                    ..Default::default()
                };
                let frame = support::frame(7, n, &request);
                if tokio::io::AsyncWriteExt::write_all(&mut admin.stream, &frame)
                    .await
                    .is_err()
                    || admin.frame().await.is_none()
                {
                    return;
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(20 + 17 * round)).await;
        broker.kill();
        creating.await.unwrap();
    }
}
