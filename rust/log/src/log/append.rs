//! Appending: batches get their offsets and go to the active segment in one vectored write.

use std::io::IoSlice;
use std::sync::atomic::Ordering;

use kafkalite_records::{BatchHeader, TimestampType};

use super::prepare::{Prepared, prepare};
use super::{Log, Writer};
use crate::producers::{Admission, Origin, ProducerBatch};
use crate::segment::Head;
use crate::segment::active::Incoming;
use crate::{Durability, LogConfig, LogError, Result};

/// Who appends, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOptions {
    /// The epoch of the partition's leader, written into every batch that is not a replica's.
    pub leader_epoch: i32,
    /// The clock, in milliseconds since 1970.
    pub now_ms: i64,
    /// Whose batches these are, and so how much of them is still to be proved.
    pub origin: Origin,
}

/// Where an append went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub first_offset: i64,
    /// Offset of the last record. Acknowledge when the high watermark is above it.
    pub last_offset: i64,
    /// What the log stamped the records with (ms since 1970), where it does that (`message.timestamp.type`).
    pub append_time: Option<i64>,
    /// The log's start offset at that time.
    pub log_start_offset: i64,
    /// Nothing was written: the producer sent these batches before, and this is where they are.
    pub duplicate: bool,
}

impl Log {
    /// Appends the batches that `bytes` consist of: all of them or, after an error, none.
    ///
    /// Where durability is [`Synced`](Durability::Synced) the messages are neither visible nor to be acknowledged before
    /// [`flush_to`](Log::flush_to) has returned for the offset after them.
    pub fn append(&self, bytes: &[u8], options: &AppendOptions) -> Result<Appended> {
        let config = self.config();
        let prepared = prepare(bytes, options, &config)?;
        let appended = {
            let mut writer = self.writer.lock();
            self.check_open()?;
            self.check_sound()?;
            // Those in force now: the durability decides who sees the bytes, and `reconfigure` has revealed what was there.
            let config = self.config();
            let appended = self.write(&mut writer, prepared, options, &config);
            writer.staged.clear();
            appended?
        };
        if config
            .flush_messages
            .is_some_and(|limit| self.unflushed_messages() >= limit)
        {
            self.flush_to(appended.last_offset + 1)?;
        }
        Ok(appended)
    }

    fn write(
        &self,
        writer: &mut Writer,
        mut batches: Vec<Prepared<'_>>,
        options: &AppendOptions,
        config: &LogConfig,
    ) -> Result<Appended> {
        let next_offset = place(&mut batches, writer.next_offset, options)?;
        let (first, last) = (batches[0].header, batches[batches.len() - 1].header);
        let stamped = first.timestamp_type() == TimestampType::LogAppend;
        let mut appended = Appended {
            first_offset: first.base_offset,
            last_offset: last.last_offset(),
            append_time: (stamped && options.origin != Origin::Replica).then_some(options.now_ms),
            log_start_offset: self.start_offset(),
            duplicate: false,
        };
        let Writer {
            producers, staged, ..
        } = writer;
        for Prepared { header, .. } in batches
            .iter()
            .filter(|batch| tracks_producer(&batch.header))
        {
            if let Admission::Duplicate(earlier) =
                producers.admit(staged, options.origin, &producer_batch(header))?
            {
                appended.first_offset = earlier.first_offset();
                appended.last_offset = earlier.last_offset;
                appended.append_time = appended.append_time.map(|_| earlier.timestamp);
                appended.duplicate = true;
                return Ok(appended);
            }
        }

        let heads: Vec<Head> = batches.iter().map(|batch| Head::of(batch.header)).collect();
        let incoming = Incoming {
            bytes: heads.iter().map(|head| head.len).sum(),
            last_offset: appended.last_offset,
            max_timestamp: heads
                .iter()
                .map(|head| head.max_timestamp)
                .max()
                .unwrap_or(-1),
            now_ms: options.now_ms,
        };
        if writer.active.should_roll(config, &incoming)? {
            self.roll(writer, config, appended.first_offset, options.now_ms)?;
        }

        for Prepared { header, .. } in &batches {
            writer
                .epochs
                .assign(header.partition_leader_epoch, header.base_offset);
        }
        let rewritten: Vec<[u8; BatchHeader::LEN]> = batches
            .iter()
            .map(|batch| batch.header.to_bytes())
            .collect();
        let mut parts: Vec<IoSlice<'_>> = batches
            .iter()
            .zip(&rewritten)
            .flat_map(|(batch, head)| {
                [
                    IoSlice::new(&head[..batch.rewritten]),
                    IoSlice::new(batch.rest),
                ]
            })
            .collect();
        let visible = config.durability == Durability::Visible;
        match writer.active.append(&mut parts, &heads, config, visible) {
            Err(LogError::Failed { reason, .. }) => return Err(self.fail(reason)),
            done => done?,
        }
        writer.producers.commit(&mut writer.staged);
        writer.next_offset = next_offset;
        self.end_offset.store(next_offset, Ordering::Release);
        if visible {
            self.high_watermark.fetch_max(next_offset, Ordering::AcqRel);
        }
        Ok(appended)
    }
}

/// Gives the batches their offsets, or, for those that have them from a leader, checks that they do not go back. Returns
/// the offset after the last.
fn place(
    batches: &mut [Prepared<'_>],
    mut next_offset: i64,
    options: &AppendOptions,
) -> Result<i64> {
    for Prepared { header, .. } in batches {
        if options.origin == Origin::Replica {
            if header.base_offset < next_offset {
                let reason = format!(
                    "its offset {} is before the log's end {next_offset}",
                    header.base_offset
                );
                return Err(LogError::InvalidRecord { reason });
            }
        } else {
            *header = header.placed(next_offset, options.leader_epoch);
        }
        next_offset = header
            .base_offset
            .checked_add(i64::from(header.last_offset_delta) + 1)
            .ok_or_else(|| LogError::InvalidRecord {
                reason: "no offset is left for it".to_owned(),
            })?;
    }
    Ok(next_offset)
}

/// Control batches end transactions; they do not take part in the sequences.
pub(super) fn tracks_producer(header: &BatchHeader) -> bool {
    header.has_producer_id() && !header.is_control()
}

/// What the rules about producers look at.
pub(super) fn producer_batch(header: &BatchHeader) -> ProducerBatch {
    ProducerBatch {
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
        base_offset: header.base_offset,
        last_offset_delta: header.last_offset_delta,
        max_timestamp: header.max_timestamp,
        transactional: header.is_transactional(),
    }
}
