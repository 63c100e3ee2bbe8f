//! What a consumer's subscription says: the one thing about consumers that a broker of classic groups looks into, to know
//! which topics are in use.

use std::collections::HashSet;

use bytes::Bytes;
use kafkalite_wire::{MAX_REQUEST_MEMORY, Reader, Result, Value, Version};

/// What a name costs besides its bytes.
const PER_NAME: usize = 2 * size_of::<String>();

/// The topics that any of these subscriptions names, whatever their versions: all begin as version 0 does. `None` if one
/// cannot be read, as a broker does not judge what only consumers need to understand, or if they name more than a request
/// might.
pub(super) fn topics(subscriptions: impl IntoIterator<Item = Bytes>) -> Option<HashSet<String>> {
    let mut topics = HashSet::new();
    let mut room = MAX_REQUEST_MEMORY;
    for subscription in subscriptions {
        let mut reader = Reader::new(subscription, Version::new(0, i16::MAX));
        for _ in 0..count(&mut reader).ok()?? {
            let topic = String::read(&mut reader).ok()?;
            if !topics.contains(&topic) {
                room = room.checked_sub(topic.len() + PER_NAME)?;
                topics.insert(topic);
            }
        }
    }
    Some(topics)
}

/// How many topics follow.
fn count(reader: &mut Reader) -> Result<Option<usize>> {
    let version = i16::read(reader)?;
    Ok(reader.length()?.filter(|_| version >= 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(subscription: Bytes) -> Option<Vec<String>> {
        let mut names: Vec<_> = topics([subscription])?.into_iter().collect();
        names.sort_unstable();
        Some(names)
    }

    #[test]
    fn the_topics_are_read_and_what_follows_is_not_looked_at() {
        let bytes = |parts: &[&[u8]]| Bytes::from(parts.concat());
        let two: &[u8] = &[0, 0, 0, 2, 0, 1, b'a', 0, 2, b'b', b'c'];
        let expected = Some(vec!["a".to_owned(), "bc".to_owned()]);
        assert_eq!(read(bytes(&[&[0, 0], two, &[255; 4]])), expected);
        assert_eq!(read(bytes(&[&[0, 3], two, b"whatever"])), expected);
    }

    #[test]
    fn garbage_has_no_topics() {
        for bytes in [
            &b""[..],
            b"\0",
            b"range",
            &[0, 0, 127, 255, 255, 255],
            &[255, 255, 0, 0, 0, 0],
        ] {
            assert_eq!(read(Bytes::copy_from_slice(bytes)), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_name_costs_once_however_often_it_is_said_and_names_have_an_end() {
        const LENGTH: usize = 10_000;
        const COUNT: u32 = 4_000;
        let many = |name: fn(u32) -> u32| {
            let mut bytes = [&[0, 0][..], &COUNT.to_be_bytes()].concat();
            for number in 0..COUNT {
                bytes.extend((LENGTH as u16).to_be_bytes());
                bytes.extend(format!("{:0LENGTH$}", name(number)).into_bytes());
            }
            Bytes::from(bytes)
        };
        assert_eq!(read(many(|_| 7)).unwrap().len(), 1);
        assert_eq!(read(many(|number| number)), None);
    }
}
