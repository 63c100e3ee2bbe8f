//! The same batch with fewer records: what compaction makes of it.
//!
//! Offsets, sequences and timestamps of the records that stay do not change, and the batch goes on to span the offsets of
//! those that went: readers step over the gap, and an idempotent producer's last sequence is not forgotten.

use std::fmt;

use crate::{
    BatchHeader, Compression, Compressor, Decompressor, Record, RecordBatch, Result,
    records::Cursor, varint,
};

/// Takes records out of batches; keeps its buffers and the codecs' working memory from one batch to the next.
#[derive(Default)]
pub struct BatchFilter {
    decompressor: Decompressor,
    /// By code; made when a batch of that codec is first changed.
    compressors: [Option<Compressor>; Compression::ALL.len()],
    kept: Vec<Kept>,
    payload: Vec<u8>,
    batch: Vec<u8>,
}

/// What [`BatchFilter::filter`] made of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filtered<'a> {
    /// All records stay, as they are.
    Unchanged,
    /// Some stay.
    Changed {
        /// The new batch.
        batch: &'a [u8],
        /// How many records it has.
        kept: usize,
    },
    /// None stays, or there was none. What still has to be known of the batch is in [`BatchHeader::emptied`].
    Empty,
}

/// A record that stays: where it lies in the payload.
#[derive(Clone, Copy)]
struct Kept {
    start: usize,
    end: usize,
    timestamp: i64,
}

impl BatchFilter {
    /// One without buffers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for each record whether it stays. Decompresses to `max_bytes` at the most, and compresses with the same codec
    /// again if something changed. The checksum is not verified.
    ///
    /// A batch without a delete horizon that keeps a tombstone (a record without a value) gets `delete_horizon`, in ms
    /// since 1970, if there is one (KIP-534), and if its timestamps can be told relative to that: a producer may choose any.
    pub fn filter(
        &mut self,
        batch: &RecordBatch<'_>,
        max_bytes: usize,
        delete_horizon: Option<i64>,
        mut stays: impl FnMut(&Record<'_>) -> bool,
    ) -> Result<Filtered<'_>> {
        let header = batch.header();
        let payload = batch.decompress(&mut self.decompressor, max_bytes)?;
        let (mut tombstones, mut records) = (false, 0);
        self.kept.clear();
        let mut cursor = Cursor::new(header);
        loop {
            let start = cursor.at();
            let Some(layout) = cursor.advance(&payload) else {
                break;
            };
            let record = layout?.of(&payload);
            records += 1;
            if stays(&record) {
                tombstones |= record.value.is_none();
                self.kept.push(Kept {
                    start,
                    end: cursor.at(),
                    timestamp: record.timestamp,
                });
            }
        }
        if self.kept.is_empty() {
            return Ok(Filtered::Empty);
        }
        let tellable = |base: &i64| {
            let mut timestamps = self.kept.iter().map(|kept| kept.timestamp);
            timestamps.all(|timestamp| timestamp.checked_sub(*base).is_some())
        };
        let horizon = delete_horizon
            .filter(|_| tombstones && !header.has_delete_horizon())
            .filter(tellable);
        if self.kept.len() == records && horizon.is_none() {
            return Ok(Filtered::Unchanged);
        }
        self.write_kept(&payload, horizon);
        self.seal(header, horizon)?;
        Ok(Filtered::Changed {
            batch: &self.batch,
            kept: self.kept.len(),
        })
    }

    /// Puts the records that stay behind one another; relative to another time if there is a new base.
    fn write_kept(&mut self, payload: &[u8], new_base: Option<i64>) {
        self.payload.clear();
        for kept in &self.kept {
            let record = &payload[kept.start..kept.end];
            match new_base {
                None => self.payload.extend_from_slice(record),
                Some(base) => write_rebased(&mut self.payload, record, kept.timestamp - base),
            }
        }
    }

