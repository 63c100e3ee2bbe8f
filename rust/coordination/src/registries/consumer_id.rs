//! Who a consumer is, and who each of its streams is. Both are ordered as Java orders texts, by which the old consumer sorts
//! them: stream 10 comes before stream 2.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use kafkalite_names::InvalidName;

use super::node_name::{is_legal, objection};

/// Longest id, in bytes: group and host are at the most this long together.
const LONGEST: usize = 1024;

/// A consumer of a group: the name of its node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConsumerId(Arc<str>);

/// One of a consumer's streams: the id that owns partitions. In the algorithm each stream is a consumer of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ThreadId {
    text: Arc<str>,
    /// Where in the text the consumer's id ends.
    end: usize,
    stream: u32,
}

impl ConsumerId {
    /// An id that was found; it is wrong if no node can be called so.
    pub fn new(id: &str) -> Result<Self, InvalidName> {
        let reason = if id.len() > LONGEST {
            "is longer than the 1,024 bytes of a consumer's id"
        } else if objection(id).is_some() {
            "cannot be a node's name in ZooKeeper, so it is no consumer's id"
        } else {
            return Ok(Self(id.into()));
        };
        Err(InvalidName::new(id, reason))
    }

    /// An id for a new consumer, as the old one makes them: group, host, time in milliseconds since 1970, and eight hexadecimal
    /// digits of a random number.
    pub fn unique(group: &str, host: &str, now: i64, random: u32) -> Result<Self, InvalidName> {
        let legal = |letter| if is_legal(letter) { letter } else { '_' };
        let host: String = host.chars().map(legal).take(LONGEST / 8).collect();
        Self::new(&format!("{group}_{host}-{now}-{random:08x}"))
    }

    /// The id as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stream of this number, from 0.
    pub fn thread(&self, stream: u32) -> ThreadId {
        ThreadId {
            text: format!("{}-{stream}", self.0).into(),
            end: self.0.len(),
            stream,
        }
    }
}

impl ThreadId {
    /// Reads what stands in an owner's node; the error is the reason why that cannot be.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (consumer, stream) = text
            .rsplit_once('-')
            .ok_or("the stream's number is missing")?;
        let stream: u32 = stream
            .parse()
            .map_err(|_| "it does not end with a stream's number")?;
        let thread = ConsumerId::new(consumer)
            .map_err(|error| error.to_string())?
            .thread(stream);
        if *thread.text == *text {
            Ok(thread)
        } else {
            Err("it does not end with a stream's number".to_owned())
        }
    }

    /// The consumer whose stream it is.
    pub fn consumer(&self) -> ConsumerId {
        ConsumerId(self.text[..self.end].into())
    }

    /// Whether it is a stream of this consumer.
    pub fn is_of(&self, consumer: &ConsumerId) -> bool {
        self.text[..self.end] == *consumer.0
    }

    /// Its number among the consumer's streams, from 0.
    pub fn stream(&self) -> u32 {
        self.stream
    }
}

/// As `String.compareTo` does: by units of UTF-16.
fn as_java(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

impl Ord for ConsumerId {
    fn cmp(&self, other: &Self) -> Ordering {
        as_java(&self.0, &other.0)
    }
}

impl PartialOrd for ConsumerId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ThreadId {
    fn cmp(&self, other: &Self) -> Ordering {
        // Two consumers' ids can make the same text: "a" and its stream 1, "a-1" is a consumer of its own.
        as_java(&self.text, &other.text).then(self.end.cmp(&other.end))
    }
}

impl PartialOrd for ThreadId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ConsumerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_sorted_as_texts() {
        let consumer = ConsumerId::new("g_h-1-a").unwrap();
        let mut threads: Vec<_> = (0..12).map(|stream| consumer.thread(stream)).collect();
        threads.sort_unstable();
        let order: Vec<_> = threads.iter().map(ThreadId::stream).collect();
        assert_eq!(order, [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn what_is_beyond_utf_16s_first_plane_comes_where_java_puts_it() {
        let id = |text| ConsumerId::new(text).unwrap();
        assert!(
            id("\u{1f600}") < id("\u{f900}"),
            "which Rust orders the other way round"
        );
    }

    #[test]
    fn an_id_is_made_as_the_old_consumer_makes_it() {
        let id = ConsumerId::unique("g3", "vm", 1_795_905_754_189, 0x2364_6949).unwrap();
        assert_eq!(id.as_str(), "g3_vm-1795905754189-23646949");
        assert_eq!(id.thread(0).to_string(), "g3_vm-1795905754189-23646949-0");
        let strange = ConsumerId::unique("g", &"a/\n".repeat(1000), 1, 1).unwrap();
        assert!(strange.as_str().starts_with("g_a__a__"), "{strange}");
    }

    #[test]
    fn what_cannot_name_a_node_is_no_id() {
        for text in [
            "",
            ".",
            "..",
            "a/b",
            "a\0",
            "a\n",
            "\u{e000}",
            &"x".repeat(2000),
        ] {
            assert!(ConsumerId::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_owner_is_a_consumer_and_a_stream() {
        let thread = ThreadId::parse("g_h-1-a-12").unwrap();
        assert_eq!(
            (thread.consumer().as_str(), thread.stream()),
            ("g_h-1-a", 12)
        );
        assert!(thread.is_of(&ConsumerId::new("g_h-1-a").unwrap()));
        for text in [
            "",
            "x",
            "-1",
            "g-",
            "g-x",
            "g-+1",
            "g-01",
            "g-4294967296",
            "a/b-1",
        ] {
            assert!(ThreadId::parse(text).is_err(), "{text:?}");
        }
    }
}
