//! kafkalite's broker, in this process.

use kafkalite_broker::{Broker, BrokerConfig};
use kafkalite_world::World;
use tempfile::TempDir;

use super::Peer;

pub(crate) struct Kafkalite {
    broker: Option<Broker>,
    bootstrap: String,
    directory: TempDir,
}

impl Kafkalite {
    pub(crate) async fn start() -> Self {
        Self::with_settings(&[]).await
    }

    /// One that clients are to reach at another address than its own.
    pub(crate) async fn advertising(address: Option<&str>) -> Self {
        let setting = address.map(|address| format!("PLAINTEXT://{address}"));
        let setting = setting.as_deref().map(|it| ("advertised.listeners", it));
        Self::with_settings(setting.as_slice()).await
    }

    pub(crate) async fn with_settings(settings: &[(&str, &str)]) -> Self {
        Self::start_in(&World::real(), settings).await
    }

    pub(crate) async fn start_in(world: &World, settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(&directory, "127.0.0.1:0");
        for (name, value) in settings {
            config.set(name, value).unwrap();
        }
        let broker = Broker::start_in(config, world.clone()).await.unwrap();
        Self {
            bootstrap: broker.address().to_string(),
            broker: Some(broker),
            directory,
        }
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.stop().await.unwrap();
        }
    }
}

impl Peer for Kafkalite {
    fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    async fn restart(&mut self) {
        self.stop().await;
        self.broker = Some(
            Broker::start(config(&self.directory, &self.bootstrap))
                .await
                .unwrap(),
        );
    }
}

fn config(directory: &TempDir, address: &str) -> BrokerConfig {
    let mut config = BrokerConfig::new();
    config
        .set("log.dirs", directory.path().join("data").to_str().unwrap())
        .unwrap();
    config
        .set("listeners", &format!("PLAINTEXT://{address}"))
        .unwrap();
    config
}
