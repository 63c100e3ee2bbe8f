//! Finding messages by time. The only place where the log looks into batches: the answer is a record's offset.

use std::sync::Arc;

use bytes::Bytes;
use kafkalite_records::legacy::MessageSet;
use kafkalite_records::{BatchHeader, Decompressor, RecordBatch, Records, RecordsError};

use super::{Log, ReadUpTo};
use crate::segment::{Found, Scan, Segment};
use crate::{LogError, Result, limits};

/// A message and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampedOffset {
    /// Where the message is.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp: i64,
    /// The epoch of the leader that wrote it, -1 if it did not say.
    pub leader_epoch: i32,
}

impl Log {
    /// The first visible message with this timestamp (ms since 1970) or a later one; `None` if all are older.
    pub fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampedOffset>> {
        self.unless_retained(|| self.search(timestamp))
    }

    /// The first of the messages with the largest timestamp; `None` if none has one, or it is not visible yet.
    pub fn offset_of_max_timestamp(&self) -> Result<Option<TimestampedOffset>> {
        self.unless_retained(|| self.search_newest())
    }

    /// Searches again when retention or compaction took a segment away meanwhile, and with it its files.
    fn unless_retained<T>(&self, search: impl Fn() -> Result<T>) -> Result<T> {
        loop {
            self.check_open()?;
            let segments = self.segments.load_full();
            match search() {
                Err(_) if !Arc::ptr_eq(&segments, &self.segments.load()) => {}
                outcome => return outcome,
            }
        }
    }

    fn search(&self, timestamp: i64) -> Result<Option<TimestampedOffset>> {
        let start = self.start_offset();
        let segments = self.segments.load();
        for (at, segment) in segments.iter().enumerate() {
            let gone = segments
                .get(at + 1)
                .is_some_and(|next| next.base_offset <= start);
            if gone
                || segment
                    .newest()?
                    .is_none_or(|newest| newest.timestamp < timestamp)
            {
                continue;
            }
            let from = segment.times()?.offset_before(timestamp).max(start);
            let limit = self.bound(segment, ReadUpTo::HighWatermark)?;
            let Some(first) = segment.locate(from, limit)? else {
                continue;
            };
            let mut scan = Scan::new(&segment.file, first.position, limit);
            while let Some(found) = scan.find(|head| head.max_timestamp >= timestamp)? {
                let wanted = |record: &TimestampedOffset| {
                    record.timestamp >= timestamp && record.offset >= start
                };
                if let Some(record) = messages(segment, &found)?.into_iter().find(wanted) {
                    return Ok(Some(record));
                }
            }
        }
        Ok(None)
    }

    fn search_newest(&self) -> Result<Option<TimestampedOffset>> {
        let mut largest = None;
        for segment in self.segments.load().iter() {
            if let Some(newest) = segment.newest()?
                && largest
                    .as_ref()
                    .is_none_or(|(_, known)| newest.timestamp > *known)
            {
                largest = Some((Arc::clone(segment), newest.timestamp));
            }
        }
        let Some((segment, timestamp)) = largest else {
            return Ok(None);
        };
        let from = segment.times()?.offset_before(timestamp);
        let limit = self.bound(&segment, ReadUpTo::HighWatermark)?;
        if let Some(first) = segment.locate(from, limit)? {
            let mut scan = Scan::new(&segment.file, first.position, limit);
            if let Some(found) = scan.find(|head| head.max_timestamp >= timestamp)?
                && let Some(record) = newest_of(&segment, &found)?
            {
                return Ok(Some(record));
            }
        }
        self.search_newest_record()
    }

    /// Looks at every batch: compaction has emptied the one that carries the largest timestamp.
    fn search_newest_record(&self) -> Result<Option<TimestampedOffset>> {
        let segments = self.segments.load();
        let mut largest: Option<(&Segment, Found)> = None;
        for segment in segments.iter() {
            let limit = self.bound(segment, ReadUpTo::HighWatermark)?;
            let mut scan = Scan::new(&segment.file, 0, limit);
            while let Some(Ok(found)) = scan.next()? {
                let timestamp = found.head.max_timestamp;
                let known = largest
                    .as_ref()
                    .map_or(-1, |(_, known)| known.head.max_timestamp);
                if timestamp > known && found.head.has_records() {
                    largest = Some((segment, found));
                }
            }
        }
        largest.map_or(Ok(None), |(segment, found)| newest_of(segment, &found))
    }
}

/// The first of a batch's messages with its largest timestamp.
fn newest_of(segment: &Segment, found: &Found) -> Result<Option<TimestampedOffset>> {
    Ok(messages(segment, found)?
        .into_iter()
        .find(|record| record.timestamp >= found.head.max_timestamp))
}

/// The messages of one batch.
fn messages(segment: &Segment, found: &Found) -> Result<Vec<TimestampedOffset>> {
    let mut bytes = vec![0; found.head.len as usize];
    segment.file.read_at(&mut bytes, found.position)?;
    decode(&bytes.into(), found.head.v2.as_ref()).map_err(|error| LogError::CorruptBatch {
        reason: format!(
            "the stored one that ends with offset {}: {error}",
            found.head.last_offset
        ),
    })
}

fn decode(
    bytes: &Bytes,
    header: Option<&BatchHeader>,
) -> Result<Vec<TimestampedOffset>, RecordsError> {
    let mut decompressor = Decompressor::new();
    let Some(header) = header else {
        let set = MessageSet::decode(bytes, &mut decompressor, limits::READ)?;
        let layouts = set.layouts().iter();
        return Ok(layouts
            .map(|message| stamped(message.offset, message.timestamp, -1))
            .collect());
    };
    let payload = RecordBatch::parse(bytes)?.decompress(&mut decompressor, limits::READ)?;
    Records::new(header, &payload)
        .map(|record| {
            record.map(|record| {
                stamped(
                    record.offset,
                    record.timestamp,
                    header.partition_leader_epoch,
                )
            })
        })
        .collect()
}

fn stamped(offset: i64, timestamp: i64, leader_epoch: i32) -> TimestampedOffset {
    TimestampedOffset {
        offset,
        timestamp,
        leader_epoch,
    }
}
