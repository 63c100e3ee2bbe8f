//! Records in as few batches as they fit into.

use bytes::Bytes;
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};
use kafkalite_wire::ErrorCode;

use crate::refusal::Refusal;

/// Batches of `max_bytes` at the most; a record that alone is more has one to itself, which the log refuses. `None` as a value is
/// a tombstone.
pub(super) fn batches<'a>(
    records: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    max_bytes: usize,
    now_ms: i64,
) -> Result<Vec<Bytes>, Refusal> {
    let mut compressor = Compressor::new(Compression::None, None)
        .map_err(|error| Refusal::new(ErrorCode::UnknownServerError, error.to_string()))?;
    let mut builder = BatchBuilder::new(max_bytes);
    let mut batches = Vec::new();
    for (key, value) in records {
        let mut fits = builder.try_append(now_ms, Some(key), value, &[]);
        if !fits {
            batches.extend(builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor));
            fits = builder.try_append(now_ms, Some(key), value, &[]);
        }
        if !fits {
            let message = "a record is larger than any batch can be";
            return Err(Refusal::new(ErrorCode::MessageTooLarge, message));
        }
    }
    batches.extend(builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor));
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_records_are_split_over_batches_of_the_allowed_size() {
        let (key, value) = ([1; 100], [2; 100]);
        let records = [(&key[..], Some(&value[..])); 100];
        let batches = batches(records, 1000, 0).unwrap();
        assert!(batches.len() > 10 && batches.iter().all(|batch| batch.len() <= 1000));
    }
}
