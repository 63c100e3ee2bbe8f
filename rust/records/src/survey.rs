//! One walk over a producer's records that keeps what a log has to know of all of them, and nothing of any one.

use crate::{BatchHeader, Result, records::Cursor};

/// What was found in a batch whose records are all well-formed and as many as the header promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survey {
    /// The smallest timestamp, in ms since 1970, of the records that have one; `i64::MAX` if none has.
    pub earliest: i64,
    /// The largest timestamp, in ms since 1970; −1 if no record has one.
    pub latest: i64,
    /// Whether a record has no key.
    pub keyless: bool,
    /// Bytes of the longest record, as the record's own length says.
    pub longest: usize,
}

impl Survey {
    const NO_TIMESTAMP: i64 = -1;

    /// Walks `payload`, the decompressed records of the batch with this header, and the headers of each record.
    ///
    /// [`RecordsError::Corrupt`](crate::RecordsError::Corrupt) for the first that is not well-formed;
    /// [`Records`](crate::Records) then says which it is.
    pub fn of(header: &BatchHeader, payload: &[u8]) -> Result<Self> {
        let mut found = Self {
            earliest: i64::MAX,
            latest: Self::NO_TIMESTAMP,
            keyless: false,
            longest: 0,
        };
        let mut cursor = Cursor::new(header);
        while let Some(record) = cursor.advance(payload) {
            let record = record?;
            if record.header_count() > 0 {
                record
                    .headers(payload)
                    .try_for_each(|header| header.map(drop))?;
            }
            let known = if record.timestamp == Self::NO_TIMESTAMP {
                i64::MAX
            } else {
                record.timestamp
            };
            found.earliest = found.earliest.min(known);
            found.latest = found.latest.max(record.timestamp);
            found.keyless |= record.key.is_null();
            found.longest = found.longest.max(cursor.length());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BatchBuilder, BatchOrigin, Compression, Compressor, Header, RecordBatch, RecordsError,
    };

    fn surveyed(records: &[(i64, Option<&[u8]>, usize)]) -> Survey {
        let mut builder = BatchBuilder::new(1 << 20);
        for (timestamp, key, len) in records {
            assert!(builder.try_append(*timestamp, *key, Some(&vec![b'v'; *len]), &[]));
        }
        let mut none = Compressor::new(Compression::None, None).unwrap();
        let bytes = builder.build(0, BatchOrigin::ANONYMOUS, &mut none).unwrap();
        let batch = RecordBatch::parse(&bytes).unwrap();
        Survey::of(batch.header(), batch.records_payload()).unwrap()
    }

    #[test]
    fn the_extremes_are_those_of_the_records_that_have_a_time() {
        let key = Some(&b"k"[..]);
        let found = surveyed(&[(-1, key, 1), (7, key, 100), (-3, key, 1), (5, key, 1)]);
        assert_eq!((found.earliest, found.latest), (-3, 7));
        assert!(!found.keyless);
        // Attributes, two deltas, the key, the value and its length, no headers.
        assert_eq!(found.longest, 1 + 1 + 1 + 2 + 2 + 100 + 1);
        let found = surveyed(&[(-1, key, 1), (-1, None, 1)]);
        assert_eq!((found.earliest, found.latest), (i64::MAX, -1));
        assert!(found.keyless);
    }

    #[test]
    fn headers_that_do_not_fill_their_record_are_corrupt() {
        let mut builder = BatchBuilder::new(1 << 20);
        let headers = [Header::new("name", b"value"), Header::new("other", b"")];
        assert!(builder.try_append(1, None, None, &headers));
        let mut none = Compressor::new(Compression::None, None).unwrap();
        let bytes = builder.build(0, BatchOrigin::ANONYMOUS, &mut none).unwrap();
        let batch = RecordBatch::parse(&bytes).unwrap();
        let sound = batch.records_payload();
        assert!(Survey::of(batch.header(), sound).is_ok());
        let name = sound.windows(4).position(|w| w == b"name").unwrap();
        for length in [0x01, 0x06, 0x0a, 0x7e] {
            // No name at all, one that is too short or too long for what follows, and one beyond the record.
            let mut payload = sound.to_vec();
            payload[name - 1] = length;
            let found = Survey::of(batch.header(), &payload);
            assert!(matches!(found, Err(RecordsError::Corrupt(_))), "{length}");
        }
    }
}
