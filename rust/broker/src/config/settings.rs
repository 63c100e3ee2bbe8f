//! The settings in force, as values that code uses. A new one is built whenever something is altered.

use std::collections::BTreeMap;
use std::net::IpAddr;

use kafkalite_log::{CompactorSettings, Durability, LogConfig, StoredCompression};
use kafkalite_records::{Compression, TimestampType};
use kafkalite_settings::{ConfigError, Row};

use super::checked_kinds::address_limits;
use super::values::{Layers, ValueOrigin, broker_row, group_row, topic_row};
use super::{BrokerConfig, Listener, Overrides};

/// Broker settings in force. Each field's meaning, unit and range stand in the table, under the same name with dots.
#[allow(clippy::struct_excessive_bools)] // each is a setting of its own, as its users know it
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) advertised_listener: Option<Listener>,
    pub(crate) auto_create_topics_enable: bool,
    pub(crate) broker_rack: Option<String>,
    pub(crate) connections_max_idle_ms: u64,
    pub(crate) default_replication_factor: i16,
    pub(crate) delete_topic_enable: bool,
    pub(crate) fetch_max_bytes: i32,
    pub(crate) group_consumer_assignors: Vec<String>,
    pub(crate) group_consumer_heartbeat_interval_ms: i32,
    pub(crate) group_consumer_max_size: usize,
    pub(crate) group_consumer_migration_policy: String,
    pub(crate) group_consumer_session_timeout_ms: u64,
    pub(crate) group_initial_rebalance_delay_ms: u64,
    pub(crate) group_max_session_timeout_ms: i32,
    pub(crate) group_max_size: usize,
    pub(crate) group_min_session_timeout_ms: i32,
    pub(crate) listener: Listener,
    pub(crate) log_cleaner_backoff_ms: u64,
    pub(crate) log_cleaner_enable: bool,
    pub(crate) log_cleaner_io_max_bytes_per_second: f64,
    /// `log.cleaner.dedupe.buffer.size`, `log.cleaner.io.buffer.load.factor`, `log.cleaner.io.buffer.size`.
    pub(crate) compactor: CompactorSettings,
    pub(crate) log_dir: String,
    pub(crate) log_flush_offset_checkpoint_interval_ms: u64,
    pub(crate) log_flush_scheduler_interval_ms: u64,
    pub(crate) log_flush_start_offset_checkpoint_interval_ms: u64,
    pub(crate) log_message_downconversion_enable: bool,
    pub(crate) log_retention_check_interval_ms: u64,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_ip: usize,
    pub(crate) max_connections_per_ip_overrides: BTreeMap<IpAddr, usize>,
    pub(crate) max_incremental_fetch_session_cache_slots: usize,
    pub(crate) max_request_partition_size_limit: i32,
    /// `None`: what the data directory says.
    pub(crate) node_id: Option<i32>,
    pub(crate) num_partitions: i32,
    pub(crate) offset_metadata_max_bytes: usize,
    pub(crate) offsets_retention_check_interval_ms: u64,
    /// `offsets.retention.minutes`, in milliseconds.
    pub(crate) offsets_retention_ms: i64,
    pub(crate) offsets_topic_num_partitions: i32,
    pub(crate) offsets_topic_segment_bytes: i32,
    pub(crate) producer_id_expiration_check_interval_ms: u64,
    pub(crate) producer_id_expiration_ms: i64,
    /// `None`: no limit.
    pub(crate) queued_max_request_bytes: Option<u64>,
    pub(crate) socket_listen_backlog_size: i32,
    /// `None`: the system's choice.
    pub(crate) socket_receive_buffer_bytes: Option<usize>,
    pub(crate) socket_request_max_bytes: usize,
    /// `None`: the system's choice.
    pub(crate) socket_send_buffer_bytes: Option<usize>,
    /// `None`: this broker is alone.
    pub(crate) zookeeper_connect: Option<String>,
    pub(crate) zookeeper_session_timeout_ms: u64,
}

