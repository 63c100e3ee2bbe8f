//! What is inside a producer's batch: opened where it is compressed, judged, and compressed anew where the log wants that.

use std::borrow::Cow;
use std::cell::RefCell;

use kafkalite_records::{BatchHeader, Compressor, Decompressor, RecordBatch, RecordsError};

use super::rules::BatchRules;
use crate::config::StoredCompression;
use crate::{LogConfig, LogError, Result};

/// A thread keeps so much room for records from one batch to the next.
const KEPT_ROOM: usize = 2 << 20;

thread_local! {
    static OPENING: RefCell<Opening> = RefCell::default();
}

/// A batch as it is to be stored. The header is to be sealed if it is not the one that was sent.
pub(super) struct Content<'a> {
    pub(super) header: BatchHeader,
    pub(super) payload: Cow<'a, [u8]>,
}

impl<'a> Content<'a> {
    pub(super) fn as_sent(batch: &RecordBatch<'a>) -> Self {
        Self {
            header: *batch.header(),
            payload: Cow::Borrowed(batch.records_payload()),
        }
    }

    /// Checks the records, which are decompressed to `most` bytes at the most. The header's largest timestamp becomes that of
    /// the records, and they are compressed as the log wants them.
    pub(super) fn judged(
        batch: &RecordBatch<'a>,
        now_ms: i64,
        config: &LogConfig,
        most: usize,
    ) -> Result<Self> {
        let header = batch.header();
        let rules = BatchRules::new(header, now_ms, config);
        if !config.opens(header) {
            let mut content = Self::as_sent(batch);
            content.header.max_timestamp = rules.judge(header, batch.records_payload())?;
            return Ok(content);
        }
        OPENING.with_borrow_mut(|opening| {
            let judged = opening.judge(batch, &rules, config, most);
            // Also of a batch that is refused.
            let payload = judged.as_ref().map_or(0, |content| content.payload.len());
            if opening.room.capacity().max(payload) > KEPT_ROOM {
                *opening = Opening::default();
            }
            judged
        })
    }
}

/// What a thread needs to open batches: buffers, and the codecs' working memory.
#[derive(Default)]
struct Opening {
    decompressor: Decompressor,
    room: Vec<u8>,
    compressor: Option<(StoredCompression, Compressor)>,
}

impl Opening {
    fn judge<'a>(
        &mut self,
        batch: &RecordBatch<'a>,
        rules: &BatchRules,
        config: &LogConfig,
        most: usize,
    ) -> Result<Content<'a>> {
        let (header, mut content) = (batch.header(), Content::as_sent(batch));
        let plain = batch
            .decompress_into(&mut self.decompressor, most, &mut self.room)
            .map_err(unreadable)?;
        content.header.max_timestamp = rules.judge(header, plain)?;
        if let Some(wanted) = config.recompression(header) {
            let stored = compressor(&mut self.compressor, wanted).compress(plain);
            content.header = (content.header.over(wanted.codec, stored)).map_err(unreadable)?;
            content.payload = Cow::Owned(stored.to_vec());
        }
        Ok(content)
    }
}

/// The compressor of the last batch if it is the wanted one.
fn compressor(
    kept: &mut Option<(StoredCompression, Compressor)>,
    wanted: StoredCompression,
) -> &mut Compressor {
    if kept
        .as_ref()
        .is_none_or(|(made_for, _)| *made_for != wanted)
    {
        *kept = None;
    }
    let (_, compressor) = kept.get_or_insert_with(|| {
        let made = Compressor::new(wanted.codec, wanted.level)
            // The file of settings may hold a level that is not taken any more.
            .or_else(|_| Compressor::new(wanted.codec, None))
            .expect("every codec has its default level");
        (wanted, made)
    });
    compressor
}

fn unreadable(error: RecordsError) -> LogError {
    match error {
        RecordsError::TooLarge { limit } => LogError::DecompressedTooLarge { limit },
        other => LogError::Undecodable {
            reason: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use kafkalite_records::{BatchBuilder, BatchOrigin, Compression};

    use super::*;

    #[test]
    fn a_batch_that_is_refused_leaves_no_room_behind() {
        let mut builder = BatchBuilder::new(usize::MAX);
        let old = 1;
        assert!(builder.try_append(old, None, Some(&vec![0; 2 * KEPT_ROOM]), &[]));
        let mut zstd = Compressor::new(Compression::Zstd, None).unwrap();
        let bytes = builder.build(0, BatchOrigin::ANONYMOUS, &mut zstd).unwrap();
        let config = LogConfig {
            timestamp_before_max_ms: 0,
            ..LogConfig::default()
        };
        let batch = RecordBatch::parse(&bytes).unwrap();
        let judged = Content::judged(&batch, old + 1, &config, usize::MAX);
        assert!(matches!(judged, Err(LogError::InvalidTimestamp { .. })));
        OPENING.with_borrow(|opening| assert!(opening.room.capacity() <= KEPT_ROOM));
    }
}
