//! Fetched bytes into batches.

use bytes::Bytes;
use kafkalite_records::{DecodedBatch, Decompressor, RecordBatch, RecordsError, batches};

use super::TopicPartition;
use super::batch::Batch;
use crate::error::ClientError;

/// Bytes of one partition that were fetched and are not decoded yet.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) of: TopicPartition,
    pub(super) generation: u64,
    pub(super) from: i64,
    pub(super) high_watermark: i64,
    pub(super) bytes: Bytes,
}

/// What the headers of fetched batches say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Where to fetch on.
    pub(super) next: i64,
    /// Bytes of whole batches; what follows is the start of one that is cut short.
    pub(super) bytes: usize,
}

/// Walks the headers, which takes no time, so that the next fetch can go before anything is decoded.
pub(super) fn extent(bytes: &[u8], from: i64) -> Result<Extent, RecordsError> {
    let mut walk = batches(bytes);
    let mut next = from;
    let mut failed = None;
    for batch in walk.by_ref() {
        match batch {
            Ok(batch) => next = next.max(batch.header().next_offset()),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let whole = bytes.len() - walk.rest().len();
    match failed {
        // What came before the damage is read first; then it is met again, at the front.
        Some(error) if whole == 0 => Err(error),
        None if whole == 0 && !bytes.is_empty() => Err(RecordsError::Incomplete {
            needed: bytes.len() + 1,
            have: bytes.len(),
        }),
        _ => Ok(Extent { next, bytes: whole }),
    }
}

/// Decodes batch by batch and gives each to `take`; control batches and those before `from` are left out.
pub(super) fn decode(
    fetched: &Fetched,
    decompressor: &mut Decompressor,
    max_batch_bytes: usize,
    check_crcs: bool,
    mut take: impl FnMut(Batch),
) -> Result<(), ClientError> {
    let mut rest = fetched.bytes.clone();
    let mut from = fetched.from;
    while !rest.is_empty() {
        let at = from;
        let failed = |source| ClientError::Records {
            topic: fetched.of.topic.clone(),
            partition: fetched.of.partition,
            offset: at,
            source,
        };
        let batch = RecordBatch::parse(&rest).map_err(failed)?;
        if check_crcs {
            batch.verify_crc().map_err(failed)?;
        }
        let header = *batch.header();
        let bytes = rest.split_to(batch.bytes().len());
        if header.next_offset() <= from {
            continue;
        }
        if !header.is_control() && header.record_count > 0 {
            let decoded =
                DecodedBatch::decode(&bytes, decompressor, max_batch_bytes).map_err(failed)?;
            take(Batch {
                topic: fetched.of.topic.clone(),
                partition: fetched.of.partition,
                decoded,
                from,
                next_offset: header.next_offset(),
                high_watermark: fetched.high_watermark,
            });
        }
        from = header.next_offset();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};

    fn batch(base: i64, count: usize) -> Bytes {
        let mut builder = BatchBuilder::new(10_000);
        for _ in 0..count {
            assert!(builder.try_append(1, None, Some(b"value"), &[]));
        }
        let mut none = Compressor::new(Compression::None, None).unwrap();
        builder
            .build(base, BatchOrigin::ANONYMOUS, &mut none)
            .unwrap()
    }

    fn fetched(bytes: Vec<u8>, from: i64) -> Fetched {
        let of = TopicPartition::new("t", 0);
        Fetched {
            of,
            generation: 0,
            from,
            high_watermark: 0,
            bytes: bytes.into(),
        }
    }

    fn offsets(fetched: &Fetched) -> Result<Vec<i64>, ClientError> {
        let mut offsets = Vec::new();
        decode(
            fetched,
            &mut Decompressor::default(),
            10_000,
            true,
            |batch| {
                offsets.extend(batch.records().map(|record| record.unwrap().offset));
                assert_eq!(batch.next_offset(), offsets.last().unwrap() + 1);
            },
        )
        .map(|()| offsets)
    }

    #[test]
    fn a_start_inside_a_batch_leaves_out_what_comes_before_it() {
        let bytes = [batch(10, 5), batch(15, 2)].concat();
        assert_eq!(
            extent(&bytes, 12),
            Ok(Extent {
                next: 17,
                bytes: bytes.len()
            })
        );
        assert_eq!(offsets(&fetched(bytes, 12)).unwrap(), [12, 13, 14, 15, 16]);
    }

    #[test]
    fn a_batch_that_is_cut_short_is_left_for_the_next_fetch() {
        let whole = batch(0, 3);
        let bytes = [&whole[..], &batch(3, 3)[..40]].concat();
        assert_eq!(
            extent(&bytes, 0),
            Ok(Extent {
                next: 3,
                bytes: whole.len()
            })
        );
        assert!(
            extent(&whole[..50], 0).is_err(),
            "no progress is an error, not a loop"
        );
    }

    #[test]
    fn a_wrong_checksum_names_the_offset() {
        let mut bytes = [batch(0, 3), batch(3, 3)].concat();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let error = offsets(&fetched(bytes, 0)).unwrap_err();
        assert!(
            error.to_string().contains("batch at offset 3 of t-0"),
            "{error}"
        );
    }
}
