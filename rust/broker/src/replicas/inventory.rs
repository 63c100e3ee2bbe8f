//! What is lost while the broker is stopped is told at the start: files that somebody removed, or that the file system did.

use std::ops::Range;

use kafkalite_log::{
    Log, PartitionName,
    datadir::{Extent, Inventory},
};

use super::{Replicas, named};

/// So many gaps of one log are named.
const NAMED: usize = 10;

impl Replicas {
    /// The segments of all logs.
    pub(super) fn inventory(&self) -> Inventory {
        let partitions = self.partitions();
        let line = |topic: &str, index, log: &Log| {
            let name = named(topic, index);
            (name, extent(log))
        };
        partitions
            .iter()
            .map(|partition| line(&partition.topic, partition.index, &partition.log))
            .collect()
    }
}

fn extent(log: &Log) -> Extent {
    Extent {
        base_offsets: log.segment_bases(),
        end_offset: log.end_offset(),
    }
}

/// Says which messages of a log are gone that were there at the last stop, where it began at `start`. What is left is served.
pub(super) fn tell_of_loss(partition: &PartitionName, before: &Extent, start: i64, log: &Log) {
    let missing = before.missing_from(&extent(log), start);
    if missing.is_empty() {
        return;
    }
    let gap = |gap: &Range<i64>| format!("{} to {}", gap.start, gap.end - 1);
    let named: Vec<String> = missing.iter().take(NAMED).map(gap).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    tracing::error!(
        "{partition}: segments that were there when the broker stopped are missing, or end earlier: offsets {}{more}. What is \
         left is served. To have them back, stop the broker before it writes more, and restore the files in {} from a \
         copy",
        named.join(", "),
        log.dir().display()
    );
}