/// One topic's settings in force.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TopicSettings {
    /// What the topic's logs are told.
    pub(crate) log: LogConfig,
    /// `cleanup.policy` contains `compact`: every message must have a key.
    pub(crate) compact: bool,
    /// `min.cleanable.dirty.ratio`: how much of a log must be new before it is compacted, between 0 and 1.
    pub(crate) min_cleanable_dirty_ratio: f64,
}

/// One group's settings in force (KIP-848).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupSettings {
    /// `consumer.heartbeat.interval.ms`.
    pub(crate) heartbeat_interval_ms: i32,
    /// `consumer.session.timeout.ms`.
    pub(crate) session_timeout_ms: u64,
}

impl GroupSettings {
    /// Of a group that has nothing set on itself.
    pub(super) fn of(settings: &Settings) -> Self {
        Self {
            heartbeat_interval_ms: settings.group_consumer_heartbeat_interval_ms,
            session_timeout_ms: settings.group_consumer_session_timeout_ms,
        }
    }

    /// An error if what is set on the group is outside of the broker's bounds.
    pub(super) fn new(layers: Layers<'_>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let of = Reader(|name: &str| match group_row(name) {
            Ok(row) => layers.group(row, overrides),
            Err(_) => layers.broker(known(broker_row(name))),
        });
        Ok(Self {
            heartbeat_interval_ms: of.bounded(
                "consumer.heartbeat.interval.ms",
                "group.consumer.min.heartbeat.interval.ms",
                "group.consumer.max.heartbeat.interval.ms",
            )?,
            session_timeout_ms: of.bounded(
                "consumer.session.timeout.ms",
                "group.consumer.min.session.timeout.ms",
                "group.consumer.max.session.timeout.ms",
            )? as u64,
        })
    }
}

impl Settings {
    /// As a broker starts with them, before it knows what was altered in its data directory.
    pub(crate) fn of(config: &BrokerConfig) -> Result<Self, ConfigError> {
        Self::new(Layers {
            fixed: config.explicit(),
            cluster: &Overrides::new(),
            dynamic: &Overrides::new(),
        })
    }

