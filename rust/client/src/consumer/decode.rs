//! Fetched bytes into batches.

use bytes::{Buf, Bytes};
use kafkalite_records::legacy::MessageSet;
use kafkalite_records::{Compression, DecodedBatch, Decompressor, Entry, RecordsError};

use super::batch::{Batch, BatchContent};
use crate::error::ClientError;
use kafkalite_names::TopicPartition;

/// Bytes of one partition that were fetched and are not decoded yet.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) of: TopicPartition,
    pub(super) generation: u64,
    pub(super) from: i64,
    pub(super) high_watermark: i64,
    pub(super) bytes: Bytes,
    pub(super) is_compressed: bool,
}

/// What the headers of fetched batches say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FetchedExtent {
    /// Where to fetch on.
    pub(super) next: i64,
    /// Bytes of whole batches; what follows is the start of one that is cut short.
    pub(super) bytes: usize,
    /// Whether anything has to be decompressed.
    pub(super) is_compressed: bool,
}

/// Walks the headers, which takes no time, so that the next fetch can go before anything is decoded.
pub(super) fn extent(bytes: &[u8], from: i64) -> Result<FetchedExtent, RecordsError> {
    let mut whole = 0;
    let mut next = from;
    let mut is_compressed = false;
    while whole < bytes.len() {
        match Entry::parse(&bytes[whole..]) {
            Ok(entry) => {
                next = next.max(entry.last_offset().saturating_add(1));
                whole += entry.bytes().len();
                is_compressed |= compression(&entry) != Compression::None;
            }
            // What came before the end, or the damage, is read first; then that is met again, at the front.
            Err(_) if whole > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(FetchedExtent {
        next,
        bytes: whole,
        is_compressed,
    })
}

fn compression(entry: &Entry<'_>) -> Compression {
    match entry {
        Entry::Batch(batch) => batch.header().compression(),
        Entry::Message(message) => message.compression,
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
        let entry = Entry::parse(&rest).map_err(failed)?;
        if check_crcs {
            entry.verify_crc().map_err(failed)?;
        }
        let next_offset = entry.last_offset().saturating_add(1);
        let length = entry.bytes().len();
        let wanted = match &entry {
            Entry::Batch(batch) => !batch.header().is_control() && batch.header().record_count > 0,
            Entry::Message(_) => true,
        };
        if next_offset > from && wanted {
            let content = match &entry {
                Entry::Batch(_) => {
                    DecodedBatch::decode(&rest, decompressor, max_batch_bytes).map(BatchContent::V2)
                }
                Entry::Message(message) => MessageSet::decode(&rest, decompressor, max_batch_bytes)
                    .map(|set| BatchContent::Old(set, message.timestamp_type)),
            };
            take(Batch {
                topic: fetched.of.topic.clone(),
                partition: fetched.of.partition,
                content: content.map_err(failed)?,
                from,
                next_offset,
                high_watermark: fetched.high_watermark,
                claim: None,
            });
        }
        rest.advance(length);
        from = from.max(next_offset);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafkalite_records::{BatchBuilder, BatchOrigin, Compressor};

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
            is_compressed: false,
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
            Ok(FetchedExtent {
                next: 17,
                bytes: bytes.len(),
                is_compressed: false,
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
            Ok(FetchedExtent {
                next: 3,
                bytes: whole.len(),
                is_compressed: false,
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

    /// A message of format v1 as old brokers stored it.
    fn old_message(offset: i64, value: &[u8]) -> Vec<u8> {
        let mut body = vec![1, 0];
        body.extend(1234_i64.to_be_bytes());
        body.extend((-1_i32).to_be_bytes());
        body.extend((value.len() as i32).to_be_bytes());
        body.extend(value);
        let mut message = offset.to_be_bytes().to_vec();
        message.extend((body.len() as i32 + 4).to_be_bytes());
        message.extend(crc32(&body).to_be_bytes());
        message.extend(body);
        message
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
            })
        })
    }

    #[test]
    fn messages_of_old_formats_and_batches_are_read_in_turn() {
        let bytes = [
            old_message(0, b"a"),
            old_message(1, b"b"),
            batch(2, 2).to_vec(),
        ]
        .concat();
        assert_eq!(
            extent(&bytes, 0),
            Ok(FetchedExtent {
                next: 4,
                bytes: bytes.len(),
                is_compressed: false,
            })
        );
        assert_eq!(offsets(&fetched(bytes, 1)).unwrap(), [1, 2, 3]);
        let mut damaged = old_message(0, b"a");
        *damaged.last_mut().unwrap() ^= 1;
        assert!(
            offsets(&fetched(damaged, 0))
                .unwrap_err()
                .to_string()
                .contains("checksum")
        );
    }
}
