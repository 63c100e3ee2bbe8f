//! What consumers tell each other through a classic group: subscriptions and assignments, which brokers hand on as bytes.
//!
//! Each begins with its version. New versions only add fields at the end: one from the future is read as the newest known,
//! and what follows is ignored.

use bytes::Bytes;

use crate::{Error, MAX_REQUEST_MEMORY, Message, Reader, Result, Value, Version, Writer};

/// The newest version.
const NEWEST: i16 = 3;

/// What a member wants to consume, and what it consumes at the moment.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerProtocolSubscription {
    /// The topics that the member wants.
    pub topics: Vec<String>,
    /// The assignor's own data.
    #[wire(nullable = ..)]
    pub user_data: Option<Bytes>,
    /// The partitions that the member has (KIP-429).
    #[wire(versions = 1.., ignorable)]
    pub owned_partitions: Vec<ConsumerProtocolPartitions>,
    /// The generation that it got them in; −1 if not said (KIP-792).
    #[wire(versions = 2.., default = -1, ignorable)]
    pub generation_id: i32,
    /// Where the member stands (KIP-881).
    #[wire(versions = 3.., nullable = .., ignorable)]
    pub rack_id: Option<String>,
}

/// What a member shall consume.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerProtocolAssignment {
    /// The partitions.
    pub assigned_partitions: Vec<ConsumerProtocolPartitions>,
    /// The assignor's own data.
    #[wire(nullable = ..)]
    pub user_data: Option<Bytes>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerProtocolPartitions {
    /// The topic's name.
    pub topic: String,
    /// The partitions' numbers.
    pub partitions: Vec<i32>,
}

impl ConsumerProtocolSubscription {
    /// From the bytes of a `JoinGroup` response. Old clients were seen that claim a version and leave out its fields: they
    /// are read as version 0, which all begin as.
    ///
    /// # Errors
    /// What is wrong with bytes that are not even that.
    pub fn decode(bytes: &Bytes) -> Result<Self> {
        read_as(bytes, None).or_else(|_| read_as(bytes, Some(0)))
    }

    /// As bytes for a `JoinGroup` request, in the newest version.
    ///
    /// # Errors
    /// A name that is longer than the protocol's strings may be.
    pub fn encode(&self) -> Result<Bytes> {
        write(self)
    }
}

impl ConsumerProtocolAssignment {
    /// From the bytes of a `SyncGroup` response. No bytes at all are an assignment of nothing.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(bytes: &Bytes) -> Result<Self> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        read_as(bytes, None)
    }

    /// As bytes for a `SyncGroup` request, in the newest version.
    ///
    /// # Errors
    /// A name that is longer than the protocol's strings may be.
    pub fn encode(&self) -> Result<Bytes> {
        write(self)
    }
}

fn read_as<T: Value>(bytes: &Bytes, version: Option<i16>) -> Result<T> {
    let mut reader = Reader::new(bytes.clone(), Version::INFLEXIBLE);
    reader.limit_memory(MAX_REQUEST_MEMORY);
    let claimed = i16::read(&mut reader)?;
    if claimed < 0 {
        return Err(Error::BadVersion(claimed));
    }
    let version = version.unwrap_or(claimed).min(NEWEST);
    reader.set_version(Version::new(version, i16::MAX));
    T::read(&mut reader)
}

fn write<T: Value>(message: &T) -> Result<Bytes> {
    let mut writer = Writer::new(Version::new(NEWEST, i16::MAX));
    NEWEST.write(&mut writer)?;
    message.write(&mut writer)?;
    Ok(Bytes::copy_from_slice(writer.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC_A: &[u8] = &[0, 0, 0, 1, 0, 1, b'a'];
    const NULL: &[u8] = &[255; 4];
    const OWNED_A7: &[u8] = &[0, 0, 0, 1, 0, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 7];

    fn subscription(parts: &[&[u8]]) -> Result<ConsumerProtocolSubscription> {
        ConsumerProtocolSubscription::decode(&Bytes::from(parts.concat()))
    }

    fn owned() -> Vec<ConsumerProtocolPartitions> {
        let (topic, partitions) = ("a".to_owned(), vec![7]);
        vec![ConsumerProtocolPartitions { topic, partitions }]
    }

    #[test]
    fn every_version_is_read() {
        let topics = vec!["a".to_owned()];
        let mut expected = ConsumerProtocolSubscription {
            topics,
            ..ConsumerProtocolSubscription::default()
        };
        let v0 = subscription(&[&[0, 0], TOPIC_A, NULL]);
        assert_eq!(v0.unwrap(), expected);
        expected.owned_partitions = owned();
        let v1 = subscription(&[&[0, 1], TOPIC_A, NULL, OWNED_A7]);
        assert_eq!(v1.unwrap(), expected);
        expected.generation_id = 5;
        let v2 = subscription(&[&[0, 2], TOPIC_A, NULL, OWNED_A7, &[0, 0, 0, 5]]);
        assert_eq!(v2.unwrap(), expected);
        expected.rack_id = Some("r".to_owned());
        let rest: &[u8] = &[0, 0, 0, 5, 0, 1, b'r'];
        let v3 = subscription(&[&[0, 3], TOPIC_A, NULL, OWNED_A7, rest]);
        assert_eq!(v3.unwrap(), expected);
        let future = subscription(&[&[0, 9], TOPIC_A, NULL, OWNED_A7, rest, b"more"]);
        assert_eq!(future.unwrap(), expected);
    }

    #[test]
    fn what_is_written_is_read_back_in_the_newest_version() {
        let subscription = ConsumerProtocolSubscription {
            topics: vec!["a".to_owned()],
            user_data: Some(Bytes::from_static(b"x")),
            owned_partitions: owned(),
            generation_id: 3,
            rack_id: None,
        };
        let bytes = subscription.encode().unwrap();
        assert_eq!(&bytes[..2], [0, 3]);
        let read = ConsumerProtocolSubscription::decode(&bytes);
        assert_eq!(read.unwrap(), subscription);
        let assignment = ConsumerProtocolAssignment {
            assigned_partitions: owned(),
            user_data: None,
        };
        let read = ConsumerProtocolAssignment::decode(&assignment.encode().unwrap());
        assert_eq!(read.unwrap(), assignment);
    }

    #[test]
    fn a_version_without_its_fields_is_read_as_version_0() {
        let read = subscription(&[&[0, 1], TOPIC_A, NULL]).unwrap();
        assert_eq!(read.topics, ["a"]);
    }

    #[test]
    fn garbage_is_an_error_and_nothing_is_an_empty_assignment() {
        let garbage: [&[u8]; 5] = [
            b"\0",
            b"range",
            &[255; 12],
            &[0, 0, 127, 255, 255, 255],
            b"",
        ];
        for bytes in garbage {
            assert!(subscription(&[bytes]).is_err(), "{bytes:?}");
            let assignment = ConsumerProtocolAssignment::decode(&Bytes::from_static(bytes));
            assert_eq!(assignment.is_ok(), bytes.is_empty(), "{bytes:?}");
        }
    }
}