    pub(super) fn new(layers: Layers<'_>) -> Result<Self, ConfigError> {
        let of = Reader(|name: &str| layers.broker(known(broker_row(name))));
        of.check_retention()?;
        of.check_connections()?;
        let advertised = of
            .text("advertised.listeners")
            .filter(|text| !text.is_empty());
        Ok(Self {
            advertised_listener: advertised
                .map(|text| Listener::parse("advertised.listeners", &text))
                .transpose()?,
            auto_create_topics_enable: of.flag("auto.create.topics.enable"),
            broker_rack: of.text("broker.rack").filter(|rack| !rack.is_empty()),
            connections_max_idle_ms: of.count("connections.max.idle.ms"),
            default_replication_factor: i16::try_from(of.whole("default.replication.factor"))
                .unwrap_or(i16::MAX),
            delete_topic_enable: of.flag("delete.topic.enable"),
            fetch_max_bytes: of.int("fetch.max.bytes"),
            group_consumer_assignors: {
                let names = of.text("group.consumer.assignors").unwrap_or_default();
                names
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .collect()
            },
            group_consumer_heartbeat_interval_ms: of.bounded(
                "group.consumer.heartbeat.interval.ms",
                "group.consumer.min.heartbeat.interval.ms",
                "group.consumer.max.heartbeat.interval.ms",
            )?,
            group_consumer_max_size: of.int("group.consumer.max.size") as usize,
            group_consumer_migration_policy: of
                .text("group.consumer.migration.policy")
                .unwrap_or_default(),
            group_consumer_session_timeout_ms: of.bounded(
                "group.consumer.session.timeout.ms",
                "group.consumer.min.session.timeout.ms",
                "group.consumer.max.session.timeout.ms",
            )? as u64,
            group_initial_rebalance_delay_ms: of.count("group.initial.rebalance.delay.ms"),
            group_max_session_timeout_ms: of.int("group.max.session.timeout.ms"),
            group_max_size: of.int("group.max.size") as usize,
            group_min_session_timeout_ms: of.int("group.min.session.timeout.ms"),
            listener: Listener::parse("listeners", &of.text("listeners").unwrap_or_default())?,
            log_cleaner_backoff_ms: of.count("log.cleaner.backoff.ms"),
            log_cleaner_enable: of.flag("log.cleaner.enable"),
            log_cleaner_io_max_bytes_per_second: of.double("log.cleaner.io.max.bytes.per.second"),
            compactor: CompactorSettings {
                dedupe_buffer_bytes: of.count("log.cleaner.dedupe.buffer.size"),
                load_per_mille: (of.double("log.cleaner.io.buffer.load.factor") * 1000.0) as u16,
                io_buffer_bytes: of.int("log.cleaner.io.buffer.size") as usize,
            },
            log_dir: of
                .text("log.dirs")
                .unwrap_or_else(|| "kafkalite-data".to_owned()),
            log_flush_offset_checkpoint_interval_ms: of
                .count("log.flush.offset.checkpoint.interval.ms"),
            log_flush_scheduler_interval_ms: of.count("log.flush.scheduler.interval.ms"),
            log_flush_start_offset_checkpoint_interval_ms: of
                .count("log.flush.start.offset.checkpoint.interval.ms"),
            log_message_downconversion_enable: of.flag("log.message.downconversion.enable"),
            log_retention_check_interval_ms: of.count("log.retention.check.interval.ms"),
            max_connections: of.int("max.connections") as usize,
            max_connections_per_ip: of.int("max.connections.per.ip") as usize,
            max_connections_per_ip_overrides: of
                .text("max.connections.per.ip.overrides")
                .and_then(|text| address_limits(&text))
                .unwrap_or_default(),
            max_incremental_fetch_session_cache_slots: of
                .int("max.incremental.fetch.session.cache.slots")
                as usize,
            max_request_partition_size_limit: of.int("max.request.partition.size.limit"),
            node_id: of.text("node.id").and_then(|text| text.parse().ok()),
            num_partitions: of.int("num.partitions"),
            offset_metadata_max_bytes: of.int("offset.metadata.max.bytes") as usize,
            offsets_retention_check_interval_ms: of.count("offsets.retention.check.interval.ms"),
            offsets_retention_ms: of.whole("offsets.retention.minutes") * 60_000,
            offsets_topic_num_partitions: of.int("offsets.topic.num.partitions"),
            offsets_topic_segment_bytes: of.int("offsets.topic.segment.bytes"),
            producer_id_expiration_check_interval_ms: of
                .count("producer.id.expiration.check.interval.ms"),
            producer_id_expiration_ms: of.whole("producer.id.expiration.ms"),
            queued_max_request_bytes: u64::try_from(of.whole("queued.max.request.bytes")).ok(),
            socket_listen_backlog_size: of.int("socket.listen.backlog.size"),
            socket_receive_buffer_bytes: usize::try_from(of.whole("socket.receive.buffer.bytes"))
                .ok(),
            socket_request_max_bytes: of.int("socket.request.max.bytes") as usize,
            socket_send_buffer_bytes: usize::try_from(of.whole("socket.send.buffer.bytes")).ok(),
            zookeeper_connect: of
                .text("zookeeper.connect")
                .filter(|address| !address.trim().is_empty()),
            zookeeper_session_timeout_ms: of.count("zookeeper.session.timeout.ms"),
        })
    }
}

