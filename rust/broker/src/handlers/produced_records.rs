//! What must hold for the records inside a producer's batch; the batch as such is the log's to judge.
//!
//! Uncompressed records are walked, so that a count or a length that lies never reaches a consumer. Compressed ones are
//! as their checksum vouches for, unless the topic is compacted: then each needs its key, and is looked at.

use kafkalite_records::{BatchHeader, Compression, Decompressor, RecordBatch, Records};
use kafkalite_wire::ErrorCode;

use crate::refusal::Refusal;

/// Most bytes that one batch may become for this check.
const MAX_DECOMPRESSED: usize = 128 << 20;

pub(super) fn check(bytes: &[u8], header: &BatchHeader, keys_needed: bool) -> Result<(), Refusal> {
    if header.compression() != Compression::None && !keys_needed {
        return Ok(());
    }
    let corrupt = |error: kafkalite_records::RecordsError| {
        Refusal::new(ErrorCode::CorruptMessage, error.to_string())
    };
    let batch = RecordBatch::parse(bytes).map_err(corrupt)?;
    batch.verify_crc().map_err(corrupt)?;
    let payload = batch
        .decompress(&mut Decompressor::default(), MAX_DECOMPRESSED)
        .map_err(corrupt)?;
    for (position, record) in Records::new(header, &payload).enumerate() {
        let invalid = |what: String| {
            Refusal::new(
                ErrorCode::InvalidRecord,
                format!("record {position}: {what}"),
            )
        };
        let record = record.map_err(|error| invalid(error.to_string()))?;
        if keys_needed && record.key.is_none() {
            return Err(invalid(
                "it has no key, which a compacted topic needs".to_owned(),
            ));
        }
    }
    Ok(())
}
