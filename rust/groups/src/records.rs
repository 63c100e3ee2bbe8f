//! What stands in `__consumer_offsets`: keys and values in Apache Kafka's own format, so that data directories move in both
//! directions.
//!
//! Each begins with a version, `i16`. A key's version says what it is a key of: 0 and 1 a committed offset, 2 a group of the
//! classic protocol; 3 to 8 and 16 belong to groups of KIP-848, the others to kinds of groups that are not known here. A record without value is a
//! tombstone. Values are read in versions 0 to 4. Groups are written in version 3, which every Kafka since 2.1 reads; offsets in 4,
//! as Kafka 4.3 does and every Kafka since 3.5 reads: it says of which topic they are, beyond its name.

use bytes::Bytes;
use kafkalite_wire::{Message, Reader, Result, Value, Version, Writer};
use uuid::Uuid;

use super::stored_record::StoredRecord;
use crate::consumer;

/// The version of values that is written.
const WRITTEN: i16 = 3;
/// With the id of an offset's topic.
const WRITTEN_WITH_TOPIC: i16 = 4;
/// With the moment at which an offset expires, which later versions do not carry.
const WRITTEN_WITH_EXPIRY: i16 = 1;
const FLEXIBLE_FROM: i16 = 4;

/// What a record is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A committed offset.
    Offset {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
    },
    /// A group of the classic protocol.
    Group(String),
    /// A part of a group of KIP-848, and the group.
    Consumer(String, consumer::ConsumerKey),
    /// Something that this version does not know: the number that its key begins with.
    Other(i16),
}

#[derive(Debug, Clone, PartialEq, Message)]
struct OffsetKey {
    group: String,
    topic: String,
    partition: i32,
}

/// A committed offset.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetValue {
    /// Where the group goes on.
    pub offset: i64,
    /// The epoch of the last record consumed; −1: unknown.
    #[wire(versions = 3.., default = -1, ignorable)]
    pub leader_epoch: i32,
    /// What who committed wanted to note.
    pub metadata: String,
    /// Milliseconds since 1970.
    pub commit_timestamp: i64,
    /// Milliseconds since 1970; −1: as the broker's settings say.
    #[wire(versions = 1..=1, default = -1, ignorable)]
    pub expire_timestamp: i64,
    /// Of which topic of that name; zero in older versions.
    #[wire(versions = 4.., tag = 0, ignorable)]
    pub topic_id: Uuid,
}

/// A group of the classic protocol.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct GroupMetadata {
    /// What its members do.
    pub protocol_type: String,
    /// The generation that was formed last.
    pub generation: i32,
    /// What the members agreed on.
    #[wire(nullable = ..)]
    pub protocol: Option<String>,
    /// The member that divides.
    #[wire(nullable = ..)]
    pub leader: Option<String>,
    /// Milliseconds since 1970; −1: unknown.
    #[wire(versions = 2.., default = -1, ignorable)]
    pub current_state_timestamp: i64,
    /// The members of that generation.
    pub members: Vec<StoredMember>,
}

impl GroupMetadata {
    /// Bytes of what members and their leader say, which is nearly all of a large record.
    pub fn said(&self) -> usize {
        let members = self.members.iter();
        members
            .map(|member| member.subscription.len() + member.assignment.len())
            .sum()
    }
}

/// A member of a stored group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct StoredMember {
    /// Its id.
    pub member_id: String,
    /// The static member's name (KIP-345).
    #[wire(versions = 3.., nullable = .., ignorable)]
    pub group_instance_id: Option<String>,
    /// Its client's own name for itself.
    pub client_id: String,
    /// Where it connects from, as Kafka writes it.
    pub client_host: String,
    /// Milliseconds that it may take to join again; −1: its session timeout.
    #[wire(versions = 1.., default = -1, ignorable)]
    pub rebalance_timeout: i32,
    /// Milliseconds without a heartbeat after which it is out.
    pub session_timeout: i32,
    /// What it said when it joined.
    pub subscription: Bytes,
    /// What the leader assigned to it.
    pub assignment: Bytes,
}

impl Key {
    /// What a record is about.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(Bytes::copy_from_slice(bytes), Version::new(0, i16::MAX));
        let kind = i16::read(&mut reader)?;
        Ok(match kind {
            0 | 1 => {
                let OffsetKey {
                    group,
                    topic,
                    partition,
                } = OffsetKey::read(&mut reader)?;
                Self::Offset {
                    group,
                    topic,
                    partition,
                }
            }
            2 => Self::Group(String::read(&mut reader)?),
            other => match consumer::ConsumerKey::decode(other, &mut reader)? {
                Some((group, key)) => Self::Consumer(group, key),
                None => Self::Other(other),
            },
        })
    }
}

/// The record of a committed offset; of none, its tombstone.
pub fn offset_entry(
    group: &str,
    topic: &str,
    partition: i32,
    value: Option<&OffsetValue>,
) -> Result<StoredRecord> {
    let (group, topic) = (group.to_owned(), topic.to_owned());
    let key = encode(
        1,
        &OffsetKey {
            group,
            topic,
            partition,
        },
    )?;
    let version = |value: &OffsetValue| match value.expire_timestamp {
        -1 if value.topic_id.is_nil() => WRITTEN,
        -1 => WRITTEN_WITH_TOPIC,
        _ => WRITTEN_WITH_EXPIRY,
    };
    let value = value
        .map(|value| encode(version(value), value))
        .transpose()?;
    Ok(StoredRecord { key, value })
}

