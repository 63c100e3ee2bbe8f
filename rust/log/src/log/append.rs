//! Appending: batches get their offsets and go to the active segment in one vectored write.

use std::io::IoSlice;

use kafkalite_records::{BatchHeader, RecordBatch, TimestampType};

use super::markers::appended_end;
use super::options::AppendOptions;
use super::prepare::{Prepared, prepare, prepare_all};
use super::transactions::Ended;
use super::{Appender, Log};
use crate::producers::{Admission, Origin, ProducerBatch};
use crate::segment::Head;
use crate::segment::active::Incoming;
use crate::{Durability, LogConfig, LogError, Result, limits};

/// Where an append went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub first_offset: i64,
    /// Offset of the last record. Acknowledge when the high watermark is above it.
    pub last_offset: i64,
    /// What the log stamped the records with (ms since 1970), where it does that (`message.timestamp.type`). Of a duplicate
    /// the largest timestamp of what was written first, as in Kafka also where the log does not stamp.
    pub append_time: Option<i64>,
    /// Bytes that were written: not those that came, if they were compressed in another way.
    pub size: u64,
    /// The log's start offset at that time.
    pub log_start_offset: i64,
    /// Nothing was written: the producer sent these batches before, and this is where they are.
    pub duplicate: bool,
    /// A segment was begun for it: [`flush_if_due`](Log::flush_if_due) has work to do for the one before.
    pub rolled: bool,
}

impl Log {
    /// Appends the batches that `bytes` consist of: all of them or, after an error, none.
    ///
    /// Where durability is [`Synced`](Durability::Synced) the messages are neither visible nor to be acknowledged before
    /// [`flush_to`](Log::flush_to) has returned for the offset after them.
    pub fn append(&self, bytes: &[u8], options: &AppendOptions) -> Result<Appended> {
        // Before the work of reading what is refused anyway; what counts is the look under the lock.
        self.check_role(options)?;
        let mut prepared = prepare_all(bytes, options, &self.config(), limits::APPENDED)?;
        self.append_prepared(&mut prepared, options)
    }

    /// Appends one batch, whose bytes are all there, as [`append`](Log::append) does; but gives up with
    /// [`LogError::DecompressedTooLarge`] where its records are more than `most` bytes, for who has little time.
    pub fn append_batch(
        &self,
        batch: &RecordBatch<'_>,
        options: &AppendOptions,
        most: usize,
    ) -> Result<Appended> {
        self.check_role(options)?;
        let prepared = prepare(batch, options, &self.config(), most)?;
        self.append_prepared(&mut [prepared], options)
    }

