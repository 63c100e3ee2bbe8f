//! What a broker answers that is one of two: asked over a socket, with an image of the cluster that some other keeper than its own
//! catalog has told. Broker 0 is asked; 2 is in the image only.

#![allow(clippy::unwrap_used)]

mod groups;
mod partitions;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafkalite_cluster::{BrokerImage, ClusterImage, Endpoint, PartitionImage, TopicImage};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};
use kafkalite_wire::{Request, RequestHeader, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::state::BrokerState;
use crate::{Broker, BrokerConfig};

/// How long anything may take before a test gives up; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(20);

const ME: i32 = 0;
const OTHER: i32 = 2;

/// Broker 0, until it is dropped.
struct OneOfTwo {
    broker: Broker,
    _dir: tempfile::TempDir,
}

/// Starts it in a cluster with these topics.
async fn start(topics: Vec<TopicImage>) -> OneOfTwo {
    let dir = tempfile::tempdir().unwrap();
    let mut config = BrokerConfig::new();
    config.set("listeners", "PLAINTEXT://127.0.0.1:0").unwrap();
    config
        .set("log.dirs", dir.path().to_str().unwrap())
        .unwrap();
    let broker = Broker::start(config).await.unwrap();
    let one = OneOfTwo { broker, _dir: dir };
    one.tell(image(topics));
    one
}

/// The cluster of both with these topics.
fn image(topics: Vec<TopicImage>) -> ClusterImage {
    let other = BrokerImage {
        endpoint: Some(Endpoint {
            host: "other".to_owned(),
            port: 9092,
        }),
        rack: None,
    };
    let brokers = [(ME, BrokerImage::default()), (OTHER, other)];
    let mut image = ClusterImage::new(brokers.into(), Some(OTHER));
    for topic in topics {
        image.insert(Arc::new(topic));
    }
    image
}

fn topic(name: &str, partitions: Vec<PartitionImage>) -> TopicImage {
    TopicImage {
        name: name.into(),
        id: Uuid::from_u128(name.bytes().map(u128::from).sum()),
        partitions,
    }
}

/// A partition that lies on these brokers, the first of which leads it.
fn on(replicas: &[i32], leader_epoch: i32) -> PartitionImage {
    PartitionImage::healthy(replicas.into(), leader_epoch)
}

/// One of which nobody else must have anything.
fn followed(replicas: &[i32], leader_epoch: i32) -> PartitionImage {
    PartitionImage {
        in_sync: [replicas[0]].into(),
        ..on(replicas, leader_epoch)
    }
}

impl OneOfTwo {
    fn state(&self) -> Arc<BrokerState> {
        self.broker.state().unwrap()
    }

    fn tell(&self, image: ClusterImage) {
        self.state().registry.tell(image);
    }

    /// Returns when a fetch waits at partition 0 of a topic.
    async fn waiting(&self, topic: &str) {
        let here = self.state().replicas.by_name(topic).unwrap();
        let waits = async {
            while here.partition(0).unwrap().waiting() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waits).await.unwrap();
    }

    async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.broker.address()).await.unwrap();
        Client { stream }
    }
}

/// One connection.
struct Client {
    stream: TcpStream,
}

impl Client {
    async fn send<R: Request>(&mut self, api_version: i16, request: &R) {
        let header = RequestHeader {
            api_version,
            correlation_id: 7,
            client_id: Some("test".to_owned()),
        };
        let frame = request.encode(&header).unwrap().into_bytes();
        self.stream.write_all(&frame).await.unwrap();
    }

    async fn receive<R: Response>(&mut self, api_version: i16) -> R {
        let read = async {
            let len = self.stream.read_i32().await.unwrap();
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            self.stream.read_exact(&mut bytes).await.unwrap();
            Bytes::from(bytes)
        };
        let frame = tokio::time::timeout(PATIENCE, read).await.unwrap();
        R::decode(frame, api_version).unwrap().1
    }

    async fn ask<R: Request>(&mut self, api_version: i16, request: &R) -> R::Response {
        self.send(api_version, request).await;
        self.receive(api_version).await
    }
}

/// A batch of one message.
fn batch() -> Bytes {
    let mut builder = BatchBuilder::new(1000);
    assert!(builder.try_append(0, None, Some(b"value"), &[]));
    let mut compressor = Compressor::new(Compression::None, None).unwrap();
    let built = builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor);
    built.unwrap()
}
