//! Every setting of a group (KIP-848). Any of them can be altered at any time, before the group exists as well.

use super::row::{Change, Kind, Row, Synonym};

const fn row(
    name: &'static str,
    default: &'static str,
    synonyms: &'static [Synonym],
    doc: &'static str,
) -> Row {
    Row {
        name,
        kind: Kind::Int(1),
        default: Some(default),
        change: Change::Dynamic,
        synonyms,
        doc,
    }
}

const fn same(name: &'static str) -> Synonym {
    Synonym { name, factor: 1 }
}

/// The table, sorted by name. The defaults equal those of the broker settings that stand in.
#[rustfmt::skip] // one row a line
pub static GROUP: &[Row] = &[
    row("consumer.heartbeat.interval.ms", "1000", &[same("group.consumer.heartbeat.interval.ms")], "Milliseconds between two heartbeats of a member of the consumer protocol; within group.consumer.min.heartbeat.interval.ms and its max."),
    row("consumer.session.timeout.ms", "45000", &[same("group.consumer.session.timeout.ms")], "Milliseconds without a heartbeat after which a member of the consumer protocol is removed; within group.consumer.min.session.timeout.ms and its max."),
];

#[cfg(test)]
mod tests {
    use super::super::{BrokerConfig, Configs, Overrides};
    use crate::error::BrokerError;

    fn set(configs: &Configs, group: &str, name: &str, value: &str) -> Result<(), BrokerError> {
        configs.alter_group(group, |mut overrides: Overrides| {
            overrides.insert(name.to_owned(), value.to_owned());
            Ok(overrides)
        })
    }

    #[test]
    fn a_group_s_own_settings_outlast_a_restart_whatever_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Configs::open(&BrokerConfig::new(), dir.path()).unwrap();
        let names = ["g", "a/b", "x=y\n#:", " ", &"long".repeat(2_500)];
        let configs = open();
        for name in names {
            set(&configs, name, "consumer.session.timeout.ms", "50000").unwrap();
        }
        for configs in [configs, open()] {
            for name in names {
                let settings = configs.group_settings(name);
                let found = (settings.session_timeout_ms, settings.heartbeat_interval_ms);
                assert_eq!(found, (50_000, 1_000), "{name:?}");
            }
            assert_eq!(configs.group_settings("other").session_timeout_ms, 45_000);
        }
    }

    #[test]
    fn what_is_outside_of_the_brokers_bounds_is_refused_and_counts_for_nothing_later() {
        let dir = tempfile::tempdir().unwrap();
        let configs = Configs::open(&BrokerConfig::new(), dir.path()).unwrap();
        let refused = set(&configs, "g", "consumer.session.timeout.ms", "60001").unwrap_err();
        assert!(refused.to_string().contains("6000 to 60000"), "{refused}");
        let unknown = set(&configs, "g", "consumer.session.timeout", "1").unwrap_err();
        let nearest = "did you mean \"consumer.session.timeout.ms\"";
        assert!(unknown.to_string().contains(nearest), "{unknown}");
        set(&configs, "g", "consumer.session.timeout.ms", "7000").unwrap();
        drop(configs);
        let mut narrower = BrokerConfig::new();
        narrower
            .set("group.consumer.min.session.timeout.ms", "8000")
            .unwrap();
        let configs = Configs::open(&narrower, dir.path()).unwrap();
        assert_eq!(configs.group_settings("g").session_timeout_ms, 45_000);
    }
}
