//! What must hold for the records inside a producer's batch; the batch as such is the log's to judge.
//!
//! Uncompressed records are walked, so that a count or a length that lies never reaches a consumer. Compressed ones are
//! as their checksum vouches for, unless the topic is compacted: then each needs its key, and is looked at.

use kafkalite_records::{BatchHeader, Compression, Decompressor, RecordBatch, Records};
use kafkalite_wire::{ErrorCode, api::produce::RecordError};

use crate::refusal::Refusal;

/// Most bytes that one batch may become for this check.
const MAX_DECOMPRESSED: usize = 128 << 20;
/// Of so many records at the most the answer says what is wrong: it must not be larger than the request.
const MOST_ERRORS: usize = 100;

/// Why a batch is not taken, and whether some of its records alone are to blame (KIP-467): a client may send the others
/// again.
#[derive(Debug, Clone)]
pub(super) struct Rejection {
    pub(super) refusal: Refusal,
    pub(super) records: Vec<RecordError>,
}

impl<E: Into<Refusal>> From<E> for Rejection {
    fn from(error: E) -> Self {
        Self {
            refusal: error.into(),
            records: Vec::new(),
        }
    }
}

/// Does not verify the checksum, which the log does, unless something is wrong: then it tells bytes that were changed on
/// their way from a producer that builds wrong records.
pub(super) fn check(
    bytes: &[u8],
    header: &BatchHeader,
    keys_needed: bool,
) -> Result<(), Rejection> {
    if header.compression() != Compression::None && !keys_needed {
        return Ok(());
    }
    let batch = RecordBatch::parse(bytes)?;
    let payload = batch.decompress(&mut Decompressor::default(), MAX_DECOMPRESSED)?;
    let mut keyless = Vec::new();
    for (position, record) in Records::new(header, &payload).enumerate() {
        match record {
            Err(error) => {
                batch.verify_crc()?;
                let message = format!("record {position}: {error}");
                return Err(Refusal::new(ErrorCode::InvalidRecord, message).into());
            }
            Ok(record) if keys_needed && record.key.is_none() => keyless.push(position),
            Ok(_) => {}
        }
    }
    let Some(first) = keyless.first() else {
        return Ok(());
    };
    batch.verify_crc()?;
    let count = keyless.len();
    let message = format!(
        "{count} of the batch's records have no key, which a compacted topic needs; the first is record {first}"
    );
    let error = |position: &usize| RecordError {
        batch_index: *position as i32,
        batch_index_error_message: Some("a compacted topic takes no record without a key".into()),
    };
    Err(Rejection {
        refusal: Refusal::new(ErrorCode::InvalidRecord, message),
        records: keyless.iter().take(MOST_ERRORS).map(error).collect(),
    })
}
