//! Every setting of a group (KIP-848). Any of them can be altered at any time, before the group exists as well.

use kafkalite_settings::ValueKind::{Boolean, Choice, Int};
use kafkalite_settings::{INT_MAX, Row};

use super::checked_kinds::{DIFFERENT_WORDS, OFFSET_RESET, USER_TOPIC};
use super::row_parts::{
    ASSIGNMENT_INTERVALS, DELIVERY_COUNTS, HEARTBEATS, LOCK_DURATIONS, RECORD_LOCKS, SESSIONS,
    STANDBY_REPLICAS, STREAMS_ASSIGNORS, dynamic, same,
};

const ISOLATION_LEVELS: &[&str] = &["read_committed", "read_uncommitted"];

/// The table, sorted by name. The defaults equal those of the broker settings that stand in.
#[rustfmt::skip] // one row a line
pub static GROUP: &[Row] = &[
    dynamic("consumer.assignment.interval.ms", ASSIGNMENT_INTERVALS, "1000", &[same("group.consumer.assignment.interval.ms")], "Kept and described for tools; assignments are computed at once."),
    dynamic("consumer.heartbeat.interval.ms", Int(1, INT_MAX), "1000", &[same("group.consumer.heartbeat.interval.ms")], "Milliseconds between two heartbeats of a member of the consumer protocol; within group.consumer.min.heartbeat.interval.ms and its max."),
    dynamic("consumer.session.timeout.ms", Int(1, INT_MAX), "45000", &[same("group.consumer.session.timeout.ms")], "Milliseconds without a heartbeat after which a member of the consumer protocol is removed; within group.consumer.min.session.timeout.ms and its max."),
    dynamic("errors.deadletterqueue.copy.record.enable", Boolean, "false", &[], "Kept and described for tools; there are no share groups."),
    dynamic("errors.deadletterqueue.topic.name", USER_TOPIC, "", &[], "Kept and described for tools; there are no share groups."),
    dynamic("share.assignment.interval.ms", ASSIGNMENT_INTERVALS, "1000", &[same("group.share.assignment.interval.ms")], "Kept and described for tools; there are no share groups."),
    dynamic("share.auto.offset.reset", OFFSET_RESET, "latest", &[], "Kept and described for tools; there are no share groups."),
    dynamic("share.delivery.count.limit", DELIVERY_COUNTS, "5", &[same("group.share.delivery.count.limit")], "Kept and described for tools; there are no share groups."),
    dynamic("share.heartbeat.interval.ms", HEARTBEATS, "5000", &[same("group.share.heartbeat.interval.ms")], "Kept and described for tools; there are no share groups."),
    dynamic("share.isolation.level", Choice(ISOLATION_LEVELS), "read_uncommitted", &[], "Kept and described for tools; there are no share groups."),
    dynamic("share.partition.max.record.locks", RECORD_LOCKS, "2000", &[same("group.share.partition.max.record.locks")], "Kept and described for tools; there are no share groups."),
    dynamic("share.record.lock.duration.ms", LOCK_DURATIONS, "30000", &[same("group.share.record.lock.duration.ms")], "Kept and described for tools; there are no share groups."),
    dynamic("share.renew.acknowledge.enable", Boolean, "true", &[], "Kept and described for tools; there are no share groups."),
    dynamic("share.session.timeout.ms", SESSIONS, "45000", &[same("group.share.session.timeout.ms")], "Kept and described for tools; there are no share groups."),
    dynamic("streams.assignment.interval.ms", ASSIGNMENT_INTERVALS, "1000", &[same("group.streams.assignment.interval.ms")], "Kept and described for tools; there are no streams groups."),
    dynamic("streams.assignor.name", Choice(STREAMS_ASSIGNORS), "sticky", &[same("group.streams.assignors")], "Kept and described for tools; there are no streams groups."),
    dynamic("streams.heartbeat.interval.ms", HEARTBEATS, "5000", &[same("group.streams.heartbeat.interval.ms")], "Kept and described for tools; there are no streams groups."),
    dynamic("streams.initial.rebalance.delay.ms", Int(0, INT_MAX), "3000", &[same("group.streams.initial.rebalance.delay.ms")], "Kept and described for tools; there are no streams groups."),
    dynamic("streams.num.standby.replicas", STANDBY_REPLICAS, "0", &[same("group.streams.num.standby.replicas")], "Kept and described for tools; there are no streams groups."),
    dynamic("streams.rack.aware.assignment.tags", DIFFERENT_WORDS, "", &[same("group.streams.rack.aware.assignment.tags")], "Kept and described for tools; there are no streams groups."),
    dynamic("streams.session.timeout.ms", SESSIONS, "45000", &[same("group.streams.session.timeout.ms")], "Kept and described for tools; there are no streams groups."),
];

#[cfg(test)]
mod tests {
    use kafkalite_world::disk::os;

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
        let open = || Configs::open(&BrokerConfig::new(), dir.path(), &os()).unwrap();
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
        let configs = Configs::open(&BrokerConfig::new(), dir.path(), &os()).unwrap();
        let refused = set(&configs, "g", "consumer.session.timeout.ms", "60001").unwrap_err();
        assert!(refused.to_string().contains("6000 to 60000"), "{refused}");
        let unknown = set(&configs, "g", "consumer.session.timeout", "1").unwrap_err();
        let nearest = "did you mean consumer.session.timeout.ms";
        assert!(unknown.to_string().contains(nearest), "{unknown}");
        set(&configs, "g", "consumer.session.timeout.ms", "7000").unwrap();
        drop(configs);
        let mut narrower = BrokerConfig::new();
        narrower
            .set("group.consumer.min.session.timeout.ms", "8000")
            .unwrap();
        let configs = Configs::open(&narrower, dir.path(), &os()).unwrap();
        assert_eq!(configs.group_settings("g").session_timeout_ms, 45_000);
    }
}
