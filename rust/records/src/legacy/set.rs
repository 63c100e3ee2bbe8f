//! The records of a message, wrapped or not.

use bytes::Bytes;

use super::{Message, messages};
use crate::{
    Compression, Decompressor, RecordLayout, RecordsError, Result, TimestampType, record::Span,
};

/// The records of one [`Message`]: itself, or those that it wraps. Like
/// [`DecodedBatch`](crate::DecodedBatch) it owns the payload that the records point into.
#[derive(Debug, Clone)]
pub struct MessageSet {
    payload: Bytes,
    layouts: Vec<RecordLayout>,
}

impl MessageSet {
    /// Takes the message at the front of `bytes` and decompresses it to `max_bytes` at the most. Checksums are not
    /// verified.
    pub fn decode(
        bytes: &Bytes,
        decompressor: &mut Decompressor,
        max_bytes: usize,
    ) -> Result<Self> {
        let message = Message::parse(bytes)?;
        if message.compression == Compression::None {
            let payload = bytes.slice_ref(message.bytes());
            return Ok(Self {
                payload,
                layouts: vec![layout(&message, 0)],
            });
        }
        if message.compression == Compression::Zstd {
            return Err(RecordsError::Corrupt(
                "zstd in a format that does not have it",
            ));
        }
        let wrapped = message
            .value()
            .ok_or(RecordsError::Corrupt("a wrapper without messages"))?;
        let payload = decompressor.decompress(message.compression, wrapped, max_bytes)?;
        let layouts = unwrap(&message, &payload)?;
        Ok(Self {
            payload: Bytes::from(payload),
            layouts,
        })
    }

    /// The bytes that the records point into.
    pub const fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The records as positions in the payload: one at the least, offsets increasing.
    pub fn layouts(&self) -> &[RecordLayout] {
        &self.layouts
    }
}

fn unwrap(wrapper: &Message<'_>, payload: &[u8]) -> Result<Vec<RecordLayout>> {
    let mut layouts: Vec<RecordLayout> = Vec::new();
    let mut inner = messages(payload);
    let mut start = 0;
    for message in inner.by_ref() {
        let message = message?;
        if message.compression != Compression::None {
            return Err(RecordsError::Corrupt("a wrapped message is compressed"));
        }
        let mut layout = layout(&message, start);
        if message.magic == 1 && wrapper.timestamp_type == TimestampType::LogAppend {
            layout.timestamp = wrapper.timestamp;
        }
        if layouts
            .last()
            .is_some_and(|previous| layout.offset <= previous.offset)
        {
            return Err(RecordsError::Corrupt(
                "a wrapped message's offset is out of order",
            ));
        }
        start += message.bytes().len();
        layouts.push(layout);
    }
    if !inner.rest().is_empty() {
        return Err(RecordsError::Corrupt("a wrapped message is cut short"));
    }
    let Some(last) = layouts.last() else {
        return Err(RecordsError::Corrupt("a wrapper without messages"));
    };
    // In v1 the wrapped offsets are relative (KIP-31). A wrapper offset of 0 is what some old producers
    // wrote: then they count from 0.
    if wrapper.magic == 1 && wrapper.offset != 0 {
        let base = wrapper.offset - last.offset;
        if base < 0 {
            return Err(RecordsError::Corrupt(
                "a wrapper's offset is before its last message's",
            ));
        }
        for layout in &mut layouts {
            layout.offset += base;
        }
    }
    Ok(layouts)
}

fn layout(message: &Message<'_>, start: usize) -> RecordLayout {
    RecordLayout {
        offset: message.offset,
        timestamp: message.timestamp,
        key: message.key.shifted(start),
        value: message.value.shifted(start),
        headers: Span::NULL,
        header_count: 0,
    }
}
