//! A broker for the tests that are in here because they need what is not public.

use std::time::Duration;

use kafkalite_broker::{Broker, BrokerConfig};
use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::admin::{Admin, NewTopic};
use crate::config::{AdminConfig, ProducerConfig};
use crate::producer::{Producer, ProducerRecord};

/// Longer than anything takes that does not fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A broker in this process, which ends with this.
pub(crate) struct BrokerWithTopic {
    pub(crate) bootstrap: String,
    _broker: Broker,
    _directory: TempDir,
}

impl BrokerWithTopic {
    /// One with a topic `t`, in each of whose partitions is one batch with one record of 100,000 zeros. `settings` are the
    /// producer's.
    pub(crate) async fn start(partitions: i32, settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = BrokerConfig::new();
        let path = directory.path().join("data");
        config.set("log.dirs", path.to_str().unwrap()).unwrap();
        config.set("listeners", "PLAINTEXT://127.0.0.1:0").unwrap();
        let broker = Broker::start(config).await.unwrap();
        let bootstrap = broker.address().to_string();
        let address = ("bootstrap.servers", &*bootstrap);
        let admin = Admin::new(AdminConfig::from_pairs([address]).unwrap()).unwrap();
        let topic = NewTopic::new("t", partitions);
        admin.create_topic(&topic).await.unwrap();
        let settings = settings.iter().copied().chain([address]);
        let config = ProducerConfig::from_pairs(settings).unwrap();
        let producer = Producer::new(config, &Handle::current()).unwrap();
        let value = vec![0; 100_000];
        for partition in 0..partitions {
            let record = ProducerRecord {
                topic: "t",
                partition: Some(partition),
                value: Some(&value),
                ..ProducerRecord::default()
            };
            producer.send(&record).await.unwrap();
        }
        producer.close(PATIENCE).await.unwrap();
        Self {
            bootstrap,
            _broker: broker,
            _directory: directory,
        }
    }
}
