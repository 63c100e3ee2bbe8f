//! What a consumer hands out: a batch of one partition, from the asked offset on.

use std::sync::Arc;

use bytes::Bytes;
use kafkalite_records::legacy::MessageSet;
use kafkalite_records::{DecodedBatch, Layouts, Record, RecordLayout, RecordsError, TimestampType};

use super::claim::Claim;

/// Records of one partition that follow each other, decompressed and not yet parsed.
///
/// A broker sends whole batches, so the first one after a seek may begin before the asked offset: the records before it
/// are left out of everything here but [`payload`](Self::payload).
#[derive(Debug, Clone)]
pub struct Batch {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) content: BatchContent,
    /// The first offset that was asked for.
    pub(super) from: i64,
    pub(super) next_offset: i64,
    pub(super) high_watermark: i64,
    /// In a group.
    pub(super) claim: Option<Arc<Claim>>,
}

#[derive(Debug, Clone)]
pub(super) enum BatchContent {
    V2(DecodedBatch),
    /// Formats v0 and v1, and who set their timestamps.
    Old(MessageSet, TimestampType),
}

impl Batch {
    /// The topic.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// The partition.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// Where reading began: the first record's offset is this, or larger where records no longer exist.
    pub fn first_offset(&self) -> i64 {
        self.from
    }

    /// Where reading goes on after this batch.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The partition's end when this was fetched: how far a consumer could read then.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// The right to read this, if a group decides who does.
    pub fn claim(&self) -> Option<&Arc<Claim>> {
        self.claim.as_ref()
    }

    /// Who set the timestamps.
    pub fn timestamp_type(&self) -> TimestampType {
        match &self.content {
            BatchContent::V2(decoded) => decoded.header().timestamp_type(),
            BatchContent::Old(_, timestamp_type) => *timestamp_type,
        }
    }

    /// How many records there are at the most: compaction, and a start inside the batch, leave fewer.
    pub fn len_hint(&self) -> usize {
        let records = match &self.content {
            BatchContent::V2(decoded) => decoded.records().remaining(),
            BatchContent::Old(set, _) => set.layouts().len(),
        };
        usize::try_from(self.next_offset - self.from)
            .unwrap_or(0)
            .min(records)
    }

    /// The decompressed records, which [`layouts`](Self::into_layouts) point into. For an uncompressed batch it is a slice
    /// of the response and keeps all of that alive.
    pub fn payload(&self) -> &Bytes {
        match &self.content {
            BatchContent::V2(decoded) => decoded.payload(),
            BatchContent::Old(set, _) => set.payload(),
        }
    }

    /// The batch as it was sent, records before the asked offset included; `None` for the formats v0 and v1.
    pub fn decoded(&self) -> Option<&DecodedBatch> {
        match &self.content {
            BatchContent::V2(decoded) => Some(decoded),
            BatchContent::Old(..) => None,
        }
    }

    /// Walks the records, borrowed.
    pub fn records(&self) -> impl Iterator<Item = Result<Record<'_>, RecordsError>> {
        self.clone()
            .into_layouts()
            .map(|layout| layout.map(|layout| layout.of(self.payload())))
    }

    /// Walks the records as positions in the payload; the iterator owns the batch.
    pub fn into_layouts(self) -> BatchLayouts {
        let walk = match self.content {
            BatchContent::V2(decoded) => Walk::V2(decoded.into_layouts()),
            BatchContent::Old(set, _) => Walk::Old(set, 0),
        };
        BatchLayouts {
            from: self.from,
            walk,
        }
    }
}

/// Iterator over a batch's records as positions in its payload: `Send`, no lifetime. After an error it ends.
#[derive(Debug, Clone)]
pub struct BatchLayouts {
    from: i64,
    walk: Walk,
}

#[derive(Debug, Clone)]
enum Walk {
    V2(Layouts),
    /// And how many were walked.
    Old(MessageSet, usize),
}

impl BatchLayouts {
    /// The payload that the positions point into.
    pub fn payload(&self) -> &Bytes {
        match &self.walk {
            Walk::V2(layouts) => layouts.batch().payload(),
            Walk::Old(set, _) => set.payload(),
        }
    }

    /// Records that may be left.
    pub fn remaining(&self) -> usize {
        match &self.walk {
            Walk::V2(layouts) => layouts.remaining(),
            Walk::Old(set, walked) => set.layouts().len() - walked,
        }
    }
}

impl Iterator for BatchLayouts {
    type Item = Result<RecordLayout, RecordsError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = match &mut self.walk {
                Walk::V2(layouts) => layouts.next()?,
                Walk::Old(set, walked) => {
                    let layout = *set.layouts().get(*walked)?;
                    *walked += 1;
                    Ok(layout)
                }
            };
            match next {
                Ok(layout) if layout.offset < self.from => {}
                other => return Some(other),
            }
        }
    }
}
