//! What has to be known of an append before the log's lock is taken: the bytes are sound and allowed.

use std::borrow::Cow;

use kafkalite_records::{BatchHeader, Compression, RecordBatch, RecordsError, TimestampType};

use super::content::Content;
use super::options::AppendOptions;
use super::rules::BatchRules;
use crate::producers::Origin;
use crate::{LogConfig, LogError, Result};

/// A batch that may be written: a header, which gets its place in the log later, and the bytes behind it.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    pub(super) header: BatchHeader,
    /// How much of the header is written from `header`: 16 bytes, or all of it where something behind them has changed.
    pub(super) rewritten: usize,
    /// The batch without its first `rewritten` bytes: the producer's, unless the log compresses them itself.
    pub(super) rest: Cow<'a, [u8]>,
}

impl Prepared<'_> {
    /// The batch's bytes behind its header.
    pub(super) fn payload(&self) -> &[u8] {
        &self.rest[BatchHeader::LEN - self.rewritten..]
    }
}

/// Parses and checks all batches of an append.
pub(super) fn prepare_all<'a>(
    mut bytes: &'a [u8],
    options: &AppendOptions,
    config: &LogConfig,
    most: usize,
) -> Result<Vec<Prepared<'a>>> {
    if bytes.is_empty() {
        return Err(LogError::CorruptBatch {
            reason: "there is no batch".to_owned(),
        });
    }
    let mut prepared = Vec::new();
    while !bytes.is_empty() {
        let batch = RecordBatch::parse(bytes).map_err(refusal)?;
        bytes = &bytes[batch.bytes().len()..];
        prepared.push(prepare(&batch, options, config, most)?);
    }
    Ok(prepared)
}

/// Checks a batch: the checksum of every byte is verified here, once, and the records are looked at here, once.
pub(super) fn prepare<'a>(
    batch: &RecordBatch<'a>,
    options: &AppendOptions,
    config: &LogConfig,
    most: usize,
) -> Result<Prepared<'a>> {
    let sent = batch.header();
    if options.origin != Origin::Replica {
        check_size(sent, config)?;
    }
    batch.verify_crc().map_err(refusal)?;
    let mut content = Content::as_sent(batch);
    if options.origin == Origin::Client {
        check_client_rules(sent)?;
        if sent.compression() == Compression::None || config.opens(sent) {
            content = Content::judged(batch, options.now_ms, config, most)?;
            check_size(&content.header, config)?;
        } else {
            BatchRules::new(sent, options.now_ms, config).judge_header(sent)?;
        }
    }
    let mut header = content.header;
    if options.origin != Origin::Replica && config.timestamp_type == TimestampType::LogAppend {
        header = header.stamped(options.now_ms);
    }
    if header == *sent {
        return Ok(Prepared {
            header,
            rewritten: BatchHeader::PREFIX_LEN,
            rest: Cow::Borrowed(&batch.bytes()[BatchHeader::PREFIX_LEN..]),
        });
    }
    Ok(Prepared {
        header: header.sealed(&content.payload),
        rewritten: BatchHeader::LEN,
        rest: content.payload,
    })
}

fn check_size(header: &BatchHeader, config: &LogConfig) -> Result<()> {
    let (size, limit) = (header.total_len(), config.max_message_bytes as usize);
    if size > limit {
        return Err(LogError::BatchTooLarge { size, limit });
    }
    Ok(())
}

/// What Kafka's broker asks of a producer's batch beyond being sound.
fn check_client_rules(header: &BatchHeader) -> Result<()> {
    let broken = if header.base_offset != 0 {
        "a producer's batch starts with offset 0"
    } else if header.is_control() {
        "clients must not write control records"
    } else if header.record_count == 0 {
        "it has no records"
    } else if !header.is_dense() {
        "the record count does not fit the offsets"
    } else if header.timestamp_type() == TimestampType::LogAppend {
        "only the log may stamp records with its own time"
    } else {
        return Ok(());
    };
    Err(LogError::invalid(broken))
}

fn refusal(error: RecordsError) -> LogError {
    match error {
        RecordsError::UnsupportedMagic { magic } if (0..2).contains(&magic) => {
            LogError::UnsupportedFormat { magic }
        }
        other => LogError::CorruptBatch {
            reason: other.to_string(),
        },
    }
}
