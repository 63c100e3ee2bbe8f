//! Settings of the producer.

use std::time::Duration;

use kafkalite_records::Compression;
use kafkalite_settings::ValueKind::{Boolean, Bytes, Choice, Int, Millis, Or};
use kafkalite_settings::{ConfigError, INT_MAX};

use super::{Acks, ClientConfig, PartitionerChoice, settings};

settings! {
    /// Settings of a [`Producer`](crate::Producer).
    ProducerConfig with client: ClientConfig {
        acks: Acks = "acks", "all", Choice(&["all", "-1", "1", "0"]),
            "Who must have a record before it counts as delivered: all in-sync replicas, the leader, or nobody.";
        enable_idempotence: Option<bool> = "enable.idempotence", "auto", Or("auto", &Boolean),
            "Whether retries can neither duplicate nor reorder; auto: yes unless acks, retries or max.in.flight rule it out.";
        linger: Duration = "linger.ms", "5", Millis(0, INT_MAX),
            "How long a batch that is not full waits for more records.";
        batch_size: usize = "batch.size", "524288", Bytes(0, INT_MAX),
            "A batch of one partition is sent when it has this many bytes (before compression), or when it lingered.";
        max_request_size: usize = "max.request.size", "1048576", Bytes(100, INT_MAX),
            "The largest record, message set and request; the broker's message.max.bytes must not be smaller.";
        buffer_memory: usize = "buffer.memory", "33554432", Bytes(1, i64::MAX),
            "Bytes of records that may wait to be delivered; when they are used up, sending waits.";
        max_block: Duration = "max.block.ms", "60000", Millis(0, INT_MAX),
            "How long sending waits for room in the buffer or for the topic's metadata before it fails.";
        metadata_max_idle: Duration = "metadata.max.idle.ms", "300000", Millis(1, INT_MAX),
            "How long a topic that nothing is sent to is remembered; the next record for it asks for its partitions again.";
        delivery_timeout: Duration = "delivery.timeout.ms", "120000", Millis(1, INT_MAX),
            "From sending a record to the report that it was delivered or failed: at most this long.";
        max_in_flight: usize = "max.in.flight.requests.per.connection", "5", Int(1, INT_MAX),
            "Requests sent to one broker that may be unanswered; at most 5 with idempotence.";
        retries: u32 = "retries", "2147483647", Int(0, INT_MAX),
            "How often a batch is sent again after an error that may pass; delivery.timeout.ms bounds it as well.";
        compression: Compression = "compression.type", "none", Choice(&["none", "gzip", "snappy", "lz4", "zstd"]),
            "How batches are compressed.";
        compression_level: Option<i32> = "compression.level", "auto", Or("auto", &Int(-131_072, 22)),
            "Level of the compression for gzip (1-9), lz4 and zstd; auto is the codec's own default.";
        partitioner: PartitionerChoice = "partitioner", "default", Choice(&["default", "murmur2_random", "random"]),
            "How a record without an explicit partition gets one; default: hash of its key as in Java, else sticky.";
    }
}

impl ProducerConfig {
    /// Whether this producer is idempotent, or which settings contradict each other.
    pub fn idempotent(&self) -> Result<bool, ConfigError> {
        let obstacle = if self.acks != Acks::All {
            Some(("acks", self.acks.code().to_string(), "set {}=all"))
        } else if self.retries == 0 {
            Some(("retries", "0".to_owned(), "raise {}"))
        } else if self.max_in_flight > 5 {
            let name = "max.in.flight.requests.per.connection";
            Some((name, self.max_in_flight.to_string(), "lower {} to 5"))
        } else {
            None
        };
        match (self.enable_idempotence, obstacle) {
            (Some(false), _) | (None, Some(_)) => Ok(false),
            (Some(true) | None, None) => Ok(true),
            (Some(true), Some((name, value, remedy))) => Err(ConfigError::Conflict {
                settings: Box::new([("enable.idempotence", "true".to_owned()), (name, value)]),
                relation: "does not go with",
                remedies: ["set {}=false", remedy],
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idempotence_is_the_default_and_yields_to_other_settings() {
        let with = |pairs: &[(&str, &str)]| {
            ProducerConfig::from_pairs(pairs.iter().copied())
                .unwrap()
                .idempotent()
        };
        assert_eq!(with(&[]), Ok(true));
        assert_eq!(with(&[("acks", "1")]), Ok(false));
        assert_eq!(with(&[("enable.idempotence", "false")]), Ok(false));
        let conflict = with(&[("acks", "1"), ("enable.idempotence", "true")]).unwrap_err();
        assert_eq!(
            conflict.to_string(),
            "enable.idempotence=true does not go with acks=1; set enable.idempotence=false or set acks=all"
        );
        let conflict = with(&[
            ("max.in.flight.requests.per.connection", "6"),
            ("enable_idempotence", "true"),
        ])
        .unwrap_err();
        assert!(conflict.to_string().ends_with("to 5"), "{conflict}");
    }
}
