//! Broker settings that were altered while it ran, and the file that keeps them.
//!
//! Kafka keeps these in its metadata log. We have none, so `broker-altered.properties`, beside Kafka's own files at the
//! top of the data directory, holds one line for each. It is replaced as a whole: written under a temporary name,
//! flushed, renamed, and the directory flushed. Topics' settings stand in the catalog of topics.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::row::{Change, Row};
use super::settings::{Settings, TopicSettings};
use super::values::{Layers, Origin, broker_row};
use super::{BROKER, BrokerConfig, Overrides, TOPIC, properties};
use crate::error::BrokerError;

const FILE_NAME: &str = "broker-altered.properties";

/// All configuration of a running broker.
pub(crate) struct Configs {
    fixed: Overrides,
    path: PathBuf,
    current: ArcSwap<Altered>,
    /// Held while a change is made and written, so that changes follow one another.
    changing: Mutex<()>,
}

struct Altered {
    overrides: Overrides,
    settings: Arc<Settings>,
}

impl Configs {
    /// Takes what the broker is started with, and reads what was altered before from the data directory `dir`.
    pub(crate) fn open(config: &BrokerConfig, dir: &Path) -> Result<Self, BrokerError> {
        let path = dir.join(FILE_NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => {
                return Err(BrokerError::File {
                    what: "read",
                    path,
                    source,
                });
            }
        };
        let dynamic = read(&text).map_err(|reason| BrokerError::DamagedConfigs {
            path: path.clone(),
            reason,
        })?;
        let fixed = config.explicit().clone();
        let current = ArcSwap::from_pointee(Altered::new(&fixed, dynamic)?);
        Ok(Self {
            fixed,
            path,
            current,
            changing: Mutex::new(()),
        })
    }

    /// The broker settings in force.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.current.load().settings)
    }

    /// The settings in force of a topic on which `overrides` is set.
    pub(crate) fn topic_settings(&self, overrides: &Overrides) -> TopicSettings {
        TopicSettings::new(self.layers(&self.current.load()), overrides)
    }

    /// What is altered on the broker.
    pub(crate) fn overrides(&self) -> Overrides {
        self.current.load().overrides.clone()
    }

    /// Replaces what is altered on the broker by what `edit` makes of it, on disk first. Values are checked here. The
    /// caller reconfigures all logs afterwards: their topics may take defaults from here.
    pub(crate) fn alter(
        &self,
        edit: impl FnOnce(Overrides) -> Result<Overrides, BrokerError>,
    ) -> Result<(), BrokerError> {
        let _one_at_a_time = self.changing.lock();
        let altered = Altered::new(&self.fixed, check_broker(&edit(self.overrides())?)?)?;
        replace(&self.path, &text(&altered.overrides)).map_err(|source| BrokerError::File {
            what: "write",
            path: self.path.clone(),
            source,
        })?;
        self.current.store(Arc::new(altered));
        Ok(())
    }

    /// Every broker setting with the places that have a value for it, the first in force.
    pub(crate) fn describe_broker(&self) -> Vec<(&'static Row, Vec<Origin>)> {
        let current = self.current.load();
        BROKER
            .iter()
            .map(|row| (row, self.layers(&current).broker(row)))
            .collect()
    }

    /// Every setting of a topic on which `overrides` is set, with the places that have a value for it, the first in force.
    pub(crate) fn describe_topic(&self, overrides: &Overrides) -> Vec<(&'static Row, Vec<Origin>)> {
        let current = self.current.load();
        TOPIC
            .iter()
            .map(|row| (row, self.layers(&current).topic(row, overrides)))
            .collect()
    }

    fn layers<'a>(&'a self, current: &'a Altered) -> Layers<'a> {
        Layers {
            fixed: &self.fixed,
            dynamic: &current.overrides,
        }
    }
}

impl Altered {
    fn new(fixed: &Overrides, overrides: Overrides) -> Result<Self, BrokerError> {
        let settings = Arc::new(Settings::new(Layers {
            fixed,
            dynamic: &overrides,
        })?);
        Ok(Self {
            overrides,
            settings,
        })
    }
}

/// Checks what somebody wants to alter on the broker.
fn check_broker(asked: &Overrides) -> Result<Overrides, BrokerError> {
    let check = |(name, value): (&String, &String)| {
        // The one place that knows which names are foreign, and what to suggest.
        BrokerConfig::new().set(name, value)?;
        let fixed = || BrokerError::FixedSetting { name: name.clone() };
        let row = broker_row(name)
            .filter(|row| row.change == Change::Dynamic)
            .ok_or_else(fixed)?;
        Ok((name.clone(), row.check(value)?))
    };
    asked.iter().map(check).collect()
}

fn read(text: &str) -> Result<Overrides, String> {
    let mut overrides = Overrides::new();
    for (name, value) in properties::parse(text).map_err(|error| error.to_string())? {
        let row =
            broker_row(&name).ok_or_else(|| format!("no broker setting is called {name:?}"))?;
        overrides.insert(name, row.check(&value).map_err(|error| error.to_string())?);
    }
    Ok(overrides)
}

fn text(overrides: &Overrides) -> String {
    let mut text =
        "# Broker settings altered while it ran. Edit only while it is stopped.\n".to_owned();
    for (name, value) in overrides {
        properties::write_pair(&mut text, name, value);
    }
    text
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("properties.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> Overrides {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_was_altered_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Configs::open(&BrokerConfig::new(), dir.path()).unwrap();
        let configs = open();
        configs
            .alter(|_| {
                Ok(overrides(&[
                    ("log.segment.bytes", "4096"),
                    ("max.connections", "7"),
                ]))
            })
            .unwrap();
        for configs in [configs, open()] {
            assert_eq!(configs.settings().max_connections, 7);
            assert_eq!(
                configs.topic_settings(&Overrides::new()).log.segment_bytes,
                4096
            );
            assert_eq!(
                configs
                    .topic_settings(&overrides(&[("segment.bytes", "99")]))
                    .log
                    .segment_bytes,
                99
            );
        }
    }

    #[test]
    fn what_cannot_be_altered_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let configs = Configs::open(&BrokerConfig::new(), dir.path()).unwrap();
        for (name, value) in [
            ("listeners", "PLAINTEXT://:1"),
            ("log.segment.bytes", "few"),
            ("no.such", "1"),
            ("num.io.threads", "1"),
        ] {
            let asked = overrides(&[("message.max.bytes", "7"), (name, value)]);
            assert!(configs.alter(|_| Ok(asked)).is_err());
            assert!(configs.overrides().is_empty());
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_named_and_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        for damage in ["no.such=1", "num.partitions=none", "=gibberish"] {
            fs::write(&path, damage).unwrap();
            let message = Configs::open(&BrokerConfig::new(), dir.path())
                .err()
                .unwrap()
                .to_string();
            assert!(
                message.contains(FILE_NAME) && message.contains("damaged"),
                "{message}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), damage);
        }
    }
}
