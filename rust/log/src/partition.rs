//! The name of a partition, and of the directory that it lives in.

use std::borrow::Cow;
use std::fmt;

/// Longest legal topic name, in bytes: with `-<partition>` it still fits into a file name.
const MAX_TOPIC_NAME: usize = 249;

/// Characters of the longest name that an error repeats in whole.
const SHOWN: usize = 255;

/// A topic and a partition number, both checked: this can be joined to a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    topic: String,
    number: i32,
}

/// Why a name cannot be that of a topic or partition. Tell whoever chose it; in Kafka's terms `INVALID_TOPIC_EXCEPTION`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} {reason}")]
pub struct InvalidName {
    name: String,
    reason: &'static str,
}

impl TopicPartition {
    /// Checks the topic's name as Kafka does, and that the number is not negative.
    pub fn new(topic: &str, number: i32) -> Result<Self, InvalidName> {
        check_topic_name(topic)?;
        if number < 0 {
            return Err(InvalidName {
                name: number.to_string(),
                reason: "is negative, so no partition",
            });
        }
        Ok(Self {
            topic: topic.to_owned(),
            number,
        })
    }

    /// Reads the name of a partition's directory: `<topic>-<number>`, the number as this crate writes it.
    pub fn from_dir_name(name: &str) -> Result<Self, InvalidName> {
        let malformed = || InvalidName {
            name: name.to_owned(),
            reason: "is not of the form topic-partition",
        };
        let (topic, number) = name.rsplit_once('-').ok_or_else(malformed)?;
        let partition = Self::new(topic, number.parse().map_err(|_| malformed())?)?;
        // "+1" and "01" are numbers too, but two names for one partition would be two logs.
        if partition.to_string() == name {
            Ok(partition)
        } else {
            Err(malformed())
        }
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The partition's number in its topic, from 0.
    pub fn number(&self) -> i32 {
        self.number
    }
}

/// Also the name of its directory.
impl fmt::Display for TopicPartition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.topic, self.number)
    }
}

/// Kafka's rule for topic names: 1 to 249 of `a-z A-Z 0-9 . _ -`, but not `.` or `..`.
pub fn check_topic_name(name: &str) -> Result<(), InvalidName> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let reason = match name {
        "" => "is empty, so no topic name",
        "." | ".." => "is a name of the file system's own, so no topic name",
        _ if name.len() > MAX_TOPIC_NAME => "is longer than the 249 bytes of a topic name",
        _ if !name.bytes().all(legal) => {
            "has other characters than a topic name's: a-z, A-Z, 0-9, '.', '_' and '-'"
        }
        _ => return Ok(()),
    };
    let name = shown(name).into_owned();
    Err(InvalidName { name, reason })
}

/// A name as errors repeat it: whoever sent kilobytes as one need not get them back, perhaps once for each partition.
pub fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &name[..end]).into(),
        None => name.into(),
    }
}
