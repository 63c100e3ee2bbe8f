//! What may be compacted, how urgent that is, and which segments become one. Pure: facts and time in, decisions out.

use std::ops::Range;

use crate::LogConfig;

/// What compaction wants to know of one segment, the active one included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) base_offset: i64,
    pub(crate) bytes: u64,
    pub(crate) offset_index_bytes: u64,
    pub(crate) time_index_bytes: u64,
    /// Milliseconds since 1970, of the first batch; nothing where it has no time, or nobody wants to know.
    pub(crate) first_ms: Option<i64>,
    /// Milliseconds since 1970, the newest; nothing where nobody wants to know.
    pub(crate) newest_ms: Option<i64>,
}

/// What lies in a log for compaction. From [`Log::cleanable`](crate::Log::cleanable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanable {
    /// Offsets before this one have been compacted, each key against all later ones.
    pub first_dirty: i64,
    /// Offsets from here on must be left alone: the active segment, what is not flushed or not decided, what is too young.
    /// Where a segment begins, at or before `first_dirty` if there is nothing new.
    pub first_uncleanable: i64,
    /// Bytes of the segments that hold offsets before `first_dirty`.
    pub clean_bytes: u64,
    /// Bytes of the segments from `first_dirty` to `first_uncleanable`.
    pub dirty_bytes: u64,
    /// Whether a message waits for compaction longer than `max.compaction.lag.ms`.
    pub overdue: bool,
}

impl Cleanable {
    /// How much of what compaction would read is new: compared with `min.cleanable.dirty.ratio`. Between 0 and 1.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a ratio needs no more digits than a double has"
    )]
    pub fn dirty_ratio(&self) -> f64 {
        match self.clean_bytes + self.dirty_bytes {
            0 => 0.0,
            total => self.dirty_bytes as f64 / total as f64,
        }
    }
}

/// The offsets that bound a compaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The first offset of the log.
    pub(crate) start: i64,
    /// The offset after its last.
    pub(crate) end: i64,
    /// The offset before which everything is visible and no transaction is open.
    pub(crate) stable: i64,
    /// Where the last compaction ended.
    pub(crate) compacted_to: i64,
}

/// Looks at all segments of a log, ascending.
pub(crate) fn assess(
    segments: &[Facts],
    bounds: &Bounds,
    config: &LogConfig,
    now_ms: i64,
) -> Cleanable {
    // An offset outside of the log is one of an earlier log of this name: nothing is believed then.
    let first_dirty = Some(bounds.compacted_to)
        .filter(|offset| (bounds.start..=bounds.end).contains(offset))
        .unwrap_or(bounds.start);
    let active = segments.last().map_or(first_dirty, |last| last.base_offset);
    let sealed = &segments[..segments.len().saturating_sub(1)];
    let ends_at = |at: usize| {
        segments
            .get(at + 1)
            .map_or(i64::MAX, |next| next.base_offset)
    };
    let dirty = |at: &usize| ends_at(*at) > first_dirty;

    let young = now_ms.saturating_sub(config.min_compaction_lag_ms);
    let too_young = (0..sealed.len())
        .filter(dirty)
        .filter(|_| config.min_compaction_lag_ms > 0)
        .find(|at| sealed[*at].newest_ms.is_some_and(|newest| newest > young))
        .map_or(active, |at| sealed[at].base_offset);
    let bound = too_young.min(bounds.stable).min(active).max(first_dirty);
    // Segments are compacted as a whole: the one that the bound lies in is left alone.
    let first_uncleanable = segments
        .iter()
        .rev()
        .map(|segment| segment.base_offset)
        .find(|base| *base <= bound)
        .unwrap_or(first_dirty);

    let bytes = |range: Range<i64>| -> u64 {
        (0..sealed.len())
            .filter(|at| ends_at(*at) > range.start && sealed[*at].base_offset < range.end)
            .map(|at| sealed[at].bytes)
            .sum()
    };
    let late = now_ms.saturating_sub(config.max_compaction_lag_ms);
    Cleanable {
        first_dirty,
        first_uncleanable,
        clean_bytes: bytes(i64::MIN..first_dirty),
        dirty_bytes: bytes(first_dirty..first_uncleanable),
        overdue: (0..sealed.len())
            .filter(dirty)
            .filter_map(|at| sealed[at].first_ms)
            .any(|first| first > 0 && first < late),
    }
}

