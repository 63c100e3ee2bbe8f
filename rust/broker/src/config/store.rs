//! Settings that were altered while the broker ran, and the file that keeps them.
//!
//! Kafka keeps these in its metadata log. We have none, so they are in `configs.altered`, beside Kafka's own files at the top
//! of the data directory. It is replaced as a whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use kafkalite_settings::{ChangedWhen, ConfigError, Row};
use kafkalite_world::Disk;
use parking_lot::Mutex;

use super::settings::{GroupSettings, Settings, TopicSettings};
use super::stored::StoredConfigs;
use super::values::{Layers, ValueOrigin, broker_row, group_row, topic_row};
use super::{BROKER, BrokerConfig, GROUP, Overrides, TOPIC};
use crate::error::BrokerError;

const FILE_NAME: &str = "configs.altered";

/// All configuration of a running broker.
pub(crate) struct Configs {
    fixed: Overrides,
    path: PathBuf,
    disk: Arc<dyn Disk>,
    current: ArcSwap<Altered>,
    /// Held while a change is made and written, so that changes follow one another.
    changing: Mutex<()>,
}

/// What was altered, and what follows for the broker.
#[derive(Clone)]
struct Altered {
    stored: StoredConfigs,
    settings: Arc<Settings>,
}

impl Configs {
    /// Takes what the broker is started with, and reads what was altered before from the data directory `dir`.
    pub(crate) fn open(
        config: &BrokerConfig,
        dir: &Path,
        disk: &Arc<dyn Disk>,
    ) -> Result<Self, BrokerError> {
        let path = dir.join(FILE_NAME);
        let text = match disk.read_text(&path) {
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
        let stored = StoredConfigs::parse(&text).map_err(|reason| BrokerError::DamagedConfigs {
            path: path.clone(),
            reason,
        })?;
        let fixed = config.explicit().clone();
        let settings = Arc::new(Settings::new(layers(&fixed, &stored))?);
        let current = ArcSwap::from_pointee(Altered { stored, settings });
        Ok(Self {
            fixed,
            path,
            disk: Arc::clone(disk),
            current,
            changing: Mutex::new(()),
        })
    }

    /// The broker settings in force.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.current.load().settings)
    }

    /// What is set on the topic itself; empty for a topic that is not known.
    pub(crate) fn topic_overrides(&self, topic: &str) -> Overrides {
        self.current
            .load()
            .stored
            .topics
            .get(topic)
            .cloned()
            .unwrap_or_default()
    }

    /// A topic's settings in force.
    pub(crate) fn topic_settings(&self, topic: &str) -> TopicSettings {
        let current = self.current.load();
        let overrides = current.stored.topics.get(topic);
        TopicSettings::new(
            self.layers(&current),
            overrides.unwrap_or(&Overrides::new()),
        )
    }

    /// Replaces what is set on a topic, on disk first. The caller has checked it with
    /// [`check_topic`](Self::check_topic), and applies it to the topic's logs afterwards.
    pub(crate) fn put_topic(&self, topic: &str, overrides: Overrides) -> Result<(), BrokerError> {
        self.alter_topic(topic, |_| Ok(overrides)).map(drop)
    }

    /// The same for several topics, with one write to the disk.
    pub(crate) fn put_topics<'a>(
        &self,
        topics: impl IntoIterator<Item = (&'a str, Overrides)>,
    ) -> Result<(), BrokerError> {
        self.change(|altered| {
            topics.into_iter().try_for_each(|(topic, overrides)| {
                self.edit_topic(altered, topic, |_| Ok(overrides))
            })
        })
    }

    /// Forgets what was set on topics that are deleted.
    pub(crate) fn forget_topics(&self, topics: &[&str]) -> Result<(), BrokerError> {
        let current = self.current.load();
        let is_set = |topic: &&&str| current.stored.topics.contains_key(**topic);
        let set: Vec<&str> = topics.iter().filter(is_set).copied().collect();
        if set.is_empty() {
            return Ok(());
        }
        self.put_topics(set.into_iter().map(|topic| (topic, Overrides::new())))
    }

    /// Replaces what is set on a topic by what `edit` makes of it, on disk first, and checks it.
    pub(crate) fn alter_topic<E: From<BrokerError>>(
        &self,
        topic: &str,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        self.change(|altered| self.edit_topic(altered, topic, edit))
    }

    /// Whether [`alter_topic`](Self::alter_topic) would do it.
    pub(crate) fn check_alter_topic<E: From<BrokerError>>(
        &self,
        topic: &str,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        self.edit_topic(&mut Altered::clone(&self.current.load()), topic, edit)
    }

    /// A group's settings in force. What was set on it and is no longer within the broker's bounds counts for nothing.
    pub(crate) fn group_settings(&self, group: &str) -> GroupSettings {
        let current = self.current.load();
        let own = current.stored.groups.get(group);
        let own = own.and_then(|own| GroupSettings::new(self.layers(&current), own).ok());
        own.unwrap_or_else(|| GroupSettings::of(&current.settings))
    }

