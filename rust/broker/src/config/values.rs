//! Which value is in force, and where it came from.

use kafkalite_names::{nearest, shown};
use kafkalite_settings::{ConfigError, Row};

use super::{BROKER, GROUP, Overrides, TOPIC};

/// Where a value was set. The codes are those of `DescribeConfigs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub(crate) enum Source {
    /// On the topic.
    Topic = 1,
    /// Altered on this broker at run time.
    DynamicBroker = 2,
    /// Altered at run time for all brokers of the cluster.
    DynamicCluster = 3,
    /// In the properties file, with `-X`, or by the program.
    StaticBroker = 4,
    /// In the table.
    Default = 5,
    /// On the group.
    Group = 8,
}

/// One place that has a value for a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueOrigin {
    /// The setting under whose name the value stands.
    pub(crate) name: &'static str,
    /// The value as it stands there, in that setting's unit.
    pub(crate) value: String,
    /// Where.
    pub(crate) source: Source,
    factor: i64,
}

impl ValueOrigin {
    /// A value that is decided when a broker starts, though nobody has written it down.
    pub(crate) fn at_the_start(name: &'static str, value: String) -> Self {
        Self {
            name,
            value,
            source: Source::StaticBroker,
            factor: 1,
        }
    }

    /// The value in the unit of the setting that was asked about.
    pub(crate) fn converted(&self) -> String {
        if self.factor == 1 {
            return self.value.clone();
        }
        // Negative means "no limit" in every unit.
        let number: i64 = self
            .value
            .parse()
            .expect("only whole numbers have units, and they were checked");
        if number < 0 {
            number.to_string()
        } else {
            number.saturating_mul(self.factor).to_string()
        }
    }
}

/// The layers of broker settings.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a> {
    /// What the broker was started with.
    pub(crate) fixed: &'a Overrides,
    /// What was altered since for all brokers of the cluster, so for this one.
    pub(crate) cluster: &'a Overrides,
    /// What was altered since for this broker.
    pub(crate) dynamic: &'a Overrides,
}

impl Layers<'_> {
    /// Every place that has a value for the broker setting of `row`; the first is in force.
    pub(crate) fn broker(&self, row: &'static Row) -> Vec<ValueOrigin> {
        self.standing_in(std::iter::once((row.name, 1)).chain(synonyms(row)))
    }

    /// Every place that has a value for the topic setting of `row`; the first is in force.
    pub(crate) fn topic(&self, row: &'static Row, overrides: &Overrides) -> Vec<ValueOrigin> {
        self.set_on(row, overrides, Source::Topic)
    }

    /// Every place that has a value for the group setting of `row`; the first is in force.
    pub(crate) fn group(&self, row: &'static Row, overrides: &Overrides) -> Vec<ValueOrigin> {
        self.set_on(row, overrides, Source::Group)
    }

    fn set_on(&self, row: &'static Row, overrides: &Overrides, source: Source) -> Vec<ValueOrigin> {
        let own = overrides.get(row.name);
        let mut origins: Vec<ValueOrigin> = own
            .map(|value| origin(row.name, value, source, 1))
            .into_iter()
            .collect();
        // Such a row never stands in a broker's file under its own name, so its synonyms alone are looked up.
        origins.extend(self.standing_in(synonyms(row)));
        if row.synonyms.is_empty() {
            let default = row.default;
            origins.extend(default.map(|value| origin(row.name, value, Source::Default, 1)));
        }
        origins
    }

    /// What these broker settings say: layer by layer, and last their defaults.
    fn standing_in(
        &self,
        names: impl Iterator<Item = (&'static str, i64)> + Clone,
    ) -> Vec<ValueOrigin> {
        let mut origins = Vec::new();
        for (layer, source) in [
            (self.dynamic, Source::DynamicBroker),
            (self.cluster, Source::DynamicCluster),
            (self.fixed, Source::StaticBroker),
        ] {
            for (name, factor) in names.clone() {
                let value = layer.get(name);
                origins.extend(value.map(|value| origin(name, value, source, factor)));
            }
        }
        for (name, factor) in names {
            let default = broker_row(name).and_then(|row| row.default);
            origins.extend(default.map(|value| origin(name, value, Source::Default, factor)));
        }
        origins
    }
}

fn origin(name: &'static str, value: &str, source: Source, factor: i64) -> ValueOrigin {
    ValueOrigin {
        name,
        value: value.to_owned(),
        source,
        factor,
    }
}

fn synonyms(row: &'static Row) -> impl Iterator<Item = (&'static str, i64)> + Clone {
    let synonyms = row.synonyms.iter();
    synonyms.map(|synonym| (synonym.name, synonym.factor))
}

/// The row of a broker setting.
pub(crate) fn broker_row(name: &str) -> Option<&'static Row> {
    find(BROKER, name)
}

/// The row of a topic setting, or the error that suggests the nearest.
pub(crate) fn topic_row(name: &str) -> Result<&'static Row, ConfigError> {
    find(TOPIC, name).ok_or_else(|| unknown(TOPIC, name))
}

/// The row of a group setting, or the error that suggests the nearest.
pub(crate) fn group_row(name: &str) -> Result<&'static Row, ConfigError> {
    find(GROUP, name).ok_or_else(|| unknown(GROUP, name))
}