/// The record of a group; of none, its tombstone.
pub fn group_entry(group: &str, value: Option<&GroupMetadata>) -> Result<StoredRecord> {
    let key = encode(2, &group.to_owned())?;
    let value = value.map(|value| encode(WRITTEN, value)).transpose()?;
    Ok(StoredRecord { key, value })
}

/// The value of a record whose key named its type.
pub fn decode_value<V: Value>(bytes: &[u8]) -> Result<V> {
    // A copy: what is kept of it must not keep a whole batch.
    let mut reader = Reader::new(Bytes::copy_from_slice(bytes), Version::new(0, i16::MAX));
    let version = i16::read(&mut reader)?;
    reader.set_version(Version::new(version, FLEXIBLE_FROM));
    V::read(&mut reader)
}

fn encode(version: i16, value: &impl Value) -> Result<Bytes> {
    let mut writer = Writer::new(Version::new(version, FLEXIBLE_FROM));
    version.write(&mut writer)?;
    value.write(&mut writer)?;
    Ok(Bytes::copy_from_slice(writer.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> GroupMetadata {
        GroupMetadata {
            protocol_type: "consumer".to_owned(),
            generation: 7,
            protocol: Some("range".to_owned()),
            leader: Some("m".to_owned()),
            current_state_timestamp: 99,
            members: vec![StoredMember {
                member_id: "m".to_owned(),
                group_instance_id: Some("i".to_owned()),
                client_id: "c".to_owned(),
                client_host: "/127.0.0.1".to_owned(),
                rebalance_timeout: 5,
                session_timeout: 6,
                subscription: Bytes::from_static(b"sub"),
                assignment: Bytes::from_static(b"ass"),
            }],
        }
    }

    fn offset(expire_timestamp: i64) -> OffsetValue {
        OffsetValue {
            offset: 42,
            leader_epoch: 3,
            metadata: "note".to_owned(),
            commit_timestamp: 1,
            expire_timestamp,
            topic_id: Uuid::nil(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let entry = group_entry("g", Some(&group())).unwrap();
        assert_eq!(Key::decode(&entry.key).unwrap(), Key::Group("g".to_owned()));
        assert_eq!(
            decode_value::<GroupMetadata>(&entry.value.unwrap()).unwrap(),
            group()
        );

        let entry = offset_entry("g", "t", 1, Some(&offset(-1))).unwrap();
        let key = Key::Offset {
            group: "g".to_owned(),
            topic: "t".to_owned(),
            partition: 1,
        };
        assert_eq!(Key::decode(&entry.key).unwrap(), key);
        assert_eq!(
            decode_value::<OffsetValue>(&entry.value.unwrap()).unwrap(),
            offset(-1)
        );
        assert_eq!(offset_entry("g", "t", 1, None).unwrap().value, None);
    }

    #[test]
    fn the_bytes_are_kafkas() {
        let entry = offset_entry("g", "t", 1, Some(&offset(-1))).unwrap();
        assert_eq!(&entry.key[..], b"\0\x01\0\x01g\0\x01t\0\0\0\x01");
        let expected: &[u8] = b"\0\x03\0\0\0\0\0\0\0\x2a\0\0\0\x03\0\x04note\0\0\0\0\0\0\0\x01";
        assert_eq!(&entry.value.unwrap()[..], expected);
    }

    #[test]
    fn the_topics_id_is_written_where_kafka_has_it() {
        let topic_id = Uuid::from_bytes(*b"0123456789abcdef");
        let value = OffsetValue {
            topic_id,
            ..offset(-1)
        };
        let entry = offset_entry("g", "t", 1, Some(&value)).unwrap();
        let bytes = entry.value.unwrap();
        let expected: &[u8] = b"\0\x04\0\0\0\0\0\0\0\x2a\0\0\0\x03\x05note\0\0\0\0\0\0\0\x01\x01\0\x100123456789abcdef";
        assert_eq!(&bytes[..], expected);
        assert_eq!(decode_value::<OffsetValue>(&bytes).unwrap(), value);
    }

    #[test]
    fn an_expiry_is_carried_by_the_version_that_has_one() {
        let entry = offset_entry("g", "t", 1, Some(&offset(1000))).unwrap();
        let read: OffsetValue = decode_value(&entry.value.unwrap()).unwrap();
        assert_eq!(
            (read.expire_timestamp, read.offset, read.leader_epoch),
            (1000, 42, -1)
        );
    }

    #[test]
    fn every_version_of_a_value_is_read() {
        for version in 0..=4 {
            let bytes = encode(version, &group()).unwrap();
            let read: GroupMetadata = decode_value(&bytes).unwrap();
            assert_eq!(
                (read.generation, read.members.len()),
                (7, 1),
                "version {version}"
            );
            let bytes = encode(version, &offset(-1)).unwrap();
            assert_eq!(
                decode_value::<OffsetValue>(&bytes).unwrap().offset,
                42,
                "version {version}"
            );
        }
    }

    #[test]
    fn other_kinds_of_keys_are_told_apart_and_garbage_is_an_error() {
        assert_eq!(Key::decode(&[0, 9, 0, 1, b'g']).unwrap(), Key::Other(9));
        let group = Key::Consumer("g".to_owned(), consumer::ConsumerKey::Group);
        assert_eq!(Key::decode(&[0, 3, 0, 1, b'g']).unwrap(), group);
        for bytes in [&b""[..], b"\0", b"\0\x01", b"\0\x02\0\x05abc"] {
            assert!(Key::decode(bytes).is_err(), "{bytes:?}");
        }
        assert!(decode_value::<GroupMetadata>(&[0, 3, 0, 0]).is_err());
    }
}
