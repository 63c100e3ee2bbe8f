//! What stands in `__consumer_offsets` of a group of this kind: several records a group, so that a change writes little.
//!
//! All values are of version 0. Tagged fields are later additions of Kafka's (4.1: the hash, 4.3: the epochs), which older
//! ones skip.

use bytes::Bytes;
use kafkalite_wire::schema::Kind;
use kafkalite_wire::{Error, Message, Reader, Result, Value, Version, Writer};
use uuid::Uuid;

use crate::stored_record::StoredRecord;

/// What a record of a group is about. The order is that in which Kafka writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsumerKey {
    /// What a member said about itself.
    Member(String),
    /// The topics that a regular expression stands for.
    Regex(String),
    /// The topics as Kafka before 4.1 knew them: never written, only removed.
    Topics,
    /// The group.
    Group,
    /// What a member shall own.
    Target(String),
    /// Which group epoch the targets are of.
    Targets,
    /// What a member owns.
    Current(String),
}

/// The value of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum ConsumerValue {
    Member(MemberRecord),
    Regex(RegexRecord),
    Group(GroupRecord),
    Target(TargetRecord),
    Targets(TargetsRecord),
    Current(CurrentRecord),
    /// Of no use here.
    Topics,
}

#[derive(Debug, Clone, PartialEq, Message)]
pub struct GroupRecord {
    pub epoch: i32,
    /// Changes when a topic that is subscribed does; every broker hashes in its own way, and one that takes a group over
    /// rebalances it once.
    #[wire(tag = 0)]
    pub topics_hash: i64,
}

#[derive(Debug, Clone, PartialEq, Message)]
pub struct MemberRecord {
    #[wire(nullable = ..)]
    pub instance_id: Option<String>,
    #[wire(nullable = ..)]
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub topics: Vec<String>,
    #[wire(nullable = ..)]
    pub regex: Option<String>,
    #[wire(default = -1)]
    pub rebalance_timeout_ms: i32,
    #[wire(nullable = ..)]
    pub assignor: Option<String>,
    /// Of a member that speaks the classic protocol.
    #[wire(tag = 0)]
    pub classic: MaybeClassic,
}

/// What a member of the classic protocol said, if it is one. Null has a spelling of its own in a tagged field: 0 before
/// nothing, 1 before the struct; Kafka writes both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaybeClassic(pub Option<ClassicRecord>);

impl Value for MaybeClassic {
    const KIND: Kind = ClassicRecord::KIND;

    fn min_size(_: Version) -> usize {
        1
    }

    fn read(reader: &mut Reader) -> Result<Self> {
        Ok(Self(match i8::read(reader)? {
            ..=0 => None,
            1.. => Some(ClassicRecord::read(reader)?),
        }))
    }

