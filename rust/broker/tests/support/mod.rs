//! What the tests of this folder share: a broker in a temporary directory, and a client that sends raw frames.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test file uses its own part

pub mod child;
pub mod cluster;
pub mod data;
pub mod groups;
pub mod warnings;
pub mod zookeeper;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafkalite_broker::{Broker, BrokerConfig, BrokerError};
use kafkalite_log::LogError;
use kafkalite_wire::api::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use kafkalite_wire::{Request, RequestHeader, Response};
use kafkalite_world::{ManualClock, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long anything may take before a test gives up; nothing is measured by it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A configuration on `dir` and a free port, with more settings.
pub fn config(dir: &std::path::Path, settings: &[(&str, &str)]) -> BrokerConfig {
    let mut config = BrokerConfig::new();
    config.set("listeners", "PLAINTEXT://127.0.0.1:0").unwrap();
    config.set("log.dirs", dir.to_str().unwrap()).unwrap();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    config
}

/// A broker that has a directory of its own until both are dropped.
pub struct TestBroker {
    pub broker: Broker,
    pub dir: tempfile::TempDir,
}

pub async fn start(settings: &[(&str, &str)]) -> TestBroker {
    start_in(World::real(), settings).await
}

/// The same with this clock, disk and dice.
pub async fn start_in(world: World, settings: &[(&str, &str)]) -> TestBroker {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), settings);
    let broker = Broker::start_in(config, world).await.unwrap();
    TestBroker { broker, dir }
}

/// A broker whose clock shows the present until the test turns it.
pub async fn start_with_clock(settings: &[(&str, &str)]) -> (TestBroker, Arc<ManualClock>) {
    let clock = ManualClock::at(data::now_ms());
    let world = World {
        clock: clock.clone(),
        ..World::real()
    };
    (start_in(world, settings).await, clock)
}

/// Starts a broker on the directory of one that was dropped without a stop, as if that had crashed: its tasks end a
/// little later, and only then is the directory free.
pub async fn restart(dir: &std::path::Path, settings: &[(&str, &str)]) -> Broker {
    let free = async {
        loop {
            match Broker::start(config(dir, settings)).await {
                Err(BrokerError::Storage(LogError::DirectoryInUse { .. })) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                started => return started.unwrap(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, free)
        .await
        .expect("the dropped broker lets go")
}

impl TestBroker {
    pub async fn connect(&self) -> Client {
        Client::connect(&self.broker).await
    }

    /// Fails unless the broker still answers a new client.
    pub async fn assert_well(&self) {
        let answer = self.connect().await.ask(4, &introduction()).await;
        assert!(answer.error_code.is_none() && !answer.api_keys.is_empty());
    }
}

/// One connection.
pub struct Client {
    pub stream: TcpStream,
    correlation_id: i32,
}

impl Client {
    pub async fn connect(broker: &Broker) -> Self {
        Self::connect_to(broker.address()).await
    }

    pub async fn connect_to(address: std::net::SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    pub fn over(stream: TcpStream) -> Self {
        Self {
            stream,
            correlation_id: 0,
        }
    }

    /// Sends a request and reads its answer; `None` when the broker has gone away instead.
    pub async fn try_ask<R: Request>(&mut self, version: i16, request: &R) -> Option<R::Response> {
        self.correlation_id += 1;
        self.stream
            .write_all(&frame(version, self.correlation_id, request))
            .await
            .ok()?;
        Some(R::Response::decode(self.frame().await?, version).unwrap().1)
    }

    /// Sends a request and returns its correlation id.
    pub async fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        self.correlation_id += 1;
        self.raw(&frame(version, self.correlation_id, request))
            .await;
        self.correlation_id
    }

    /// Sends a request and reads its answer.
    pub async fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let sent = self.send(version, request).await;
        let (correlation_id, response) =
            R::Response::decode(self.frame().await.expect("an answer"), version).unwrap();
        assert_eq!(correlation_id, sent);
        response
    }

    pub async fn raw(&mut self, bytes: &[u8]) {
        tokio::time::timeout(PATIENCE, self.stream.write_all(bytes))
            .await
            .expect("the broker reads")
            .unwrap();
    }

    /// The next frame without its length; `None` when the broker has closed the connection.
    pub async fn frame(&mut self) -> Option<Bytes> {
        let read = async {
            let len = self.stream.read_i32().await.ok()?;
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            self.stream.read_exact(&mut bytes).await.ok()?;
            Some(Bytes::from(bytes))
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("an answer or a closed connection")
    }

    /// Fails unless the broker closes the connection without another answer.
    pub async fn assert_closed(&mut self) {
        assert_eq!(self.frame().await, None);
    }
}

/// A request as bytes on the wire.
pub fn frame<R: Request>(version: i16, correlation_id: i32, request: &R) -> Vec<u8> {
    let header = RequestHeader {
        api_version: version,
        correlation_id,
        client_id: Some("test".to_owned()),
    };
    request.encode(&header).unwrap().into_bytes().to_vec()
}

/// A client's first request.
pub fn introduction() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "test".to_owned(),
        client_software_version: "1.0".to_owned(),
        ..Default::default()
    }
}

/// The answer to [`introduction`] in `frame`.
pub fn introduced(frame: Bytes, version: i16) -> (i32, ApiVersionsResponse) {
    ApiVersionsResponse::decode(frame, version).unwrap()
}

/// Resident memory of this process in bytes.
pub fn resident() -> usize {
    resident_of("self")
}

/// Resident memory in bytes of the process with this id.
fn resident_of(process: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Copies a directory with all that is in it: what a killed process would leave behind.
pub fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
