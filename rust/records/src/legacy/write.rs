//! Writing messages of formats v0 and v1.

use super::{ATTRIBUTES_AT, CRC_END, MessageFormat, OFFSET_AND_SIZE};
use crate::{Compression, RecordsError, Result, TimestampType};

const LOG_APPEND_TIME: u8 = 1 << 3;

/// What stands before a message's value.
pub(crate) struct MessageHead<'a> {
    pub(crate) offset: i64,
    pub(crate) compression: Compression,
    pub(crate) timestamp_type: TimestampType,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<&'a [u8]>,
}

/// Appends one message. A time that format v1 cannot say, before 1970, is none.
///
/// [`RecordsError::TooLarge`] if its size does not fit into its field; `out` is as it was then.
pub(crate) fn write(
    out: &mut Vec<u8>,
    format: MessageFormat,
    head: &MessageHead<'_>,
    value: Option<&[u8]>,
) -> Result<()> {
    let is_v1 = format == MessageFormat::V1;
    let fixed = ATTRIBUTES_AT + 1 + if is_v1 { 8 } else { 0 } + 4 + 4;
    let bytes = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
    let size = fixed - OFFSET_AND_SIZE + bytes(head.key) + bytes(value);
    let size = i32::try_from(size).map_err(|_| RecordsError::TooLarge {
        limit: i32::MAX as usize,
    })?;
    let start = out.len();
    out.reserve(OFFSET_AND_SIZE + size as usize);
    out.extend_from_slice(&head.offset.to_be_bytes());
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(&[0; CRC_END - OFFSET_AND_SIZE]);
    let stamped = is_v1 && head.timestamp_type == TimestampType::LogAppend;
    let flags = if stamped { LOG_APPEND_TIME } else { 0 };
    out.extend_from_slice(&[format.magic() as u8, head.compression.code() | flags]);
    if is_v1 {
        out.extend_from_slice(&head.timestamp.max(-1).to_be_bytes());
    }
    for field in [head.key, value] {
        let length = field.map_or(-1, |field| field.len() as i32);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(field.unwrap_or_default());
    }
    let crc = crc32fast::hash(&out[start + CRC_END..]);
    out[start + OFFSET_AND_SIZE..start + CRC_END].copy_from_slice(&crc.to_be_bytes());
    Ok(())
}