impl TopicSettings {
    pub(super) fn new(layers: Layers<'_>, overrides: &Overrides) -> Self {
        let of = Reader(|name: &str| layers.topic(known(topic_row(name).ok()), overrides));
        let broker = Reader(|name: &str| layers.broker(known(broker_row(name))));
        let policy = of.text("cleanup.policy").unwrap_or_default();
        let cleaned_by = |word| policy.split(',').any(|one| one == word);
        // Kafka spells "never" as the largest number.
        let limit = |name| Some(of.whole(name)).filter(|&n| (0..i64::MAX).contains(&n));
        let timestamp_type = match of.text("message.timestamp.type").as_deref() {
            Some("LogAppendTime") => TimestampType::LogAppend,
            _ => TimestampType::Create,
        };
        Self {
            log: LogConfig {
                segment_bytes: {
                    let small = of
                        .text("internal.segment.bytes")
                        .and_then(|text| text.parse().ok());
                    small.unwrap_or_else(|| of.count("segment.bytes") as u32)
                },
                segment_ms: of.whole("segment.ms"),
                index_interval_bytes: of.count("index.interval.bytes") as u32,
                segment_index_bytes: of.count("segment.index.bytes") as u32,
                retention_ms: limit("retention.ms"),
                retention_bytes: limit("retention.bytes").map(|bytes| bytes as u64),
                delete_expired: cleaned_by("delete"),
                compacted: cleaned_by("compact"),
                delete_retention_ms: of.whole("delete.retention.ms"),
                min_compaction_lag_ms: of.whole("min.compaction.lag.ms"),
                max_compaction_lag_ms: of.whole("max.compaction.lag.ms"),
                file_delete_delay_ms: of.whole("file.delete.delay.ms"),
                flush_messages: limit("flush.messages").map(|messages| messages as u64),
                flush_ms: limit("flush.ms"),
                max_message_bytes: of.count("max.message.bytes") as u32,
                max_decompressed_message_bytes: of.count("max.decompressed.message.bytes") as u32,
                compression: of.stored_compression(),
                check_compressed: broker.text("kafkalite.compressed.batches").as_deref()
                    != Some("trusted"),
                timestamp_before_max_ms: of.whole("message.timestamp.before.max.ms"),
                timestamp_after_max_ms: of.whole("message.timestamp.after.max.ms"),
                timestamp_type,
                durability: match broker.text("kafkalite.durability").as_deref() {
                    Some("synced") => Durability::Synced,
                    _ => Durability::Visible,
                },
            },
            compact: cleaned_by("compact"),
            min_cleanable_dirty_ratio: of.double("min.cleanable.dirty.ratio"),
        }
    }
}

