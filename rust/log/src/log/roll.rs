//! Beginning a new segment.

use std::sync::Arc;

use super::{Log, Writer};
use crate::segment::active::ActiveSegment;
use crate::{LogConfig, Result, snapshots};

impl Log {
    /// Begins a segment at `base_offset`, the offset of the batch to come. What can fail comes first: after an error the
    /// old segment goes on.
    pub(super) fn roll(
        &self,
        writer: &mut Writer,
        config: &LogConfig,
        base_offset: i64,
        now_ms: i64,
    ) -> Result<()> {
        snapshots::write(&self.place.dir, base_offset, &writer.producers, false)?;
        let fresh = ActiveSegment::create(&self.place, base_offset, config, now_ms)?;
        let old = std::mem::replace(&mut writer.active, fresh);
        if let Err(error) = old.seal() {
            // Longer than needed, zeros at the end: the indexes still work.
            tracing::warn!(%error, "cannot trim the indexes of a rolled segment");
        }
        writer.rolled.push(Arc::clone(&old.segment));
        let mut segments = self.segments.load().to_vec();
        segments.push(Arc::clone(&writer.active.segment));
        self.segments.store(Arc::new(segments));
        self.flushing.directory_changed();
        Ok(())
    }
}
