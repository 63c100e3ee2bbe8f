//! Both sparse indexes of a segment that is appended to.

use std::path::PathBuf;
use std::sync::Arc;

use kafkalite_world::Disk;

use super::index::Kept;
use super::{OffsetIndex, TimeIndex, name};
use crate::Result;

/// The indexes of one segment, before it has them.
#[derive(Debug)]
pub(crate) struct Indexes {
    pub(crate) offsets: OffsetIndex,
    pub(crate) times: TimeIndex,
}

impl Indexes {
    /// To append to, with room for `max_bytes` each. `path` says what their files are called, by suffix.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        path: impl Fn(&'static str) -> PathBuf,
        base_offset: i64,
        max_bytes: u32,
        kept: Kept,
    ) -> Result<Self> {
        let (offsets, times) = (path(name::OFFSET_INDEX), path(name::TIME_INDEX));
        Ok(Self {
            offsets: OffsetIndex::open_active(disk, &offsets, base_offset, max_bytes, kept)?,
            times: TimeIndex::open_active(disk, &times, base_offset, max_bytes, kept)?,
        })
    }
}