    fn append_prepared(
        &self,
        prepared: &mut [Prepared<'_>],
        options: &AppendOptions,
    ) -> Result<Appended> {
        let config = self.config();
        let size: usize = prepared.iter().map(|batch| batch.header.total_len()).sum();
        if size > config.segment_bytes as usize {
            return Err(LogError::AppendTooLarge {
                size,
                limit: config.segment_bytes as usize,
            });
        }
        self.make_index_room(prepared, &config);
        let appended = {
            let mut turn = self.appender.lock();
            self.check_open()?;
            self.check_sound()?;
            self.check_role(options)?;
            let appended = self.write(&mut turn, prepared, options, &self.config());
            turn.staged.clear();
            turn.ended.clear();
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
        turn: &mut Appender,
        batches: &mut [Prepared<'_>],
        options: &AppendOptions,
        config: &LogConfig,
    ) -> Result<Appended> {
        let mut appended = self.admit(turn, batches, options)?;
        if appended.duplicate {
            return Ok(appended);
        }
        let batches = &*batches;
        let heads = batches.iter().map(|batch| Head::of(batch.header));
        appended.size = heads.clone().map(|head| head.len).sum();
        let incoming = Incoming {
            bytes: appended.size,
            last_offset: appended.last_offset,
            max_timestamp: heads
                .clone()
                .map(|head| head.max_timestamp)
                .max()
                .unwrap_or(-1),
            now_ms: options.now_ms,
        };
        if turn.active.should_roll(config, &incoming)? {
            self.roll(turn, config, appended.first_offset, options.now_ms)?;
            appended.rolled = true;
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
                    IoSlice::new(&batch.rest),
                ]
            })
            .collect();
        let end = match turn.active.append(&mut parts, heads, config) {
            Err(LogError::Failed { reason, .. }) => return Err(self.fail(reason)),
            done => done?,
        };

        let mut written = self.written.lock();
        for Prepared { header, .. } in batches {
            written
                .epochs
                .assign(header.partition_leader_epoch, header.base_offset);
        }
        written.producers.commit(&mut turn.staged);
        written.note_ended(&turn.active.segment, &turn.ended);
        self.hide_open(batches);
        // As it is in force now: `reconfigure`, with the same lock, has revealed what was published.
        let visible = self.config.load().durability == Durability::Visible;
        turn.active.segment.file.publish(end, visible);
        written.next_offset = appended.last_offset + 1;
        self.watermarks.written(written.next_offset, visible);
        self.publish_unstable(&written);
        Ok(appended)
    }

    /// Gives the batches their offsets, and stages what their producers will have written. A duplicate is answered with
    /// the place of the first.
    fn admit(
        &self,
        turn: &mut Appender,
        batches: &mut [Prepared<'_>],
        options: &AppendOptions,
    ) -> Result<Appended> {
        let written = self.written.lock();
        give_offsets(batches, written.next_offset, options)?;
        let (first, last) = (batches[0].header, batches[batches.len() - 1].header);
        let stamped = first.timestamp_type() == TimestampType::LogAppend;
        let mut place = Appended {
            first_offset: first.base_offset,
            last_offset: last.last_offset(),
            append_time: (stamped && options.origin != Origin::Replica).then_some(options.now_ms),
            size: 0,
            log_start_offset: self.start_offset(),
            duplicate: false,
            rolled: false,
        };
        for batch in &*batches {
            let header = &batch.header;
            if let Some(end) = appended_end(header, batch.payload()) {
                let (producers, staged) = (&written.producers, &mut turn.staged);
                let first_offset = producers.admit_end(staged, options.origin, &end)?;
                turn.ended.extend(first_offset.map(|first_offset| Ended {
                    producer_id: end.producer_id,
                    first_offset,
                    last_offset: header.last_offset(),
                    aborted: end.aborted,
                }));
            }
            if !tracks_producer(header) {
                continue;
            }
            let admission = written.producers.admit(
                &mut turn.staged,
                options.origin,
                &producer_batch(header),
            )?;
            if let Admission::Duplicate(earlier) = admission {
                place.first_offset = earlier.first_offset();
                place.last_offset = earlier.last_offset;
                place.append_time = Some(earlier.timestamp);
                place.duplicate = true;
                break;
            }
        }
        Ok(place)
    }

    /// Gets room on the disk for the entries that the batches may make in the indexes, so that none is asked for while other
    /// appends wait.
    fn make_index_room(&self, batches: &[Prepared<'_>], config: &LogConfig) {
        let sizes = || batches.iter().map(|batch| batch.header.total_len() as u64);
        let before_last = sizes().sum::<u64>() - sizes().next_back().unwrap_or(0);
        let segments = self.segments.load();
        let active = segments.last().expect("a log has an active segment");
        // The first entry comes after so many bytes: a small partition takes no room for it.
        if active.file.written() + before_last > u64::from(config.index_interval_bytes)
            && let Err(error) = active.make_index_room(batches.len())
        {
            tracing::warn!(%error, "the index of a segment has to do without entries");
        }
    }
}

/// Gives the batches their offsets, or, for those that have them from a leader, checks that they do not go back.
fn give_offsets(
    batches: &mut [Prepared<'_>],
    mut next_offset: i64,
    options: &AppendOptions,
) -> Result<()> {
    for Prepared { header, .. } in batches {
        if options.origin == Origin::Replica {
            if header.base_offset < next_offset {
                let reason = format!(
                    "its offset {} is before the log's end {next_offset}",
                    header.base_offset
                );
                return Err(LogError::invalid(reason));
            }
        } else {
            *header = header.placed(next_offset, options.leader_epoch);
        }
        next_offset = header
            .base_offset
            .checked_add(i64::from(header.last_offset_delta) + 1)
            .ok_or_else(|| LogError::invalid("no offset is left for it"))?;
    }
    Ok(())
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
