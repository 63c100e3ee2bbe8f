//! What a log asks of every record of a producer.
//!
//! One walk finds what all records have in common; only where that breaks a rule, a second one finds who is to blame.

use kafkalite_records::{
    BatchHeader, Compression, Record, Records, RecordsError, Survey, TimestampType,
};

use crate::error::RecordFault;
use crate::{LogConfig, LogError, Result};

/// Of so many records at the most an error says what is wrong with them.
const MOST_FAULTS: usize = 1_000;
/// "No timestamp", which no limit concerns.
const NO_TIMESTAMP: i64 = -1;

/// The limits that hold for one batch.
pub(super) struct BatchRules {
    /// Of timestamps, in ms since 1970.
    earliest: i64,
    latest: i64,
    keys_needed: bool,
    /// Of a record's bytes.
    longest: usize,
}

impl BatchRules {
    pub(super) fn new(header: &BatchHeader, now_ms: i64, config: &LogConfig) -> Self {
        let (earliest, latest) = match config.timestamp_type {
            TimestampType::Create => (
                now_ms.saturating_sub(config.timestamp_before_max_ms),
                now_ms.saturating_add(config.timestamp_after_max_ms),
            ),
            // They are about to be replaced.
            TimestampType::LogAppend => (i64::MIN, i64::MAX),
        };
        let longest = match header.compression() {
            // `max.message.bytes` says it already.
            Compression::None => usize::MAX,
            _ => config.max_decompressed_message_bytes as usize,
        };
        Self {
            earliest,
            latest,
            keys_needed: config.compacted,
            longest,
        }
    }

    /// The largest timestamp of the records, −1 if none has one, where all of them are as they have to be.
    pub(super) fn judge(&self, header: &BatchHeader, payload: &[u8]) -> Result<i64> {
        let survey =
            Survey::of(header, payload).map_err(|error| malformed(header, payload, &error))?;
        let sound = survey.earliest >= self.earliest
            && survey.latest <= self.latest
            && survey.longest <= self.longest
            && !(survey.keyless && self.keys_needed);
        if sound {
            Ok(survey.latest)
        } else {
            Err(self.blame(header, payload))
        }
    }

    /// As far as the header tells: for a batch that is not opened.
    pub(super) fn judge_header(&self, header: &BatchHeader) -> Result<()> {
        let mut timestamps = [header.base_timestamp, header.max_timestamp].into_iter();
        match timestamps.find(|timestamp| self.excludes(*timestamp)) {
            Some(timestamp) => Err(self.invalid_timestamp(timestamp, Vec::new())),
            None => Ok(()),
        }
    }

    const fn excludes(&self, timestamp: i64) -> bool {
        timestamp != NO_TIMESTAMP && (timestamp < self.earliest || timestamp > self.latest)
    }

    /// The error about a batch of which some records break a rule. A wrong time gives it its name, as in Kafka.
    fn blame(&self, header: &BatchHeader, payload: &[u8]) -> LogError {
        let (mut count, mut excluded, mut faults) = (0, None, Vec::new());
        let mut records = Records::new(header, payload);
        for index in 0.. {
            let Some(Ok(record)) = records.next() else {
                break;
            };
            let keyless = self.keys_needed && record.key.is_none();
            let untimely = !keyless && self.excludes(record.timestamp);
            let size = records.length();
            if !keyless && !untimely && size <= self.longest {
                continue;
            }
            count += 1;
            if untimely {
                excluded.get_or_insert(record.timestamp);
            }
            // A sentence costs more than a record.
            if faults.len() == MOST_FAULTS {
                continue;
            }
            let reason = if keyless {
                "a compacted topic takes no record without a key".to_owned()
            } else if untimely {
                let error = self.invalid_timestamp(record.timestamp, Vec::new());
                error.to_string()
            } else {
                let limit = self.longest;
                format!("{size} bytes are more than max.decompressed.message.bytes = {limit}")
            };
            faults.push(RecordFault { index, reason });
        }
        if let Some(timestamp) = excluded {
            return self.invalid_timestamp(timestamp, faults);
        }
        let first = faults.first().map_or_else(String::new, |fault| {
            format!("; record {}: {}", fault.index, fault.reason)
        });
        LogError::InvalidRecord {
            reason: format!("{count} of its records are not taken{first}"),
            records: faults,
        }
    }

    fn invalid_timestamp(&self, timestamp: i64, records: Vec<RecordFault>) -> LogError {
        LogError::InvalidTimestamp {
            timestamp,
            earliest: self.earliest,
            latest: self.latest,
            records,
        }
    }
}

/// Says which record it is that is not well-formed.
fn malformed(header: &BatchHeader, payload: &[u8], error: &RecordsError) -> LogError {
    let sound = |record: Record<'_>| record.headers.into_iter().all(|header| header.is_ok());
    let index = Records::new(header, payload)
        .take_while(|record| record.clone().is_ok_and(sound))
        .count();
    LogError::invalid(format!("record {index}: {error}"))
}