    /// Puts header and checksum in front of the (compressed) records.
    fn seal(&mut self, old: &BatchHeader, horizon: Option<i64>) -> Result<()> {
        let codec = old.compression();
        let compressor = self.compressors[codec as usize].get_or_insert_with(|| {
            Compressor::new(codec, None).expect("every codec has its default level")
        });
        let payload = match codec {
            Compression::None => &self.payload[..],
            _ => compressor.compress(&self.payload),
        };
        let mut header = old.over(codec, payload)?;
        header.record_count = self.kept.len() as i32;
        // The time of the append, where records carry that, is the same for all.
        let newest = self.kept.iter().map(|kept| kept.timestamp).max();
        header.max_timestamp = newest.unwrap_or(old.max_timestamp);
        if let Some(horizon) = horizon {
            header.attributes = header.attributes.with_delete_horizon(true);
            header.base_timestamp = horizon;
        }
        self.batch.clear();
        self.batch
            .extend_from_slice(&header.sealed(payload).to_bytes());
        self.batch.extend_from_slice(payload);
        Ok(())
    }
}

impl fmt::Debug for BatchFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchFilter").finish_non_exhaustive()
    }
}

impl BatchHeader {
    /// The header of this batch without any record: it says which offsets were there, and up to which sequence the
    /// producer has come.
    #[must_use]
    pub fn emptied(&self) -> Self {
        let mut header = *self;
        header.attributes = header
            .attributes
            .with_compression(Compression::None)
            .with_delete_horizon(false);
        header.batch_length = (Self::LEN - Self::LENGTH_END) as i32;
        header.base_timestamp = -1;
        header.record_count = 0;
        header.sealed(&[])
    }
}

