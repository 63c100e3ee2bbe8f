//! Settings whose values are words.

use kafkalite_groups::assignors::ClassicAssignor;
use kafkalite_records::Compression;
use kafkalite_settings::{CheckedKind, SettingType, ValueKind};

use super::FromSetting;

/// Who must have a record before it counts as delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acks {
    /// Nobody: the broker does not even answer, so offsets are unknown and losses go unnoticed.
    None,
    /// The partition's leader.
    Leader,
    /// All in-sync replicas.
    #[default]
    All,
}

impl Acks {
    /// The number in a produce request.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

impl FromSetting for Acks {
    fn from_setting(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Acks::None),
            "1" => Some(Acks::Leader),
            "-1" | "all" => Some(Acks::All),
            _ => None,
        }
    }
}

impl FromSetting for Compression {
    fn from_setting(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// Where to start where no valid position is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OffsetReset {
    /// At the oldest record that is kept.
    #[default]
    Earliest,
    /// At the end: only what comes from now on.
    Latest,
    /// Nowhere: report it to the application.
    None,
}

impl FromSetting for OffsetReset {
    fn from_setting(text: &str) -> Option<Self> {
        match text {
            // The second word is the old consumer's.
            "earliest" | "smallest" => Some(OffsetReset::Earliest),
            "latest" | "largest" => Some(OffsetReset::Latest),
            "none" => Some(OffsetReset::None),
            _ => None,
        }
    }
}

/// One or more ways to divide partitions, by their names or those of Java's classes.
pub(super) const ASSIGNORS: ValueKind = ValueKind::Checked(&CheckedKind {
    value_type: SettingType::List,
    allowed: "one or more of range, roundrobin, cooperative-sticky, separated by commas",
    check: |text| {
        let names = text.split(',').map(|word| Some(assignor(word)?.name()));
        let names: Vec<&str> = names.collect::<Option<_>>()?;
        ValueKind::List(&[]).check(&names.join(",")).ok()
    },
});

impl FromSetting for Vec<ClassicAssignor> {
    fn from_setting(text: &str) -> Option<Self> {
        text.split(',').map(assignor).collect()
    }
}

fn assignor(word: &str) -> Option<ClassicAssignor> {
    let word = word.trim();
    let name = word.strip_prefix("org.apache.kafka.clients.consumer.");
    match name.unwrap_or(word) {
        "range" | "RangeAssignor" => Some(ClassicAssignor::Range),
        "roundrobin" | "RoundRobinAssignor" => Some(ClassicAssignor::RoundRobin),
        "cooperative-sticky" | "CooperativeStickyAssignor" => {
            Some(ClassicAssignor::CooperativeSticky)
        }
        _ => None,
    }
}

/// How a record without an explicit partition gets one (P12 of the paper).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartitionerChoice {
    /// With a key: murmur2 of the key, as the Java client does. Without: one partition until its batch is complete.
    #[default]
    Default,
    /// With a key: murmur2. Without: a random partition for each record.
    Murmur2Random,
    /// A random partition for each record, key or not.
    Random,
}

impl FromSetting for PartitionerChoice {
    fn from_setting(text: &str) -> Option<Self> {
        match text {
            "default" => Some(PartitionerChoice::Default),
            "murmur2_random" => Some(PartitionerChoice::Murmur2Random),
            "random" => Some(PartitionerChoice::Random),
            _ => None,
        }
    }
}
