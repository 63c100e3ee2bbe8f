//! ZooKeeper, a broker, a topic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafkalite_client::{
    ConsumerConfig, ConsumerSubscription, ErrorCode, NewTopic, ProducerRecord, TopicPartition,
    ZooKeeperConfig, ZooKeeperConsumer,
};
use kafkalite_coordination::assignment::{OwnershipStrategy, assign};
use kafkalite_coordination::registries::{
    BrokerEndpoint, BrokerZnode, ConsumerId, ConsumerZnode, GroupPaths, OffsetZnode, OwnerZnode,
    TopicReplicas, TopicZnode, Znode, paths,
};
use kafkalite_coordination::session::ZooKeeperSession;
use kafkalite_world::World;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::reader::Reader;
use super::server::{LONG, Server, ensemble};
use super::support::{Kafkalite, PATIENCE, Peer, admin, fresh, producer, topic};

pub(crate) const PARTITIONS: i32 = 6;

/// A broker, a topic, and the registries that say so.
pub(crate) struct Place {
    pub(crate) server: Server,
    pub(crate) session: ZooKeeperSession,
    bootstrap: String,
    pub(crate) topic: String,
    pub(crate) paths: GroupPaths,
    /// What ends with this.
    _broker: Option<Kafkalite>,
}

impl Place {
    /// With a broker of ours, which the test registers.
    pub(crate) async fn new() -> Option<Self> {
        let server = Server::start()?;
        let session = ensemble(&server.address(), LONG).connect().await.unwrap();
        let setting = ("log.message.downconversion.enable", "true");
        let broker = Kafkalite::with_settings(&[setting]).await;
        let bootstrap = broker.bootstrap();
        let topic = topic(&bootstrap, "t", PARTITIONS).await;
        let (host, port) = bootstrap.rsplit_once(':').unwrap();
        let value = BrokerZnode {
            endpoints: vec![BrokerEndpoint {
                listener: "PLAINTEXT".to_owned(),
                protocol: "PLAINTEXT".to_owned(),
                host: host.to_owned(),
                port: port.parse().unwrap(),
            }],
            rack: None,
            timestamp: 0,
        };
        let path = paths::broker(0);
        session.register(&path, &value.write()).await.unwrap();
        let replicas = (0..PARTITIONS).map(|partition| (partition, TopicReplicas::default()));
        let value = TopicZnode {
            id: None,
            partitions: replicas.collect(),
        };
        let path = paths::topic(&topic);
        session.create(&path, &value.write()).await.unwrap();
        Some(Self {
            server,
            session,
            bootstrap,
            topic,
            paths: GroupPaths::new("g").unwrap(),
            _broker: Some(broker),
        })
    }

    /// With a broker that has registered itself.
    pub(crate) async fn of(server: Server, bootstrap: String) -> Self {
        let session = ensemble(&server.address(), LONG).connect().await.unwrap();
        // Before Kafka 2.4 there is no default of replicas to ask for.
        let topic = NewTopic {
            replication_factor: 1,
            ..NewTopic::new(fresh("t"), PARTITIONS)
        };
        // It answers before it knows who is the controller.
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = admin(&bootstrap).create_topic(&topic).await {
            let code = error.code();
            assert_eq!(code, Some(ErrorCode::BrokerNotAvailable), "{error}");
            assert!(Instant::now() < deadline, "{error}");
            sleep(Duration::from_millis(50)).await;
        }
        let topic = topic.name;
        Self {
            server,
            session,
            bootstrap,
            topic,
            paths: GroupPaths::new("g").unwrap(),
            _broker: None,
        }
    }

    /// So many messages for each partition.
    pub(crate) async fn publish(&self, each: usize) {
        let producer = producer(&self.bootstrap, &[]);
        for partition in 0..PARTITIONS {
            let value = partition.to_string();
            let record = ProducerRecord {
                value: Some(value.as_bytes()),
                ..ProducerRecord::default()
            };
            let records = vec![record; each];
            let sent = producer.send_set(&self.topic, Some(partition), None, &records);
            sent.await.unwrap();
        }
        producer.close(PATIENCE).await.unwrap();
    }

    pub(crate) async fn join(&self, streams: u32, session_ms: &str) -> Reader {
        let config =
            ConsumerConfig::from_pairs([("group.id", "g"), ("auto.commit.interval.ms", "200")]);
        let settings = ZooKeeperConfig::from_pairs([
            ("zookeeper.connect", &*self.server.address()),
            ("zookeeper.session.timeout.ms", session_ms),
        ]);
        let subscription = ConsumerSubscription::Topics([(self.topic.clone(), streams)].into());
        let (config, settings) = (config.unwrap(), settings.unwrap());
        let (world, runtime) = (World::real(), Handle::current());
        let opened = ZooKeeperConsumer::open(config, &settings, subscription, &world, &runtime);
        Reader::new(opened.await.unwrap())
    }

    /// Who owns what, by the registry.
    pub(crate) async fn owners(&self) -> BTreeMap<TopicPartition, String> {
        let mut owners = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let path = self.paths.owner(&self.topic, partition);
            if let Some(node) = self.session.get(&path).await.unwrap() {
                let OwnerZnode(thread) = node.value().unwrap();
                let of = TopicPartition::new(&*self.topic, partition);
                owners.insert(of, thread.to_string());
            }
        }
        owners
    }

    /// The division of P16 among those who are registered.
    pub(crate) async fn division(&self) -> BTreeMap<TopicPartition, String> {
        let names = self.session.children(&self.paths.ids()).await.unwrap();
        let mut members = BTreeMap::new();
        for name in names.unwrap_or_default() {
            let id = ConsumerId::new(&name).unwrap();
            if let Some(node) = self.session.get(&self.paths.id(&id)).await.unwrap() {
                members.insert(id, node.value::<ConsumerZnode>().unwrap().subscription);
            }
        }
        let topics = [(Arc::from(&*self.topic), (0..PARTITIONS).collect())].into();
        let divided = assign(OwnershipStrategy::Range, &members, &topics, true);
        let owners = divided.owners.into_iter();
        owners
            .map(|(of, thread)| (of, thread.to_string()))
            .collect()
    }

    /// Waits until so many are registered and all is divided among them.
    pub(crate) async fn divided_among(&self, consumers: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let names = self.session.children(&self.paths.ids()).await.unwrap();
            let (owners, division) = (self.owners().await, self.division().await);
            if names.unwrap_or_default().len() == consumers && owners == division {
                return;
            }
            assert!(Instant::now() < deadline, "{owners:?} is not {division:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn committed(&self) -> Vec<Option<i64>> {
        let mut offsets = Vec::new();
        for partition in 0..PARTITIONS {
            let path = self.paths.offset(&self.topic, partition);
            let node = self.session.get(&path).await.unwrap();
            offsets.push(node.map(|node| node.value::<OffsetZnode>().unwrap().0));
        }
        offsets
    }
}
