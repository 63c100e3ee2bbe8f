//! What must hold for the records inside a producer's batch; the batch as such is the log's to judge.
//!
//! Uncompressed records are walked, so that a count or a length that lies never reaches a consumer. Compressed ones are
//! as their checksum vouches for, unless the topic is compacted: then each needs its key, and is looked at.

use kafkalite_records::{BatchHeader, Compression, Decompressor, RecordBatch, Records};
use kafkalite_wire::ErrorCode;

use crate::refusal::Refusal;

/// Most bytes that one batch may become for this check.
const MAX_DECOMPRESSED: usize = 128 << 20;

/// Does not verify the checksum, which the log does, unless something is wrong: then it tells bytes that were changed on
/// their way from a producer that builds wrong records.
pub(super) fn check(bytes: &[u8], header: &BatchHeader, keys_needed: bool) -> Result<(), Refusal> {
    if header.compression() != Compression::None && !keys_needed {
        return Ok(());
    }
    let batch = RecordBatch::parse(bytes)?;
    let payload = batch.decompress(&mut Decompressor::default(), MAX_DECOMPRESSED)?;
    let invalid = |position: usize, what: String| {
        batch.verify_crc()?;
        Err(Refusal::new(
            ErrorCode::InvalidRecord,
            format!("record {position}: {what}"),
        ))
    };
    for (position, record) in Records::new(header, &payload).enumerate() {
        match record {
            Err(error) => return invalid(position, error.to_string()),
            Ok(record) if keys_needed && record.key.is_none() => {
                return invalid(
                    position,
                    "it has no key, which a compacted topic needs".to_owned(),
                );
            }
            Ok(_) => {}
        }
    }
    Ok(())
}
