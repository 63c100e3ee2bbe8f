//! `segments.catalog`: which segments each log had when this broker stopped in good order. What is missing at the next start
//! was lost in between; the segments alone do not tell, since compaction leaves holes between them.
//!
//! A checkpoint file ([`crate::checkpoint`]) whose lines are `<topic> <partition> <end offset> <base offset>…`. Apache Kafka
//! neither knows nor touches it. So it is believed only beside the marker of our own stop: whatever Kafka did with the
//! segments since, it left another.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use crate::PartitionName;
use crate::{LogError, Result, checkpoint};
use kafkalite_world::Disk;

/// The segments of each partition.
pub type Inventory = BTreeMap<PartitionName, Extent>;

/// What a log consisted of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where each segment began, ascending.
    pub base_offsets: Vec<i64>,
    /// The offset that the next message would have got.
    pub end_offset: i64,
}

impl Extent {
    /// The offsets from `start` on whose segments are not in the log that was `found`, or not whole. Some of them may have been
    /// compacted away before.
    pub fn missing_from(&self, found: &Extent, start: i64) -> Vec<Range<i64>> {
        let ends = self.base_offsets.iter().skip(1).chain([&self.end_offset]);
        let mut missing: Vec<Range<i64>> = Vec::new();
        for (&base, &end) in self.base_offsets.iter().zip(ends) {
            let from = if found.base_offsets.binary_search(&base).is_ok() {
                found.end_offset.max(base)
            } else {
                base
            };
            let lost = from.max(start)..end;
            match missing.last_mut() {
                _ if lost.is_empty() => {}
                Some(before) if before.end == lost.start => before.end = lost.end,
                _ => missing.push(lost),
            }
        }
        missing
    }
}

/// Reads the file and removes it: what it says holds for one start.
pub(super) fn take(disk: &dyn Disk, path: &Path) -> Result<Inventory> {
    let entries = checkpoint::read(disk, path, |line| {
        let mut fields = line.split_whitespace();
        let (topic, partition) = (fields.next()?, fields.next()?);
        let partition = PartitionName::new(topic, partition.parse().ok()?).ok()?;
        let end_offset = fields.next()?.parse().ok()?;
        let base_offsets: Vec<i64> = fields
            .map(|base| base.parse().ok())
            .collect::<Option<_>>()?;
        let extent = Extent {
            base_offsets,
            end_offset,
        };
        extent
            .base_offsets
            .is_sorted()
            .then_some((partition, extent))
    });
    let removed = disk.remove_if_present(path);
    removed.map_err(LogError::io("remove", path))?;
    Ok(entries?.into_iter().collect())
}

/// Replaces the file; the new one survives a power cut when this returns.
pub(super) fn write(disk: &dyn Disk, path: &Path, inventory: &Inventory) -> Result<()> {
    let lines = inventory.iter().map(|(partition, extent)| {
        let (topic, number) = (partition.topic(), partition.number());
        let bases: Vec<String> = extent.base_offsets.iter().map(i64::to_string).collect();
        format!("{topic} {number} {} {}", extent.end_offset, bases.join(" "))
    });
    disk.replace_file(path, checkpoint::text(lines).as_bytes())
        .map_err(LogError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(base_offsets: &[i64], end_offset: i64) -> Extent {
        Extent {
            base_offsets: base_offsets.to_vec(),
            end_offset,
        }
    }

    #[test]
    fn what_is_missing_is_named_by_its_offsets() {
        let before = extent(&[0, 10, 20, 30], 35);
        let missing = |bases: &[i64], end, start| -> Vec<(i64, i64)> {
            let gaps = before.missing_from(&extent(bases, end), start);
            gaps.into_iter().map(|gap| (gap.start, gap.end)).collect()
        };
        assert_eq!(missing(&[0, 10, 20, 30], 35, 0), []);
        assert_eq!(missing(&[0, 30], 35, 0), [(10, 30)]);
        assert_eq!(missing(&[10, 30], 35, 0), [(0, 10), (20, 30)]);
        assert_eq!(missing(&[0, 10, 20], 30, 0), [(30, 35)], "the last one");
        assert_eq!(missing(&[0], 0, 0), [(0, 35)], "the directory");
        let deleted = missing(&[20, 30], 35, 15);
        assert_eq!(deleted, [(15, 20)], "what was deleted is not missed");
    }
}