    /// The groups that something is set on, in order.
    pub(crate) fn groups_with_settings(&self) -> Vec<String> {
        self.current.load().stored.groups.keys().cloned().collect()
    }

    /// Replaces what is set on a group by what `edit` makes of it, on disk first, and checks it. The group need not exist.
    pub(crate) fn alter_group<E: From<BrokerError>>(
        &self,
        group: &str,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        self.change(|altered| self.edit_group(altered, group, edit))
    }

    /// Whether [`alter_group`](Self::alter_group) would do it.
    pub(crate) fn check_alter_group<E: From<BrokerError>>(
        &self,
        group: &str,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        self.edit_group(&mut Altered::clone(&self.current.load()), group, edit)
    }

    /// Replaces what is altered on the broker, or for all brokers of the cluster, by what `edit` makes of it, on disk first,
    /// and checks it. The caller applies it to all logs afterwards: their topics may take defaults from here.
    pub(crate) fn alter_broker<E: From<BrokerError>>(
        &self,
        cluster: bool,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        self.change(|altered| self.edit_broker(altered, cluster, edit))
    }

    /// Whether [`alter_broker`](Self::alter_broker) would do it.
    pub(crate) fn check_alter_broker<E: From<BrokerError>>(
        &self,
        cluster: bool,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        let mut altered = Altered::clone(&self.current.load());
        self.edit_broker(&mut altered, cluster, edit)
    }

    /// Every broker setting with the places that have a value for it, the first in force.
    pub(crate) fn describe_broker(&self) -> Vec<(&'static Row, Vec<ValueOrigin>)> {
        let current = self.current.load();
        BROKER
            .iter()
            .map(|row| (row, self.layers(&current).broker(row)))
            .collect()
    }

    /// Every setting of a topic that has a value, with the places that have one for it, the first in force.
    pub(crate) fn describe_topic(&self, topic: &str) -> Vec<(&'static Row, Vec<ValueOrigin>)> {
        self.describe_topic_with(&self.topic_overrides(topic))
    }

    /// The same for a topic that has these settings of its own, whether it exists or not.
    pub(crate) fn describe_topic_with(
        &self,
        overrides: &Overrides,
    ) -> Vec<(&'static Row, Vec<ValueOrigin>)> {
        let current = self.current.load();
        TOPIC
            .iter()
            .map(|row| (row, self.layers(&current).topic(row, overrides)))
            .filter(|(_, origins)| !origins.is_empty())
            .collect()
    }

    /// Every setting of a group with the places that have a value for it, the first in force.
    pub(crate) fn describe_group(&self, group: &str) -> Vec<(&'static Row, Vec<ValueOrigin>)> {
        let current = self.current.load();
        let none = Overrides::new();
        let overrides = current.stored.groups.get(group).unwrap_or(&none);
        GROUP
            .iter()
            .map(|row| (row, self.layers(&current).group(row, overrides)))
            .collect()
    }

    /// Checks what somebody wants to set on a topic, and returns it in one spelling.
    pub(crate) fn check_topic<'a>(
        &self,
        asked: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Overrides, ConfigError> {
        check_topic(self.layers(&self.current.load()), asked)
    }

    fn layers<'a>(&'a self, current: &'a Altered) -> Layers<'a> {
        layers(&self.fixed, &current.stored)
    }

    fn edit_broker<E: From<BrokerError>>(
        &self,
        altered: &mut Altered,
        cluster: bool,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        let layer = if cluster {
            &mut altered.stored.cluster
        } else {
            &mut altered.stored.broker
        };
        *layer = check_broker(&edit(std::mem::take(layer))?)?;
        let settings = Settings::new(self.layers(altered)).map_err(BrokerError::from)?;
        altered.settings = Arc::new(settings);
        Ok(())
    }

    fn edit_topic<E: From<BrokerError>>(
        &self,
        altered: &mut Altered,
        topic: &str,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        let edited = edit(altered.stored.topics.remove(topic).unwrap_or_default())?;
        let asked = edited
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let checked = check_topic(self.layers(altered), asked).map_err(BrokerError::from)?;
        if !checked.is_empty() {
            altered.stored.topics.insert(topic.to_owned(), checked);
        }
        Ok(())
    }

    fn edit_group<E: From<BrokerError>>(
        &self,
        altered: &mut Altered,
        group: &str,
        edit: impl FnOnce(Overrides) -> Result<Overrides, E>,
    ) -> Result<(), E> {
        let edited = edit(altered.stored.groups.remove(group).unwrap_or_default())?;
        let checked = check_group(self.layers(altered), &edited).map_err(BrokerError::from)?;
        if !checked.is_empty() {
            altered.stored.groups.insert(group.to_owned(), checked);
        }
        Ok(())
    }