fn known(row: Option<&'static Row>) -> &'static Row {
    row.expect("settings are read by names that the tables hold; a test reads them all")
}

/// Reads values that their rows have checked.
struct Reader<F>(F);

impl<F: Fn(&str) -> Vec<ValueOrigin>> Reader<F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).first().map(ValueOrigin::converted)
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).as_deref() == Some("true")
    }

    fn whole(&self, name: &str) -> i64 {
        self.text(name)
            .and_then(|text| text.parse().ok())
            .expect("a whole number, checked by its row, with a default")
    }

    fn double(&self, name: &str) -> f64 {
        self.text(name)
            .and_then(|text| text.parse().ok())
            .expect("a number, checked by its row, with a default")
    }

    fn int(&self, name: &str) -> i32 {
        i32::try_from(self.whole(name)).expect("an int, checked by its row")
    }

    /// A number whose bounds are settings as well.
    fn bounded(&self, name: &'static str, min: &str, max: &str) -> Result<i32, ConfigError> {
        let (value, least, most) = (self.int(name), self.int(min), self.int(max));
        if (least..=most).contains(&value) {
            return Ok(value);
        }
        let expected = format!("{least} to {most}, as {min} and {max} say");
        Err(ConfigError::invalid(name, &value.to_string(), expected))
    }

    /// Retention of no time at all is for single topics only, as in Apache Kafka.
    fn check_retention(&self) -> Result<(), ConfigError> {
        match (self.0)("log.retention.ms").first() {
            Some(origin) if origin.converted() == "0" => {
                let expected = "-1 or at least 1; a topic's retention.ms may be 0";
                Err(ConfigError::invalid(origin.name, &origin.value, expected))
            }
            _ => Ok(()),
        }
    }

    /// No connection from anywhere but where an override allows some, as in Apache Kafka.
    fn check_connections(&self) -> Result<(), ConfigError> {
        let (all, overrides) = ("max.connections.per.ip", "max.connections.per.ip.overrides");
        if self.int(all) > 0 || self.text(overrides).is_some_and(|text| !text.is_empty()) {
            return Ok(());
        }
        let expected = format!("at least 1 where {overrides} is not set");
        Err(ConfigError::invalid(all, "0", expected))
    }

    /// `compression.type` and the level of what it names; `None` for `producer`.
    fn stored_compression(&self) -> Option<StoredCompression> {
        let codec = match self.text("compression.type").as_deref() {
            Some("uncompressed") => Compression::None,
            name => name?.parse().ok()?,
        };
        let level = match codec {
            Compression::Gzip => Some(self.int("compression.gzip.level")).filter(|n| *n != -1),
            Compression::Lz4 => Some(self.int("compression.lz4.level")),
            Compression::Zstd => Some(self.int("compression.zstd.level")),
            Compression::None | Compression::Snappy => None,
        };
        Some(StoredCompression { codec, level })
    }

    /// Where negative numbers mean what the row's documentation says they mean: nothing.
    fn count(&self, name: &str) -> u64 {
        u64::try_from(self.whole(name)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic_settings(fixed: &[(&str, &str)], topic: &[(&str, &str)]) -> TopicSettings {
        let collect = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let (fixed, dynamic, topic): (Overrides, Overrides, Overrides) =
            (collect(fixed), Overrides::new(), collect(topic));
        TopicSettings::new(
            Layers {
                fixed: &fixed,
                cluster: &Overrides::new(),
                dynamic: &dynamic,
            },
            &topic,
        )
    }

    #[test]
    fn every_setting_is_read_from_the_tables() {
        let nothing = Overrides::new();
        let settings = Settings::new(Layers {
            fixed: &nothing,
            cluster: &nothing,
            dynamic: &nothing,
        })
        .unwrap();
        assert_eq!(
            (settings.num_partitions, settings.socket_request_max_bytes),
            (1, 104_857_600)
        );
        assert_eq!(settings.socket_send_buffer_bytes, None);
        assert_eq!(settings.compactor, CompactorSettings::default());
    }

    #[test]
    fn the_defaults_of_a_topic_are_those_of_the_log() {
        let settings = topic_settings(&[], &[]);
        assert_eq!(settings.log, LogConfig::default());
    }

    #[test]
    fn a_log_is_told_what_its_topic_says() {
        let settings = topic_settings(
            &[
                ("kafkalite.durability", "synced"),
                ("log.retention.hours", "-1"),
                ("log.segment.bytes", "1048576"),
            ],
            &[
                ("cleanup.policy", "compact"),
                ("retention.bytes", "4096"),
                ("internal.segment.bytes", "2000"),
                ("flush.messages", "1"),
                ("message.timestamp.type", "LogAppendTime"),
            ],
        );
        assert_eq!(settings.log.durability, Durability::Synced);
        assert_eq!(
            (settings.log.retention_ms, settings.log.retention_bytes),
            (None, Some(4096))
        );
        assert_eq!(
            (settings.log.segment_bytes, settings.log.flush_messages),
            (2000, Some(1))
        );
        assert!(settings.compact && !settings.log.delete_expired);
        assert!(settings.log.check_compressed);
        assert_eq!(settings.log.timestamp_type, TimestampType::LogAppend);
    }

    #[test]
    fn a_level_goes_with_the_codec_that_it_is_for() {
        let stored = |compression, more: (&str, &str)| {
            let set = [("compression.type", compression), more];
            topic_settings(&[("kafkalite.compressed.batches", "trusted")], &set).log
        };
        let zstd = stored("zstd", ("compression.zstd.level", "7"));
        let wanted = StoredCompression {
            codec: Compression::Zstd,
            level: Some(7),
        };
        assert_eq!(
            (zstd.compression, zstd.check_compressed),
            (Some(wanted), false)
        );
        let none = stored("uncompressed", ("compression.gzip.level", "1"));
        let wanted = StoredCompression {
            codec: Compression::None,
            level: None,
        };
        assert_eq!(none.compression, Some(wanted));
        let producer = stored("producer", ("compression.gzip.level", "1"));
        assert_eq!(producer.compression, None);
    }
}