    fn write(&self, writer: &mut Writer) -> Result<()> {
        i8::from(self.0.is_some()).write(writer)?;
        self.0
            .as_ref()
            .map_or(Ok(()), |classic| classic.write(writer))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub struct ClassicRecord {
    pub session_timeout_ms: i32,
    pub protocols: Vec<ProtocolRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub struct ProtocolRecord {
    pub name: String,
    pub metadata: Bytes,
}

#[derive(Debug, Clone, PartialEq, Message)]
pub struct TargetsRecord {
    pub epoch: i32,
}

#[derive(Debug, Clone, PartialEq, Message)]
pub struct TargetRecord {
    pub topics: Vec<TargetTopic>,
}

#[derive(Debug, Clone, PartialEq, Message)]
pub struct TargetTopic {
    pub id: Uuid,
    pub partitions: Vec<i32>,
}

#[derive(Debug, Clone, PartialEq, Message)]
pub struct CurrentRecord {
    pub epoch: i32,
    pub previous_epoch: i32,
    pub state: i8,
    pub assigned: Vec<HeldTopic>,
    pub revoking: Vec<HeldTopic>,
}

#[derive(Debug, Clone, PartialEq, Message)]
pub struct HeldTopic {
    pub id: Uuid,
    pub partitions: Vec<i32>,
    /// The epoch in which each partition was given to the member (KIP-1251); null where that is not known.
    #[wire(nullable = .., tag = 0)]
    pub epochs: Option<Vec<i32>>,
}

#[derive(Debug, Clone, PartialEq, Message)]
pub struct RegexRecord {
    pub topics: Vec<String>,
    pub version: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

impl ConsumerKey {
    /// Reads what follows the number that all keys begin with: the group and the key. `None` for another kind of key.
    pub fn decode(kind: i16, reader: &mut Reader) -> Result<Option<(String, Self)>> {
        if !matches!(kind, 3..=8 | 16) {
            return Ok(None);
        }
        let group = String::read(reader)?;
        let key = match kind {
            3 => Self::Group,
            4 => Self::Topics,
            5 => Self::Member(String::read(reader)?),
            6 => Self::Targets,
            7 => Self::Target(String::read(reader)?),
            8 => Self::Current(String::read(reader)?),
            _ => Self::Regex(String::read(reader)?),
        };
        Ok(Some((group, key)))
    }

    fn encode(&self, group: &str) -> Result<Bytes> {
        let (kind, name): (i16, Option<&String>) = match self {
            Self::Group => (3, None),
            Self::Topics => (4, None),
            Self::Member(id) => (5, Some(id)),
            Self::Targets => (6, None),
            Self::Target(id) => (7, Some(id)),
            Self::Current(id) => (8, Some(id)),
            Self::Regex(regex) => (16, Some(regex)),
        };
        let mut writer = Writer::new(Version::new(0, i16::MAX));
        kind.write(&mut writer)?;
        group.to_owned().write(&mut writer)?;
        if let Some(name) = name {
            name.write(&mut writer)?;
        }
        Ok(Bytes::copy_from_slice(writer.as_bytes()))
    }

    /// Reads the value that stands under this key.
    pub fn decode_value(&self, bytes: &[u8]) -> Result<ConsumerValue> {
        let mut reader = Reader::new(Bytes::copy_from_slice(bytes), Version::new(0, 0));
        let version = i16::read(&mut reader)?;
        if version != 0 {
            // What another version means is not known; read as this one it could be anything.
            return Err(Error::BadVersion(version));
        }
        let reader = &mut reader;
        Ok(match self {
            Self::Group => ConsumerValue::Group(GroupRecord::read(reader)?),
            Self::Topics => ConsumerValue::Topics,
            Self::Member(_) => ConsumerValue::Member(MemberRecord::read(reader)?),
            Self::Targets => ConsumerValue::Targets(TargetsRecord::read(reader)?),
            Self::Target(_) => ConsumerValue::Target(TargetRecord::read(reader)?),
            Self::Current(_) => ConsumerValue::Current(CurrentRecord::read(reader)?),
            Self::Regex(_) => ConsumerValue::Regex(RegexRecord::read(reader)?),
        })
    }

    /// The record; of no value, its tombstone.
    pub fn entry(&self, group: &str, value: Option<&ConsumerValue>) -> Result<StoredRecord> {
        let key = self.encode(group)?;
        let value = value.map(ConsumerValue::encode).transpose()?;
        Ok(StoredRecord { key, value })
    }
}

impl ConsumerValue {
    fn encode(&self) -> Result<Bytes> {
        let mut writer = Writer::new(Version::new(0, 0));
        let version: i16 = 0;
        version.write(&mut writer)?;
        match self {
            Self::Member(value) => value.write(&mut writer)?,
            Self::Regex(value) => value.write(&mut writer)?,
            Self::Group(value) => value.write(&mut writer)?,
            Self::Target(value) => value.write(&mut writer)?,
            Self::Targets(value) => value.write(&mut writer)?,
            Self::Current(value) => value.write(&mut writer)?,
            Self::Topics => {}
        }
        Ok(Bytes::copy_from_slice(writer.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(key: &ConsumerKey, value: &ConsumerValue) {
        let entry = key.entry("g", Some(value)).unwrap();
        let mut reader = Reader::new(entry.key, Version::new(0, i16::MAX));
        let kind = i16::read(&mut reader).unwrap();
        let read = ConsumerKey::decode(kind, &mut reader).unwrap();
        assert_eq!(read, Some(("g".to_owned(), key.clone())));
        assert_eq!(&key.decode_value(&entry.value.unwrap()).unwrap(), value);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let topic = Uuid::from_u128(7);
        let member = MemberRecord {
            instance_id: Some("i".to_owned()),
            topics: vec!["t".to_owned()],
            classic: MaybeClassic(Some(ClassicRecord {
                session_timeout_ms: 5,
                protocols: vec![ProtocolRecord {
                    name: "range".to_owned(),
                    metadata: Bytes::from_static(b"\0"),
                }],
            })),
            ..Default::default()
        };
        read_back(
            &ConsumerKey::Member("m".to_owned()),
            &ConsumerValue::Member(member),
        );
        let group = GroupRecord {
            epoch: 3,
            topics_hash: -9,
        };
        read_back(&ConsumerKey::Group, &ConsumerValue::Group(group));
        read_back(
            &ConsumerKey::Targets,
            &ConsumerValue::Targets(TargetsRecord { epoch: 3 }),
        );
        let target = TargetRecord {
            topics: vec![TargetTopic {
                id: topic,
                partitions: vec![0, 2],
            }],
        };
        read_back(
            &ConsumerKey::Target("m".to_owned()),
            &ConsumerValue::Target(target),
        );
        let current = CurrentRecord {
            epoch: 3,
            previous_epoch: 2,
            state: 1,
            assigned: vec![HeldTopic {
                id: topic,
                partitions: vec![0, 2],
                epochs: Some(vec![1, 3]),
            }],
            revoking: Vec::new(),
        };
        read_back(
            &ConsumerKey::Current("m".to_owned()),
            &ConsumerValue::Current(current),
        );
        let regex = RegexRecord {
            topics: vec!["t".to_owned()],
            version: 1,
            timestamp: 2,
        };
        read_back(
            &ConsumerKey::Regex("t.*".to_owned()),
            &ConsumerValue::Regex(regex),
        );
    }

    #[test]
    fn a_value_of_another_version_is_an_error() {
        for bytes in [&b"\0\x01\0\0\0\x03\0"[..], b"\xff\xff\0\0\0\x03\0"] {
            assert!(ConsumerKey::Group.decode_value(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_member_that_kafka_stored_is_read() {
        // Kafka 4.3, of a librdkafka without regular expression and without classic protocol.
        let bytes =
            b"\0\0\0\0\x08rdkafka\x0b/127.0.0.1\x02\x08topic-1\x01\0\x04\x93\xe0\0\x01\0\x01\0";
        let read = ConsumerKey::Member("m".to_owned())
            .decode_value(bytes)
            .unwrap();
        let expected = MemberRecord {
            client_id: "rdkafka".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            topics: vec!["topic-1".to_owned()],
            regex: Some(String::new()),
            rebalance_timeout_ms: 300_000,
            ..Default::default()
        };
        assert_eq!(read, ConsumerValue::Member(expected));
    }

    #[test]
    fn the_bytes_are_kafkas() {
        let member = ConsumerValue::Member(MemberRecord {
            client_id: "c".to_owned(),
            client_host: "h".to_owned(),
            topics: vec!["t".to_owned()],
            regex: Some(String::new()),
            rebalance_timeout_ms: 7,
            classic: MaybeClassic(Some(ClassicRecord {
                session_timeout_ms: 5,
                protocols: vec![ProtocolRecord {
                    name: "range".to_owned(),
                    metadata: Bytes::from_static(b"\0"),
                }],
            })),
            ..Default::default()
        });
        let entry = ConsumerKey::Member("m".to_owned())
            .entry("g", Some(&member))
            .unwrap();
        let expected = b"\0\0\0\0\x02c\x02h\x02\x02t\x01\0\0\0\x07\0\x01\0\x10\x01\0\0\0\x05\x02\x06range\x02\0\0\0";
        assert_eq!(&entry.value.unwrap()[..], expected);
        let group = ConsumerValue::Group(GroupRecord {
            epoch: 3,
            topics_hash: 0,
        });
        let entry = ConsumerKey::Group.entry("g", Some(&group)).unwrap();
        assert_eq!(&entry.key[..], b"\0\x03\0\x01g");
        assert_eq!(&entry.value.unwrap()[..], b"\0\0\0\0\0\x03\0");
        let key = ConsumerKey::Target("m".to_owned());
        assert_eq!(
            &key.entry("g", None).unwrap().key[..],
            b"\0\x07\0\x01g\0\x01m"
        );
    }
}
