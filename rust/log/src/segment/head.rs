//! What a log has to know of a stored batch, whatever its format: formats 0 and 1 are read, never written.

use kafkalite_records::{BatchHeader, RecordsError};

use super::time_index::Newest;

/// The head of one batch in a segment file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// Bytes of the whole batch.
    pub(crate) len: u64,
    /// Offset of the last record.
    pub(crate) last_offset: i64,
    /// Largest timestamp in ms, -1 for none.
    pub(crate) max_timestamp: i64,
    /// The full header, of a batch in format 2.
    pub(crate) v2: Option<BatchHeader>,
}

impl Head {
    /// As many bytes as [`Head::parse`] may want to see.
    pub(crate) const LEN: usize = BatchHeader::LEN;
    /// Offset and length of an entry in format 0 and 1.
    const LEGACY_OVERHEAD: usize = 12;
    /// CRC, magic, attributes, and the lengths of key and value.
    const LEGACY_MIN: i32 = 14;

    /// Reads the head at the front of `bytes`, which are at least [`Head::LEN`] long unless the file ends.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Head, RecordsError> {
        match bytes.get(16) {
            Some(0 | 1) => Head::parse_legacy(bytes),
            _ => BatchHeader::parse(bytes).map(Head::of),
        }
    }

    /// The head of a batch in format 2.
    pub(crate) fn of(header: BatchHeader) -> Head {
        Head {
            len: header.total_len() as u64,
            last_offset: header.last_offset(),
            max_timestamp: header.max_timestamp,
            v2: Some(header),
        }
    }

    fn parse_legacy(bytes: &[u8]) -> Result<Head, RecordsError> {
        let field = |at: usize| {
            let raw = bytes.get(at..at + 8).and_then(|raw| raw.first_chunk::<8>());
            let needed = at + 8;
            raw.map(|raw| i64::from_be_bytes(*raw))
                .ok_or(RecordsError::Incomplete {
                    needed,
                    have: bytes.len(),
                })
        };
        let offset = field(0)?;
        let length = (field(8)? >> 32) as i32;
        // One offset is left for the end of the log.
        if length < Head::LEGACY_MIN || !(0..i64::MAX).contains(&offset) {
            return Err(RecordsError::Corrupt(
                "a message of the old format with an impossible length or offset",
            ));
        }
        // Format 0 has no timestamps. A compressed wrapper's offset and timestamp are already those of its last message.
        let max_timestamp = if bytes[16] == 1 { field(18)? } else { -1 };
        Ok(Head {
            len: Head::LEGACY_OVERHEAD as u64 + length as u64,
            last_offset: offset,
            max_timestamp,
            v2: None,
        })
    }

    /// Whether there is anything for a reader: compaction may leave a batch without records.
    pub(crate) fn has_records(&self) -> bool {
        self.v2.is_none_or(|header| header.record_count > 0)
    }

    /// The largest timestamp and where it stands, as the time index has it.
    pub(crate) fn newest(&self) -> Newest {
        Newest {
            timestamp: self.max_timestamp,
            offset: self.last_offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_the_old_format_leaves_an_offset_for_the_end() {
        let message = |offset: i64| {
            let mut bytes = [0; Head::LEN];
            bytes[..8].copy_from_slice(&offset.to_be_bytes());
            bytes[11] = 49;
            Head::parse(&bytes).map(|head| head.last_offset)
        };
        assert_eq!(message(i64::MAX - 1), Ok(i64::MAX - 1));
        assert!(message(i64::MAX).is_err());
        assert!(message(-1).is_err());
    }
}
