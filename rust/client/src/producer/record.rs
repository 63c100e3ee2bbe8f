//! What is handed to a producer.

use kafkalite_records::Header;

/// A record to be sent. Borrowed: the producer copies it into its batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProducerRecord<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition, or `None` to let key and partitioner decide.
    pub partition: Option<i32>,
    /// The key, if there is one.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: &'a [Header<'a>],
    /// Milliseconds since 1970; `None` is now.
    pub timestamp: Option<i64>,
}

impl ProducerRecord<'_> {
    /// Bytes that it takes in a batch, at the most.
    pub(super) fn size(&self) -> usize {
        // Length, attributes, two deltas, two lengths and the number of headers.
        const OVERHEAD: usize = 5 + 1 + 10 + 5 + 5 + 5 + 5;
        let headers: usize = self
            .headers
            .iter()
            .map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len) + 10)
            .sum();
        self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len) + headers + OVERHEAD
    }
}
