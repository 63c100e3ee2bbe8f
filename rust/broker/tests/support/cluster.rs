//! Brokers that are one cluster over a real ZooKeeper.

use std::path::Path;
use std::time::Duration;

use kafkalite_broker::{Broker, BrokerError};
use kafkalite_wire::api::metadata::MetadataTopic;
use tempfile::TempDir;

use super::{Client, PATIENCE, config};

/// Short enough to wait for its end.
const SESSION: &str = "1500";

/// A broker of a cluster, on a directory that outlives it.
pub struct Member {
    pub id: i32,
    pub dir: TempDir,
    pub broker: Option<Broker>,
}

pub async fn started(id: i32, dir: &Path, zookeeper: &str) -> Result<Broker, BrokerError> {
    let id = id.to_string();
    let settings = [
        ("broker.id", &*id),
        ("zookeeper.connect", zookeeper),
        ("zookeeper.session.timeout.ms", SESSION),
        ("offsets.topic.num.partitions", "6"),
    ];
    Broker::start(config(dir, &settings)).await
}

impl Member {
    pub async fn start(id: i32, zookeeper: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = started(id, dir.path(), zookeeper).await.unwrap();
        Self {
            id,
            dir,
            broker: Some(broker),
        }
    }

    pub async fn start_again(&mut self, zookeeper: &str) {
        self.broker = Some(started(self.id, self.dir.path(), zookeeper).await.unwrap());
    }

    pub async fn stop(&mut self) {
        self.broker.take().unwrap().stop().await.unwrap();
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.broker.as_ref().unwrap()).await
    }

    pub fn has(&self, topic: &str) -> bool {
        let entries = std::fs::read_dir(self.dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let prefix = format!("{topic}-");
        names.into_iter().any(|name| {
            let number = name.strip_prefix(&prefix);
            number.is_some_and(|number| number.parse::<i32>().is_ok())
        })
    }
}

pub async fn cluster<const N: usize>(zookeeper: &str) -> [Member; N] {
    let mut members = Vec::new();
    for id in 1..=N as i32 {
        members.push(Member::start(id, zookeeper).await);
    }
    members.try_into().ok().unwrap()
}

/// Waits until something that is asked again and again is so.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect(what)
}

pub async fn topic_when(
    member: &Member,
    name: &str,
    is_so: impl Fn(&MetadataTopic) -> bool,
) -> MetadataTopic {
    eventually(name, || async {
        let found = member.connect().await.describe(name).await;
        is_so(&found).then_some(found)
    })
    .await
}

pub fn leaders(topic: &MetadataTopic) -> Vec<i32> {
    let partitions = topic.partitions.iter();
    partitions.map(|partition| partition.leader_id).collect()
}

pub async fn sees(member: &Member, ids: &[i32]) {
    eventually("brokers", || async {
        let told = member.connect().await.metadata(&["none"], false).await;
        let told: Vec<i32> = told.brokers.iter().map(|broker| broker.node_id).collect();
        (told == ids).then_some(())
    })
    .await;
}
