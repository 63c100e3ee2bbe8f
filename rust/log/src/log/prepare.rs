//! What has to be known of an append before the log's lock is taken: the bytes are sound and allowed.

use kafkalite_records::{BatchHeader, RecordBatch, RecordsError, TimestampType};

use super::AppendOptions;
use crate::producers::Origin;
use crate::{LogConfig, LogError, Result};

/// A batch that may be written: a header, which gets its place in the log later, and the bytes that stay as they are.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    pub(super) header: BatchHeader,
    /// How much of the header is rewritten: 16 bytes, or all of it where the log stamps the time.
    pub(super) rewritten: usize,
    /// The batch without its first `rewritten` bytes.
    pub(super) rest: &'a [u8],
}

/// Parses and checks all batches of an append; the checksum of every byte is verified here, once.
pub(super) fn prepare<'a>(
    mut bytes: &'a [u8],
    options: &AppendOptions,
    config: &LogConfig,
) -> Result<Vec<Prepared<'a>>> {
    if bytes.is_empty() {
        return Err(LogError::CorruptBatch {
            reason: "there is no batch".to_owned(),
        });
    }
    if bytes.len() > config.segment_bytes as usize {
        return Err(LogError::AppendTooLarge {
            size: bytes.len(),
            limit: config.segment_bytes as usize,
        });
    }
    let mut prepared = Vec::new();
    while !bytes.is_empty() {
        let batch = RecordBatch::parse(bytes).map_err(refusal)?;
        bytes = &bytes[batch.bytes().len()..];
        prepared.push(check(&batch, options, config)?);
    }
    Ok(prepared)
}

fn check<'a>(
    batch: &RecordBatch<'a>,
    options: &AppendOptions,
    config: &LogConfig,
) -> Result<Prepared<'a>> {
    let header = batch.header();
    let size = batch.bytes().len();
    if options.origin != Origin::Replica && size > config.max_message_bytes as usize {
        return Err(LogError::BatchTooLarge {
            size,
            limit: config.max_message_bytes as usize,
        });
    }
    batch.verify_crc().map_err(refusal)?;
    if options.origin == Origin::Client {
        check_client_rules(header)?;
    }
    let stamped =
        options.origin != Origin::Replica && config.timestamp_type == TimestampType::LogAppend;
    if !stamped && options.origin == Origin::Client {
        check_timestamps(header, options.now_ms, config)?;
    }
    let rewritten = if stamped {
        BatchHeader::LEN
    } else {
        BatchHeader::PREFIX_LEN
    };
    Ok(Prepared {
        header: if stamped {
            batch.stamped(options.now_ms)
        } else {
            *header
        },
        rewritten,
        rest: &batch.bytes()[rewritten..],
    })
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
    Err(LogError::InvalidRecord {
        reason: broken.to_owned(),
    })
}

/// Judged by the header, which names the first and the largest timestamp; the records are not touched.
fn check_timestamps(header: &BatchHeader, now_ms: i64, config: &LogConfig) -> Result<()> {
    let earliest = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let latest = now_ms.saturating_add(config.timestamp_after_max_ms);
    let outside = |timestamp: &i64| *timestamp >= 0 && !(earliest..=latest).contains(timestamp);
    match [header.base_timestamp, header.max_timestamp]
        .into_iter()
        .find(outside)
    {
        Some(timestamp) => Err(LogError::InvalidTimestamp {
            timestamp,
            earliest,
            latest,
        }),
        None => Ok(()),
    }
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
