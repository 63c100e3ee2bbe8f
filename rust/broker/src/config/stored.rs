//! What `configs.altered` holds: one line of Java's properties format for each setting, `broker/<setting>`,
//! `cluster/<setting>`, `topic/<topic>/<setting>` or `group/<group>/<setting>`.

use std::collections::BTreeMap;

use kafkalite_settings::properties;

use super::Overrides;
use super::checked_kinds::LEAST_SEGMENT_BYTES;
use super::values::{broker_row, group_row, topic_row};

const VERSION: &str = "1";

/// Everything that was altered while a broker ran on this data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct StoredConfigs {
    /// On the broker.
    pub(super) broker: Overrides,
    /// For all brokers of the cluster.
    pub(super) cluster: Overrides,
    /// By topic.
    pub(super) topics: BTreeMap<String, Overrides>,
    /// By group.
    pub(super) groups: BTreeMap<String, Overrides>,
}

impl StoredConfigs {
    /// Reads the file's text, or says what in it is not understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut stored = Self::default();
        for (key, value) in properties::parse(text).map_err(|error| error.to_string())? {
            stored.put(&key, &value)?;
        }
        Ok(stored)
    }

    fn put(&mut self, key: &str, value: &str) -> Result<(), String> {
        // A group's name may hold anything; a setting's holds no slash.
        if let Some((group, name)) = key
            .strip_prefix("group/")
            .and_then(|rest| rest.rsplit_once('/'))
        {
            let value = group_row(name).and_then(|row| row.check(value));
            let overrides = self.groups.entry(group.to_owned()).or_default();
            overrides.insert(name.to_owned(), value.map_err(|error| error.to_string())?);
            return Ok(());
        }
        let mut parts = key.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("version"), None, ..) if value == VERSION => {}
            (Some(layer @ ("broker" | "cluster")), Some(name), None, _) => {
                let row = broker_row(name)
                    .ok_or_else(|| format!("no broker setting is called {name:?}"))?;
                if outgrown(name, value) {
                    tracing::warn!(
                        "{name}={value} of an earlier version is out of bounds now; ignored"
                    );
                    return Ok(());
                }
                let overrides = match layer {
                    "broker" => &mut self.broker,
                    _ => &mut self.cluster,
                };
                overrides.insert(
                    name.to_owned(),
                    row.check(value).map_err(|error| error.to_string())?,
                );
            }
            (Some("topic"), Some(topic), Some(name), None) => {
                let name = match name {
                    // What was small before Kafka's bound (KIP-1030) stays small.
                    "segment.bytes" if is_below(value, LEAST_SEGMENT_BYTES) => {
                        "internal.segment.bytes"
                    }
                    _ if outgrown(name, value) => {
                        tracing::warn!(
                            "{name}={value} of topic {topic}, of an earlier version, is out of bounds now; ignored"
                        );
                        return Ok(());
                    }
                    name => name,
                };
                let value = topic_row(name).and_then(|row| row.check(value));
                let overrides = self.topics.entry(topic.to_owned()).or_default();
                overrides.insert(name.to_owned(), value.map_err(|error| error.to_string())?);
            }
            _ => return Err(format!("{key}={value} is not understood")),
        }
        Ok(())
    }

    /// The file's text.
    pub(super) fn to_text(&self) -> String {
        let mut text =
            "# Settings altered while the broker ran. Edit only while it is stopped.\n".to_owned();
        let mut put = |key: &str, value: &str| properties::write_pair(&mut text, key, value);
        put("version", VERSION);
        for (layer, overrides) in [("broker", &self.broker), ("cluster", &self.cluster)] {
            for (name, value) in overrides {
                put(&format!("{layer}/{name}"), value);
            }
        }
        for (kind, named) in [("topic", &self.topics), ("group", &self.groups)] {
            for (owner, overrides) in named {
                for (name, value) in overrides {
                    put(&format!("{kind}/{owner}/{name}"), value);
                }
            }
        }
        text
    }
}

/// Whether a value is one that earlier versions took and kept, and that Kafka's bounds exclude. Levels of compression had no
/// effect then.
fn outgrown(name: &str, value: &str) -> bool {
    match name {
        "log.segment.bytes" => is_below(value, LEAST_SEGMENT_BYTES),
        "log.retention.ms" => value == "0",
        "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => {
            let fits = topic_row(name).is_ok_and(|row| row.check(value).is_ok());
            !fits && value.parse::<i32>().is_ok()
        }
        _ => false,
    }
}

fn is_below(value: &str, least: i32) -> bool {
    value.parse().is_ok_and(|number: i32| number < least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "version=1\nbroker/max.connections=7\ncluster/max.connections=8\n\
                    topic/t/retention.ms=5\ngroup/a\\=b/consumer.session.timeout.ms=50000\n";
        let stored = StoredConfigs::parse(text).unwrap();
        assert_eq!(stored.broker["max.connections"], "7");
        assert_eq!(stored.cluster["max.connections"], "8");
        assert_eq!(stored.topics["t"]["retention.ms"], "5");
        assert_eq!(stored.groups["a=b"]["consumer.session.timeout.ms"], "50000");
        assert_eq!(StoredConfigs::parse(&stored.to_text()).unwrap(), stored);
    }

    #[test]
    fn what_earlier_versions_took_does_not_keep_a_broker_from_starting() {
        let text = "version=1\nbroker/log.segment.bytes=4096\ncluster/log.retention.ms=0\nbroker/compression.gzip.level=12\n\
                    topic/t/segment.bytes=4096\ntopic/t/compression.lz4.level=18\n";
        let stored = StoredConfigs::parse(text).unwrap();
        assert!(stored.broker.is_empty() && stored.cluster.is_empty());
        let small = ("internal.segment.bytes".to_owned(), "4096".to_owned());
        assert_eq!(stored.topics["t"], Overrides::from([small]));
    }
}
