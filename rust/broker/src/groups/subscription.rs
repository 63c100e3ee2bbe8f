//! What a consumer's subscription says: the one thing about consumers that a broker of classic groups looks into, to know
//! which topics are in use.

use bytes::Bytes;
use kafkalite_wire::{Reader, Value, Version};

/// The topics, whatever the subscription's version: all begin as version 0 does. `None` if it cannot be read; a broker does
/// not judge what only consumers need to understand.
pub(super) fn topics(subscription: &Bytes) -> Option<Vec<String>> {
    let mut reader = Reader::new(subscription.clone(), Version::new(0, i16::MAX));
    i16::read(&mut reader)
        .ok()
        .filter(|&version| version >= 0)?;
    Vec::<String>::read(&mut reader).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topics_are_read_and_what_follows_is_not_looked_at() {
        let bytes = |parts: &[&[u8]]| Bytes::from(parts.concat());
        let two: &[u8] = &[0, 0, 0, 2, 0, 1, b'a', 0, 2, b'b', b'c'];
        let expected = Some(vec!["a".to_owned(), "bc".to_owned()]);
        assert_eq!(topics(&bytes(&[&[0, 0], two, &[255; 4]])), expected);
        assert_eq!(topics(&bytes(&[&[0, 3], two, b"whatever"])), expected);
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
            assert_eq!(topics(&Bytes::copy_from_slice(bytes)), None, "{bytes:?}");
        }
    }
}