/// Divides segments into runs that become one segment each: as large as `segment.bytes` and the indexes allow, and not
/// wider than the 31 bits that an index has for an offset. `end` is the offset after the last segment's.
pub(crate) fn group(segments: &[Facts], end: i64, config: &LogConfig) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut from = 0;
    while from < segments.len() {
        let mut total = segments[from];
        let mut to = from + 1;
        while let Some(next) = segments.get(to) {
            let next_end = segments.get(to + 1).map_or(end, |next| next.base_offset);
            total.bytes += next.bytes;
            total.offset_index_bytes += next.offset_index_bytes;
            total.time_index_bytes += next.time_index_bytes;
            let fits = total.bytes <= u64::from(config.segment_bytes)
                && total.offset_index_bytes <= u64::from(config.segment_index_bytes)
                && total.time_index_bytes <= u64::from(config.segment_index_bytes)
                && next_end - 1 - total.base_offset <= i64::from(i32::MAX);
            if !fits {
                break;
            }
            to += 1;
        }
        groups.push(from..to);
        from = to;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments of ten offsets and 100 bytes each; their times are 1,000 times their offsets.
    fn segments(count: i64) -> Vec<Facts> {
        let segment = |base_offset| Facts {
            base_offset,
            bytes: 100,
            offset_index_bytes: 8,
            time_index_bytes: 12,
            first_ms: Some(base_offset * 1000),
            newest_ms: Some(base_offset * 1000 + 9000),
        };
        (0..count).map(|number| segment(number * 10)).collect()
    }

    fn bounds(compacted_to: i64) -> Bounds {
        Bounds {
            start: 0,
            end: 50,
            stable: 50,
            compacted_to,
        }
    }

    const CONFIG: LogConfig = LogConfig {
        segment_bytes: 250,
        segment_ms: i64::MAX,
        index_interval_bytes: 4096,
        segment_index_bytes: 1000,
        retention_ms: None,
        retention_bytes: None,
        delete_expired: false,
        compacted: true,
        delete_retention_ms: 0,
        min_compaction_lag_ms: 0,
        max_compaction_lag_ms: i64::MAX,
        file_delete_delay_ms: 0,
        flush_messages: None,
        flush_ms: None,
        max_decompressed_message_bytes: i32::MAX as u32,
        compression: None,
        check_compressed: true,
        max_message_bytes: 1000,
        timestamp_type: kafkalite_records::TimestampType::Create,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: i64::MAX,
        durability: crate::Durability::Visible,
    };

    fn assessed(bounds: &Bounds, config: &LogConfig, now_ms: i64) -> (i64, i64, u64, u64, bool) {
        let found = assess(&segments(5), bounds, config, now_ms);
        (
            found.first_dirty,
            found.first_uncleanable,
            found.clean_bytes,
            found.dirty_bytes,
            found.overdue,
        )
    }

    #[test]
    fn the_active_segment_is_left_alone() {
        assert_eq!(assessed(&bounds(0), &CONFIG, 0), (0, 40, 0, 400, false));
        assert_eq!(assessed(&bounds(20), &CONFIG, 0), (20, 40, 200, 200, false));
        assert_eq!(assessed(&bounds(40), &CONFIG, 0), (40, 40, 400, 0, false));
        // Where a full map ended within a segment, that segment is both.
        assert_eq!(assessed(&bounds(25), &CONFIG, 0), (25, 40, 300, 200, false));
    }

    #[test]
    fn what_is_not_stable_is_left_alone_with_its_segment() {
        for (stable, uncleanable) in [(50, 40), (35, 30), (30, 30), (29, 20), (5, 0)] {
            let bounds = Bounds {
                stable,
                ..bounds(0)
            };
            assert_eq!(assessed(&bounds, &CONFIG, 0).1, uncleanable, "{stable}");
        }
    }

    #[test]
    fn what_is_young_is_left_alone_and_what_is_old_is_urgent() {
        let config = LogConfig {
            min_compaction_lag_ms: 10_000,
            max_compaction_lag_ms: 25_000,
            ..CONFIG
        };
        // The segment at 20 ends at 29,000.
        assert_eq!(assessed(&bounds(0), &config, 38_000).1, 20);
        assert_eq!(assessed(&bounds(0), &config, 39_000).1, 30);
        // The segment at 10 begins at 10,000; the first has no time that counts.
        assert!(!assessed(&bounds(0), &config, 35_000).4);
        assert!(assessed(&bounds(0), &config, 35_001).4);
        assert!(!assessed(&bounds(20), &config, 35_001).4);
    }

    #[test]
    fn an_offset_that_is_not_in_the_log_counts_for_nothing() {
        for compacted_to in [-1, 51, i64::MAX] {
            assert_eq!(assessed(&bounds(compacted_to), &CONFIG, 0).0, 0);
        }
        let later = Bounds {
            start: 15,
            ..bounds(5)
        };
        assert_eq!(assessed(&later, &CONFIG, 0), (15, 40, 200, 300, false));
    }

    #[test]
    fn where_the_log_begins_in_its_active_segment_there_is_nothing() {
        let begins_late = Bounds {
            start: 45,
            ..bounds(0)
        };
        assert_eq!(assessed(&begins_late, &CONFIG, 0), (45, 40, 400, 0, false));
        let alone = assess(
            &segments(1),
            &Bounds {
                start: 5,
                end: 9,
                stable: 9,
                compacted_to: 0,
            },
            &CONFIG,
            0,
        );
        assert_eq!(
            (
                alone.first_dirty,
                alone.first_uncleanable,
                alone.dirty_bytes
            ),
            (5, 0, 0)
        );
    }

    #[test]
    fn small_neighbours_become_one_segment() {
        let grouped = |segments: &[Facts], end, config: &LogConfig| -> Vec<(usize, usize)> {
            let groups = group(segments, end, config);
            groups
                .iter()
                .map(|range| (range.start, range.end))
                .collect()
        };
        let four = segments(4);
        assert_eq!(grouped(&four, 40, &CONFIG), [(0, 2), (2, 4)]);
        let large = LogConfig {
            segment_bytes: 1 << 30,
            ..CONFIG
        };
        assert_eq!(grouped(&four, 40, &large), [(0, 4)]);
        let small_indexes = LogConfig {
            segment_index_bytes: 36,
            ..large.clone()
        };
        assert_eq!(grouped(&four, 40, &small_indexes), [(0, 3), (3, 4)]);
        let mut wide = four;
        wide[3].base_offset = i64::from(i32::MAX) - 5;
        let end = wide[3].base_offset + 6;
        assert_eq!(grouped(&wide, end, &large), [(0, 4)]);
        assert_eq!(grouped(&wide, end + 1, &large), [(0, 3), (3, 4)]);
        assert_eq!(grouped(&[], 0, &CONFIG), []);
    }
}
