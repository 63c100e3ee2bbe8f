//! The name of a partition, and of the directory that it lives in.

use std::fmt;

use kafkalite_names::{InvalidName, check_topic_name};

/// A topic and a partition number, both checked: this can be joined to a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionName {
    topic: String,
    number: i32,
}

impl PartitionName {
    /// Checks the topic's name as Kafka does, and that the number is not negative.
    pub fn new(topic: &str, number: i32) -> Result<Self, InvalidName> {
        check_topic_name(topic)?;
        if number < 0 {
            return Err(InvalidName::new(
                &number.to_string(),
                "is negative, so no partition",
            ));
        }
        Ok(Self {
            topic: topic.to_owned(),
            number,
        })
    }

    /// Reads the name of a partition's directory: `<topic>-<number>`, the number as this crate writes it.
    pub fn from_dir_name(name: &str) -> Result<Self, InvalidName> {
        let malformed = || InvalidName::new(name, "is not of the form topic-partition");
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
impl fmt::Display for PartitionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.topic, self.number)
    }
}
