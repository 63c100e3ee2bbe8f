//! Settings of a consumer without a master, under the names that the old consumer has.

use std::time::Duration;

use kafkalite_settings::INT_MAX;
use kafkalite_settings::ValueKind::{Boolean, Choice, Int, Millis, Text};

use super::{OffsetReset, settings};

settings! {
    /// Settings of a [`ZooKeeperConsumer`](crate::ZooKeeperConsumer), beside those of every consumer.
    ZooKeeperConfig {
        connect: String = "zookeeper.connect", "", Text,
            "ZooKeeper's servers, as host:port,host:port/chroot; any of them will do.";
        offset_reset: OffsetReset = "auto.offset.reset", "smallest", Choice(&["smallest", "largest", "earliest", "latest"]),
            "Where a group starts that has committed nothing, and where it goes on if what it has committed is no longer in the log.";
        session_timeout: Duration = "zookeeper.session.timeout.ms", "6000", Millis(1, INT_MAX),
            "After how long without a word the group goes on without the consumer.";
        connection_timeout: Duration = "zookeeper.connection.timeout.ms", "6000", Millis(1, INT_MAX),
            "How long connecting to ZooKeeper may take.";
        max_retries: u32 = "rebalance.max.retries", "4", Int(0, INT_MAX),
            "How often claims are made again that met another consumer's, before the consumer keeps what it can have.";
        backoff: Duration = "rebalance.backoff.ms", "2000", Millis(1, INT_MAX),
            "The longest pause before claims are made again.";
        strategy: String = "partition.assignment.strategy", "range", Choice(&["range", "roundrobin"]),
            "How partitions are divided; all consumers of the group must have the same.";
        exclude_internal_topics: bool = "exclude.internal.topics", "true", Boolean,
            "Whether lists by pattern leave out topics of Kafka's own.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_the_old_consumers_names_and_words() {
        let pairs = [
            ("zookeeper.connect", "a:1,b:2/kafka"),
            ("auto.offset.reset", "largest"),
            ("partition.assignment.strategy", "roundrobin"),
            ("rebalance_max_retries", "7"),
        ];
        let config = ZooKeeperConfig::from_pairs(pairs).unwrap();
        assert_eq!(config.offset_reset, OffsetReset::Latest);
        assert_eq!((&*config.strategy, config.max_retries), ("roundrobin", 7));
        let defaults = ZooKeeperConfig::default();
        assert_eq!(defaults.session_timeout, Duration::from_secs(6));
        for (name, value) in [
            ("auto.offset.reset", "none"),
            ("partition.assignment.strategy", "sticky"),
        ] {
            assert!(ZooKeeperConfig::from_pairs([(name, value)]).is_err());
        }
    }
}
