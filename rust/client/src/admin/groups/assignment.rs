//! What a member of a classic group reads, out of the bytes that only consumers were meant to read.

use bytes::Bytes;
use kafkalite_wire::{Reader, Value, Version};

use crate::consumer::TopicPartition;

/// The partitions of a `ConsumerProtocolAssignment`, sorted; every version of it begins as version 0 does. No bytes are no
/// partitions. `None` if it can't be read: a member may assign what it likes.
pub(super) fn partitions(assignment: &Bytes) -> Option<Vec<TopicPartition>> {
    if assignment.is_empty() {
        return Some(Vec::new());
    }
    let mut reader = Reader::new(assignment.clone(), Version::new(0, i16::MAX));
    i16::read(&mut reader)
        .ok()
        .filter(|version| *version >= 0)?;
    let topics = i32::read(&mut reader).ok()?;
    let mut partitions = Vec::new();
    for _ in 0..topics {
        let topic = String::read(&mut reader).ok()?;
        for partition in Vec::<i32>::read(&mut reader).ok()? {
            partitions.push(TopicPartition::new(topic.as_str(), partition));
        }
    }
    partitions.sort_unstable();
    Some(partitions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_read_and_what_follows_is_not_looked_at() {
        let bytes = Bytes::from_static(&[
            0, 3, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 255, 255, 255, 255, 9,
        ]);
        let expected = vec![TopicPartition::new("t", 0), TopicPartition::new("t", 1)];
        assert_eq!(partitions(&bytes), Some(expected));
        assert_eq!(partitions(&Bytes::new()), Some(Vec::new()));
    }

    #[test]
    fn garbage_is_told_from_nothing() {
        for bytes in [
            &b"\0"[..],
            b"garbage",
            &[0, 0, 127, 255, 255, 255, 0],
            &[0, 0, 0, 0, 0, 1, 0, 1, b't', 127, 255, 255, 255],
        ] {
            assert_eq!(
                partitions(&Bytes::copy_from_slice(bytes)),
                None,
                "{bytes:?}"
            );
        }
    }
}