/// The row of a setting, of a topic, of the broker or of a group.
pub(crate) fn row(name: &str) -> Result<&'static Row, ConfigError> {
    let mut tables = [TOPIC, BROKER, GROUP].into_iter();
    let found = tables.find_map(|table| find(table, name));
    found.ok_or_else(|| unknown(TOPIC, name))
}

/// The row of this name in a table, which is sorted.
fn find(table: &'static [Row], name: &str) -> Option<&'static Row> {
    let found = table.binary_search_by(|row| row.name.cmp(name));
    found.ok().map(|at| &table[at])
}

fn unknown(table: &'static [Row], name: &str) -> ConfigError {
    ConfigError::Unknown {
        name: shown(name).into(),
        nearest: nearest_setting(table, name),
    }
}

/// The setting of a table that is meant by a name that is not in it: the one that the name stands in for, or the one that ends
/// with it, or else what is spelt alike. Of several that fit, one that has an effect; of several
/// that end with it, the shortest.
pub fn nearest_setting(table: &'static [Row], name: &str) -> Option<&'static str> {
    let stands_in = |row: &&Row| row.synonyms.iter().any(|synonym| synonym.name == name);
    let ends_with = |row: &&Row| {
        let before = row.name.strip_suffix(name);
        name.contains('.') && before.is_some_and(|before| before.ends_with('.'))
    };
    let found = with_effect_first(table).find(stands_in).or_else(|| {
        let fitting = table.iter().filter(ends_with);
        fitting.min_by_key(|row| (row.is_only_described(), row.name.len()))
    });
    found.map(|row| row.name).or_else(|| {
        let names = with_effect_first(table).map(|row| row.name);
        nearest(name, names)
    })
}

fn with_effect_first(table: &'static [Row]) -> impl Iterator<Item = &'static Row> {
    let has_effect = table.iter().filter(|row| !row.is_only_described());
    has_effect.chain(table.iter().filter(|row| row.is_only_described()))
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
    fn every_table_is_sorted_and_every_default_passes_its_own_check() {
        for table in [BROKER, TOPIC, GROUP] {
            assert!(table.is_sorted_by(|a, b| a.name < b.name));
            for row in table {
                if let Some(default) = row.default {
                    assert_eq!(row.check(default).unwrap(), default, "{}", row.name);
                }
                assert!(row.doc.ends_with('.'), "{}", row.name);
                for synonym in row.synonyms {
                    assert!(
                        broker_row(synonym.name).is_some(),
                        "{} names {}",
                        row.name,
                        synonym.name
                    );
                }
            }
        }
    }

    #[test]
    fn a_topic_or_group_and_the_broker_that_stands_in_for_it_have_the_same_default() {
        let nothing = Overrides::new();
        let layers = Layers {
            fixed: &nothing,
            cluster: &nothing,
            dynamic: &nothing,
        };
        for row in TOPIC
            .iter()
            .chain(GROUP)
            .filter(|row| !row.synonyms.is_empty())
        {
            let stands_in = broker_row(row.synonyms[0].name).unwrap();
            let broker = layers.broker(stands_in).first().map(ValueOrigin::converted);
            assert_eq!(broker.as_deref(), row.default, "{}", row.name);
        }
    }

    #[test]
    fn a_name_of_another_table_or_without_its_beginning_means_what_has_an_effect() {
        for (table, name, meant) in [
            (TOPIC, "log.retention.ms", Some("retention.ms")),
            (TOPIC, "log.retention.hours", Some("retention.ms")),
            (TOPIC, "retention", Some("retention.ms")),
            (TOPIC, "local.retention.m", Some("local.retention.ms")),
            (
                GROUP,
                "session.timeout.ms",
                Some("consumer.session.timeout.ms"),
            ),
            (
                GROUP,
                "share.session.timeout",
                Some("share.session.timeout.ms"),
            ),
            (BROKER, "retention.ms", Some("log.retention.ms")),
            (TOPIC, "flux.capacitor", None),
            (TOPIC, "ms", None),
        ] {
            assert_eq!(nearest_setting(table, name), meant, "{name}");
        }
    }

    #[test]
    fn topic_wins_over_broker_over_cluster_over_started_over_default() {
        let row = topic_row("retention.ms").unwrap();
        let fixed = overrides(&[("log.retention.hours", "2"), ("log.retention.minutes", "3")]);
        let cluster = overrides(&[("log.retention.ms", "6")]);
        let dynamic = overrides(&[("log.retention.ms", "4")]);
        let topic = overrides(&[("retention.ms", "5")]);
        let none = Overrides::new();
        let first = |fixed, cluster, dynamic, topic| {
            let layers = Layers {
                fixed,
                cluster,
                dynamic,
            };
            let origins = layers.topic(row, topic);
            (origins[0].converted(), origins[0].source)
        };
        assert_eq!(
            first(&fixed, &cluster, &dynamic, &topic),
            ("5".into(), Source::Topic)
        );
        assert_eq!(
            first(&fixed, &cluster, &dynamic, &none),
            ("4".into(), Source::DynamicBroker)
        );
        assert_eq!(
            first(&fixed, &cluster, &none, &none),
            ("6".into(), Source::DynamicCluster)
        );
        assert_eq!(
            first(&fixed, &none, &none, &none),
            ("180000".into(), Source::StaticBroker)
        );
        assert_eq!(
            first(&none, &none, &none, &none),
            ("604800000".into(), Source::Default)
        );
        let forever = overrides(&[("log.retention.hours", "-1")]);
        assert_eq!(first(&forever, &none, &none, &none).0, "-1");
    }
}
