//! What a broker is started with.

use kafkalite_names::shown;
use kafkalite_settings::{ConfigError, properties};

use super::accepted::{Foreign, foreign, ignored};
use super::values::{Layers, broker_row, topic_row};
use super::{BROKER, Overrides};
use crate::error::BrokerError;

/// Settings that were given explicitly; everything else has the table's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerConfig {
    explicit: Overrides,
    warnings: Vec<String>,
}

impl BrokerConfig {
    /// All defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a `server.properties` text over what is set so far.
    pub fn load_properties(&mut self, text: &str) -> Result<(), BrokerError> {
        properties::parse(text)?
            .iter()
            .try_for_each(|(name, value)| self.set(name, value))
    }

    /// Sets one setting, in Kafka's spelling. The value is checked.
    ///
    /// A setting that Apache Kafka has and that means nothing here is noted in [`warnings`](Self::warnings).
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), BrokerError> {
        let name = name.trim();
        if let Some(row) = broker_row(name) {
            let value = row.check(value)?;
            match name {
                "listeners" | "advertised.listeners" => {
                    super::Listener::parse(row.name, &value)?;
                }
                "log.dirs" | "log.dir" => one_directory(row.name, &value)?,
                _ => {}
            }
            self.explicit.insert(name.to_owned(), value);
            return Ok(());
        }
        match foreign(name) {
            Some(Foreign::Ignored) => {
                self.warnings.push(format!(
                    "{name} is a setting of Apache Kafka that means nothing here; ignored"
                ));
                Ok(())
            }
            Some(Foreign::Refused(_)) if value.trim().is_empty() => Ok(()),
            Some(Foreign::Refused(why)) => Err(BrokerError::UnsupportedSetting {
                name: name.to_owned(),
                why,
            }),
            None => Err(unknown(name).into()),
        }
    }

    /// Sets one `key=value`, as `-X` takes it.
    pub fn set_pair(&mut self, pair: &str) -> Result<(), BrokerError> {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| ConfigError::invalid("-X", pair, "key=value"))?;
        self.set(name, value)
    }

    /// The value in force for `name`: as set, or of a setting that stands in, or the default; `None` when there is none.
    pub fn value(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let row = broker_row(name).ok_or_else(|| unknown(name))?;
        let layers = Layers {
            fixed: &self.explicit,
            cluster: &Overrides::new(),
            dynamic: &Overrides::new(),
        };
        Ok(layers
            .broker(row)
            .first()
            .map(super::ValueOrigin::converted))
    }

    /// What was set explicitly.
    pub fn explicit(&self) -> &Overrides {
        &self.explicit
    }

    /// One sentence for each setting that was accepted without effect.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

fn one_directory(name: &'static str, value: &str) -> Result<(), ConfigError> {
    if value.is_empty() || value.contains(',') {
        let expected = "one directory; kafkalite keeps all data in one";
        return Err(ConfigError::invalid(name, value, expected));
    }
    Ok(())
}

/// A topic's setting in the broker's file means the broker setting that stands in for it; else whatever is spelt alike.
fn unknown(name: &str) -> ConfigError {
    let of_topic = topic_row(name).ok().and_then(|row| row.synonyms.first());
    match of_topic {
        Some(synonym) => ConfigError::Unknown {
            name: shown(name).into(),
            nearest: Some(synonym.name),
        },
        None => ConfigError::unknown(name, BROKER.iter().map(|row| row.name).chain(ignored())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_properties_file_written_for_kafka_starts_us_too() {
        let mut config = BrokerConfig::new();
        config
            .load_properties(
                "process.roles=broker,controller\nnode.id=7\ncontroller.quorum.voters=1@localhost:9093\n\
                 listeners=PLAINTEXT://:9092,CONTROLLER://:9093\nadvertised.listeners=PLAINTEXT://localhost:9092\n\
                 controller.listener.names=CONTROLLER\nnum.network.threads=3\nlog.dirs=/tmp/kraft-combined-logs\n\
                 offsets.topic.replication.factor=1\nlog.retention.hours=168\n",
            )
            .unwrap();
        assert_eq!(config.value("node.id").unwrap().as_deref(), Some("7"));
        assert_eq!(
            config.value("log.retention.ms").unwrap().as_deref(),
            Some("604800000")
        );
        assert_eq!(config.warnings().len(), 5, "{:?}", config.warnings());
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_suggests_the_nearest() {
        let mut config = BrokerConfig::new();
        let message = |result: Result<(), BrokerError>| result.unwrap_err().to_string();
        assert!(
            message(config.set("num.partition", "3")).ends_with("did you mean num.partitions?")
        );
        assert!(
            message(config.set("retention.ms", "3")).ends_with("did you mean log.retention.ms?")
        );
        assert_eq!(
            message(config.set("flux.capacitor", "3")),
            r#"no setting is called "flux.capacitor""#
        );
        assert!(message(config.set_pair("num.partitions")).contains("key=value"));
    }

    #[test]
    fn what_must_not_be_ignored_is_refused() {
        let mut config = BrokerConfig::new();
        for name in [
            "ssl.keystore.location",
            "sasl.enabled.mechanisms",
            "authorizer.class.name",
        ] {
            let message = config.set(name, "x").unwrap_err().to_string();
            assert!(
                message.contains(name) && message.contains("leave it out"),
                "{message}"
            );
            config.set(name, " ").unwrap();
        }
        assert!(config.set("log.dirs", "/a,/b").is_err());
        assert!(config.explicit().is_empty());
    }

    #[test]
    fn the_older_name_of_a_setting_counts_when_the_newer_is_not_set() {
        let mut config = BrokerConfig::new();
        config.set("broker.id", "5").unwrap();
        assert_eq!(config.value("node.id").unwrap().as_deref(), Some("5"));
        config.set("node.id", "6").unwrap();
        assert_eq!(config.value("node.id").unwrap().as_deref(), Some("6"));
    }
}