/// Appends `record`, which a walk has found sound, with `delta` as its timestamp relative to the batch's.
fn write_rebased(out: &mut Vec<u8>, record: &[u8], delta: i64) {
    const WALKED: &str = "the record was walked before";
    let mut at = 0;
    varint::read_32(record, &mut at).expect(WALKED);
    let attributes = record[at];
    at += 1;
    varint::read_64(record, &mut at).expect(WALKED);
    let rest = &record[at..];
    let length = 1 + varint::len(delta) + rest.len();
    let mut head = [0; varint::MAX_LEN_64 + 1 + varint::MAX_LEN_64];
    let mut end = varint::write_64(&mut head, 0, length as i64);
    head[end] = attributes;
    end = varint::write_64(&mut head, end + 1, delta);
    out.extend_from_slice(&head[..end]);
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchBuilder, BatchOrigin, Header, Records};

    type Owned = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, usize);

    const ORIGIN: BatchOrigin = BatchOrigin {
        producer_id: 7,
        producer_epoch: 1,
        base_sequence: 40,
        transactional: false,
    };

    /// Ten records, the fourth a tombstone.
    fn batch(codec: Compression) -> Vec<u8> {
        let mut builder = BatchBuilder::new(1 << 20);
        for number in 0..10 {
            let key = format!("key {number}");
            let value = (number != 3).then(|| "v".repeat(100 * number as usize));
            let headers = [Header::new("h", b"x")];
            let stamped = 1000 - 70 * number;
            assert!(builder.try_append(
                stamped,
                Some(key.as_bytes()),
                value.as_deref().map(str::as_bytes),
                &headers[..number as usize % 2],
            ));
        }
        let mut compressor = Compressor::new(codec, None).unwrap();
        builder
            .build(500, ORIGIN, &mut compressor)
            .unwrap()
            .to_vec()
    }

    fn records(bytes: &[u8]) -> (BatchHeader, Vec<Owned>) {
        let batch = RecordBatch::parse(bytes).unwrap();
        assert_eq!(batch.bytes().len(), bytes.len());
        batch.verify_crc().unwrap();
        let payload = batch.decompress(&mut Decompressor::new(), 1 << 20).unwrap();
        let owned = |record: Record<'_>| {
            (
                record.offset,
                record.timestamp,
                record.key.map(<[u8]>::to_vec),
                record.value.map(<[u8]>::to_vec),
                record.headers.count(),
            )
        };
        let records = Records::new(batch.header(), &payload)
            .map(|record| owned(record.unwrap()))
            .collect();
        (*batch.header(), records)
    }

    #[test]
    fn what_stays_is_as_it_was_in_every_codec_with_and_without_a_horizon() {
        for codec in Compression::ALL {
            for horizon in [None, Some(i64::MAX), Some(5)] {
                let bytes = batch(codec);
                let (before, all) = records(&bytes);
                let mut filter = BatchFilter::new();
                let parsed = RecordBatch::parse(&bytes).unwrap();
                let outcome = filter.filter(&parsed, 1 << 20, horizon, |r| r.offset % 3 == 0);
                let Ok(Filtered::Changed { batch, kept }) = outcome else {
                    panic!("{outcome:?}");
                };
                let (after, left) = records(batch);
                let expected: Vec<_> = all.into_iter().filter(|r| r.0 % 3 == 0).collect();
                assert_eq!(left, expected);
                assert_eq!((kept, after.record_count), (left.len(), left.len() as i32));
                assert_eq!(
                    (
                        after.base_offset,
                        after.last_offset(),
                        after.last_sequence()
                    ),
                    (500, 509, before.last_sequence())
                );
                assert_eq!(after.compression(), before.compression());
                assert_eq!(after.max_timestamp, left.iter().map(|r| r.1).max().unwrap());
                // 503 is the tombstone, and not among those that stay.
                assert!(!after.has_delete_horizon());
            }
        }
    }

    #[test]
    fn a_tombstone_that_stays_gets_its_horizon_once() {
        let bytes = batch(Compression::Lz4);
        let mut filter = BatchFilter::new();
        let first = RecordBatch::parse(&bytes).unwrap();
        let outcome = filter.filter(&first, 1 << 20, Some(9000), |_| true);
        let Ok(Filtered::Changed { batch, kept: 10 }) = outcome else {
            panic!("{outcome:?}");
        };
        let (header, with_horizon) = records(batch);
        assert!(header.has_delete_horizon());
        assert_eq!(header.base_timestamp, 9000);
        assert_eq!(with_horizon, records(&bytes).1);
        let batch = batch.to_vec();
        let second = RecordBatch::parse(&batch).unwrap();
        let outcome = filter.filter(&second, 1 << 20, Some(9999), |_| true);
        assert_eq!(outcome, Ok(Filtered::Unchanged));
    }

    #[test]
    fn a_tombstone_whose_time_cannot_be_told_relative_to_the_horizon_gets_none() {
        for (timestamp, horizon) in [(i64::MIN, 9000), (i64::MAX, -2), (-2, i64::MAX)] {
            let mut builder = BatchBuilder::new(1 << 10);
            assert!(builder.try_append(timestamp, Some(b"k"), None, &[]));
            let mut compressor = Compressor::new(Compression::None, None).unwrap();
            let bytes = builder.build(500, ORIGIN, &mut compressor).unwrap();
            let parsed = RecordBatch::parse(&bytes).unwrap();
            let mut filter = BatchFilter::new();
            let outcome = filter.filter(&parsed, 1 << 20, Some(horizon), |_| true);
            assert_eq!(outcome, Ok(Filtered::Unchanged), "{timestamp}");
        }
    }

    #[test]
    fn an_emptied_batch_keeps_its_offsets_and_its_producer() {
        let bytes = batch(Compression::Zstd);
        let parsed = RecordBatch::parse(&bytes).unwrap();
        let mut filter = BatchFilter::new();
        let outcome = filter.filter(&parsed, 1 << 20, None, |_| false);
        assert_eq!(outcome, Ok(Filtered::Empty));
        let empty = parsed.header().emptied().to_bytes();
        let (header, left) = records(&empty);
        assert!(left.is_empty());
        assert_eq!(
            (
                header.base_offset,
                header.last_offset(),
                header.last_sequence()
            ),
            (500, 509, 49)
        );
        let again = RecordBatch::parse(&empty).unwrap();
        let outcome = filter.filter(&again, 1 << 20, None, |_| true);
        assert_eq!(outcome, Ok(Filtered::Empty));
    }

    #[test]
    fn a_batch_that_lies_is_an_error() {
        let mut bytes = batch(Compression::None);
        let end = bytes.len() - 1;
        bytes.truncate(end);
        bytes[8..12].copy_from_slice(&(end as i32 - 12).to_be_bytes());
        let parsed = RecordBatch::parse(&bytes).unwrap();
        assert!(
            BatchFilter::new()
                .filter(&parsed, 1 << 20, None, |_| true)
                .is_err()
        );
    }
}
