//! Making a segment sound again: keep the batches that are whole, stop before what follows, make the indexes anew.

use super::index::Kept;
use super::indexing::Indexing;
use super::verify::Verifier;
use super::{Indexes, Scan, Segment};
use crate::{LogConfig, Result};

/// A segment that was walked from its first byte to its last.
#[derive(Debug)]
pub(crate) struct Rebuilt {
    pub(crate) segment: Segment,
    pub(crate) indexing: Indexing,
    /// The offset after the last sound batch.
    pub(crate) next_offset: i64,
    /// Bytes behind the last sound batch.
    pub(crate) unsound: u64,
}

impl Rebuilt {
    /// Cuts off what follows the last sound batch. In a segment that was flushed as a whole it stays in the file instead,
    /// for a human to look at, and is not read.
    pub(crate) fn cut(&self) -> Result<()> {
        self.segment.file.truncate(self.segment.file.written())
    }
}

/// Walks a segment and rebuilds its indexes, which are left with room for more entries. Nothing behind the last sound
/// batch is read from then on. Batches that end before `verify_from` were flushed: their checksums are not computed.
pub(crate) fn rebuild(segment: Segment, config: &LogConfig, verify_from: i64) -> Result<Rebuilt> {
    let base_offset = segment.base_offset;
    let Indexes { offsets, times } = Indexes::open(
        &segment.file.place().disk,
        |suffix| segment.path(suffix),
        base_offset,
        config.segment_index_bytes,
        Kept::Nothing,
    )?;
    let mut indexing = Indexing::default();
    let mut next_offset = base_offset;
    let mut sound = 0;
    let size = segment.file.written();
    let mut scan = Scan::new(&segment.file, 0, size);
    let mut verifier = Verifier::new(&segment.file);
    while let Some(step) = scan.next()? {
        let Ok(found) = step else { break };
        let head = &found.head;
        let first_offset = head
            .v2
            .map_or(head.last_offset, |header| header.base_offset);
        let in_order =
            first_offset >= next_offset && head.last_offset - base_offset <= i64::from(i32::MAX);
        if !in_order || (head.last_offset >= verify_from && !verifier.holds(&found)?) {
            break;
        }
        if indexing.is_due(config.index_interval_bytes) {
            offsets.make_room(1);
            times.make_room(1);
        }
        indexing.note(
            &offsets,
            &times,
            found.position,
            head,
            config.index_interval_bytes,
        );
        next_offset = head.last_offset + 1;
        sound = found.position + head.len;
    }
    segment.file.shorten_to(sound);
    segment.note_newest(indexing.newest());
    Ok(Rebuilt {
        segment: segment.with_indexes(Indexes { offsets, times }),
        indexing,
        next_offset,
        unsound: size - sound,
    })
}