    fn change<E: From<BrokerError>>(
        &self,
        edit: impl FnOnce(&mut Altered) -> Result<(), E>,
    ) -> Result<(), E> {
        let _one_at_a_time = self.changing.lock();
        let mut altered = Altered::clone(&self.current.load());
        edit(&mut altered)?;
        let text = altered.stored.to_text();
        self.disk
            .replace_file(&self.path, text.as_bytes())
            .map_err(|source| BrokerError::File {
                what: "write",
                path: self.path.clone(),
                source,
            })?;
        self.current.store(Arc::new(altered));
        Ok(())
    }
}

fn layers<'a>(fixed: &'a Overrides, stored: &'a StoredConfigs) -> Layers<'a> {
    Layers {
        fixed,
        cluster: &stored.cluster,
        dynamic: &stored.broker,
    }
}

/// Checks what somebody wants to set on a topic: each value, and that they go together.
fn check_topic<'a>(
    layers: Layers<'_>,
    asked: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Overrides, ConfigError> {
    let check = |(name, value): (&str, &str)| {
        Ok::<_, ConfigError>((name.to_owned(), topic_row(name)?.check(value)?))
    };
    let checked = asked.into_iter().map(check).collect::<Result<_, _>>()?;
    let log = TopicSettings::new(layers, &checked).log;
    if log.min_compaction_lag_ms > log.max_compaction_lag_ms {
        let (least, most) = (log.min_compaction_lag_ms, log.max_compaction_lag_ms);
        let expected = format!("at most max.compaction.lag.ms = {most}");
        return Err(ConfigError::invalid(
            "min.compaction.lag.ms",
            &least.to_string(),
            expected,
        ));
    }
    Ok(checked)
}

/// Checks what somebody wants to set on a group: each value, and that they are within the broker's bounds.
fn check_group(layers: Layers<'_>, asked: &Overrides) -> Result<Overrides, ConfigError> {
    let check = |(name, value): (&String, &String)| {
        Ok::<_, ConfigError>((name.clone(), group_row(name)?.check(value)?))
    };
    let checked = asked.iter().map(check).collect::<Result<_, _>>()?;
    GroupSettings::new(layers, &checked)?;
    Ok(checked)
}

/// Checks what somebody wants to alter on the broker.
fn check_broker(asked: &Overrides) -> Result<Overrides, BrokerError> {
    let check = |(name, value): (&String, &String)| {
        // The one place that knows which names are foreign, and what to suggest.
        BrokerConfig::new().set(name, value)?;
        let fixed = || BrokerError::FixedSetting { name: name.clone() };
        let row = broker_row(name)
            .filter(|row| row.change == ChangedWhen::Dynamic)
            .ok_or_else(fixed)?;
        Ok((name.clone(), row.check(value)?))
    };
    asked.iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use kafkalite_world::disk::os;

    use super::super::Source;
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> Overrides {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn set(configs: &Configs, pairs: &[(&str, &str)]) -> Result<(), BrokerError> {
        configs.alter_broker(false, |_| Ok(overrides(pairs)))
    }

    #[test]
    fn what_was_altered_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Configs::open(&BrokerConfig::new(), dir.path(), &os()).unwrap();
        let configs = open();
        configs
            .put_topic("clicks", overrides(&[("retention.ms", "5")]))
            .unwrap();
        configs
            .put_topic("views", overrides(&[("retention.ms", "6")]))
            .unwrap();
        set(
            &configs,
            &[("log.segment.bytes", "2000000"), ("max.connections", "7")],
        )
        .unwrap();
        configs.forget_topics(&["views"]).unwrap();
        for configs in [configs, open()] {
            assert_eq!(configs.settings().max_connections, 7);
            let clicks = configs.topic_settings("clicks").log;
            assert_eq!(
                (clicks.retention_ms, clicks.segment_bytes),
                (Some(5), 2_000_000)
            );
            assert!(configs.topic_overrides("views").is_empty());
            let described = configs.describe_topic("clicks");
            let (_, origins) = described
                .iter()
                .find(|(row, _)| row.name == "segment.bytes")
                .unwrap();
            assert_eq!(origins[0].source, Source::DynamicBroker);
            assert_eq!(origins.last().unwrap().source, Source::Default);
        }
    }

    #[test]
    fn what_cannot_be_altered_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let configs = Configs::open(&BrokerConfig::new(), dir.path(), &os()).unwrap();
        for (name, value) in [
            ("listeners", "PLAINTEXT://:1"),
            ("log.segment.bytes", "few"),
            ("no.such", "1"),
            ("num.io.threads", "1"),
        ] {
            assert!(set(&configs, &[("message.max.bytes", "7"), (name, value)]).is_err());
        }
        assert!(
            configs
                .put_topic("t", overrides(&[("retention.ms", "-2")]))
                .is_err()
        );
        assert_eq!(configs.topic_settings("t"), configs.topic_settings("other"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_named_and_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        for damage in [
            "version=2",
            "topic/a/no.such=1",
            "broker/num.partitions=none",
            "gibberish",
        ] {
            fs::write(&path, damage).unwrap();
            let message = Configs::open(&BrokerConfig::new(), dir.path(), &os())
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
