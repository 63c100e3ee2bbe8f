//! What opening does to a directory: finds the segments, mends those that a crash may have hurt, and learns again from
//! the batches what only the memory knew.

use std::sync::Arc;

use super::append::{producer_batch, tracks_producer};
use super::ended::EndedTransactions;
use super::interrupted;
use super::markers::stored_end;
use super::options::{OpenOptions, Recovered};
use super::transactions::Ended;
use crate::epochs::LeaderEpochs;
use crate::producers::Producers;
use crate::segment::active::ActiveSegment;
use crate::segment::recover::{Rebuilt, rebuild};
use crate::segment::{Found, Place, Scan, Segment, TransactionIndex, name};
use crate::{LogConfig, LogError, Result, snapshots};
use kafkalite_world::disk::unlink;

/// The segments of a directory, ready to be read and appended to.
pub(super) struct Loaded {
    /// All but the last.
    pub(super) sealed: Vec<Arc<Segment>>,
    /// Those of them whose indexes were made anew and are to be flushed.
    pub(super) rebuilt: Vec<Arc<Segment>>,
    pub(super) active: ActiveSegment,
    pub(super) start_offset: i64,
    pub(super) end_offset: i64,
}

/// What the batches say beside their records.
pub(super) struct Replayed {
    pub(super) producers: Producers,
    /// Those that ended behind what is agreed upon, and perhaps more.
    pub(super) ended: EndedTransactions,
    pub(super) epochs: LeaderEpochs,
}

/// Opens every segment. Those that reach beyond the recovery point after an unclean stop are walked and verified; the
/// first batch that is not sound, or not there though later ones are, ends the log.
pub(super) fn load(
    place: &Place,
    config: &LogConfig,
    options: &OpenOptions,
    recovered: &mut Recovered,
) -> Result<Loaded> {
    let mut bases = tidy(place)?;
    drop_false_ends(place, &mut bases)?;
    let mut sealed = Vec::with_capacity(bases.len());
    let mut unflushed = Vec::new();
    let mut last = None;
    for (at, &base) in bases.iter().enumerate() {
        let Some(&next_base) = bases.get(at + 1) else {
            last = Some(open_last(place, base, config, options, recovered)?);
            break;
        };
        let flushed = options.clean_shutdown || next_base <= options.recovery_point;
        let segment = Segment::open(place, base)?;
        if flushed && has_own_indexes(&segment, config, options)? {
            sealed.push(Arc::new(segment));
            continue;
        }
        let rebuilt = mend(segment, config, options, flushed)?;
        // Our own compaction leaves none behind the recovery point; Apache Kafka's may be older than what it has compacted.
        let may_have_holes = config.compacted || next_base <= options.compacted_to;
        let is_short = !may_have_holes && rebuilt.next_offset < next_base;
        if !flushed && (rebuilt.unsound > 0 || is_short) {
            // Before the cut, and from the end: a crash in between must not leave a log that looks whole and is not.
            for &behind in bases[at + 1..].iter().rev() {
                discard(&Segment::open(place, behind)?)?;
                recovered.segments_removed += 1;
            }
            place.open_dir()?.sync()?;
            last = Some(resume(rebuilt, options, recovered)?);
            break;
        }
        recovered.segments_rebuilt += 1;
        rebuilt.segment.seal()?;
        sealed.push(Arc::new(rebuilt.segment));
        unflushed.extend(sealed.last().cloned());
    }

    let start = options.log_start_offset.max(0);
    let (active, end_offset) = match last {
        Some((active, end)) if end >= start => (active, end),
        stale => {
            // Nothing of what is there is part of the log any more: it was deleted up to an offset that a crash took away.
            let stale = sealed
                .drain(..)
                .chain(stale.map(|(active, _)| active.segment));
            unflushed.clear();
            for segment in stale {
                discard(&segment)?;
                recovered.segments_removed += 1;
            }
            (
                ActiveSegment::create(place, start, config, options.now_ms)?,
                start,
            )
        }
    };
    let first = sealed.first().unwrap_or(&active.segment).base_offset;
    Ok(Loaded {
        sealed,
        rebuilt: unflushed,
        active,
        start_offset: start.max(first),
        end_offset,
    })
}

/// The base offsets of all segments, ascending, after what an earlier process left half-way is gone or finished.
fn tidy(place: &Place) -> Result<Vec<i64>> {
    interrupted::finish(place)?;
    let dir = &place.dir;
    let mut bases = Vec::new();
    let mut indexes = Vec::new();
    for path in place.disk.list(dir).map_err(LogError::io("list", dir))? {
        let file_name = path.file_name().and_then(|name| name.to_str());
        let Some((base, suffix)) = file_name.and_then(name::parse) else {
            continue;
        };
        match suffix {
            name::LOG => bases.push(base),
            name::OFFSET_INDEX | name::TIME_INDEX | name::TRANSACTION_INDEX => {
                indexes.push((base, path));
            }
            _ => {}
        }
    }
    bases.sort_unstable();
    indexes
        .into_iter()
        .filter(|(base, _)| bases.binary_search(base).is_err())
        .for_each(|(_, path)| unlink(&*place.disk, &path));
    Ok(bases)
}

/// Forgets empty segments at the end that claim offsets of the one before: beginning a segment failed, what was left of
/// it could not be removed, and the one before went on.
fn drop_false_ends(place: &Place, bases: &mut Vec<i64>) -> Result<()> {
    while let [.., previous, last] = bases[..] {
        let segment = Segment::open(place, last)?;
        if segment.file.written() > 0 || !reaches_beyond(&Segment::open(place, previous)?, last)? {
            break;
        }
        discard(&segment)?;
        bases.pop();
    }
    Ok(())
}

fn reaches_beyond(segment: &Segment, offset: i64) -> Result<bool> {
    let mut scan = Scan::new(&segment.file, 0, segment.file.written());
    Ok(scan.find(|head| head.last_offset >= offset)?.is_some())
}

fn open_last(
    place: &Place,
    base: i64,
    config: &LogConfig,
    options: &OpenOptions,
    recovered: &mut Recovered,
) -> Result<(ActiveSegment, i64)> {
    let segment = Segment::open(place, base)?;
    if options.clean_shutdown && has_own_indexes(&segment, config, options)? {
        let active = ActiveSegment::reopen(segment, config, options.now_ms)?;
        if let Some(end) = active.segment.sound_end_offset()? {
            return Ok((active, end));
        }
        tracing::warn!(
            "{} was not closed in order; walking it",
            active.segment.file.path().display()
        );
    }
    let rebuilt = mend(
        Segment::open(place, base)?,
        config,
        options,
        options.clean_shutdown,
    )?;
    resume(rebuilt, options, recovered)
}

/// Whether the indexes of a segment that was flushed can be believed. It is their ends that are looked at.
fn has_own_indexes(segment: &Segment, config: &LogConfig, options: &OpenOptions) -> Result<bool> {
    let sound = segment.has_indexes()
        && !segment.aborted.is_damaged()
        && if options.clean_shutdown {
            segment.has_sound_indexes(config.index_interval_bytes)?
        } else {
            segment.has_surviving_indexes()?
        };
    if !sound {
        let path = segment.file.path().display();
        tracing::warn!("the indexes of {path} do not fit it; making them anew");
    }
    Ok(sound)
}

/// Makes a segment's indexes anew, and finds where it ends. The index of aborted transactions is believed if it was
/// `flushed`; else [`replay`] makes it, which knows what is open.
fn mend(
    mut segment: Segment,
    config: &LogConfig,
    options: &OpenOptions,
    flushed: bool,
) -> Result<Rebuilt> {
    if !flushed || segment.aborted.may_be_lost() {
        segment.aborted = TransactionIndex::from_batches();
    }
    let verify_from = if options.clean_shutdown {
        segment.base_offset
    } else {
        options.recovery_point
    };
    let rebuilt = rebuild(segment, config, verify_from)?;
    if rebuilt.unsound > 0 {
        tracing::warn!(
            "{} has {} unsound bytes from offset {} on",
            rebuilt.segment.file.path().display(),
            rebuilt.unsound,
            rebuilt.next_offset
        );
    }
    Ok(rebuilt)
}

/// Goes on at the end of a mended segment, without what is unsound there.
fn resume(
    rebuilt: Rebuilt,
    options: &OpenOptions,
    recovered: &mut Recovered,
) -> Result<(ActiveSegment, i64)> {
    rebuilt.cut()?;
    recovered.segments_rebuilt += 1;
    recovered.bytes_cut += rebuilt.unsound;
    let end = rebuilt.next_offset;
    Ok((
        ActiveSegment::resume(rebuilt.segment, rebuilt.indexing, options.now_ms)?,
        end,
    ))
}

/// Takes a segment out of the directory.
fn discard(segment: &Segment) -> Result<()> {
    let marked = segment.mark_deleted()?;
    for path in &marked {
        unlink(segment.file.disk(), path);
    }
    Ok(())
}

/// Learns the producers and the leader epochs: from their files, and from the batches that are newer than those.
pub(super) fn replay(
    place: &Place,
    loaded: &Loaded,
    options: &OpenOptions,
    recovered: &mut Recovered,
) -> Result<Replayed> {
    let (start, end) = (loaded.start_offset, loaded.end_offset);
    let segments: Vec<&Segment> = loaded
        .sealed
        .iter()
        .chain([&loaded.active.segment])
        .map(|segment| &**segment)
        .collect();
    let disk = &*place.disk;
    let bases: Vec<i64> = segments.iter().map(|segment| segment.base_offset).collect();
    snapshots::remove_strays(disk, &place.dir, &bases)?;
    // From before the first segment whose aborted transactions are to be found: they may have begun earlier. And from before the
    // first of those that are open again.
    let made_anew = segments
        .iter()
        .find(|segment| segment.aborted.is_from_batches())
        .map(|segment| segment.base_offset);
    let open_again = options.agreed.filter(|agreed| *agreed < end);
    let from_before = made_anew.into_iter().chain(open_again).min();
    let up_to = from_before.unwrap_or(end);
    let snapshot = snapshots::load_newest(disk, &place.dir, start, end, up_to)?;
    // A log that was closed in order without any snapshot comes from before there were producers to remember.
    let known = if options.clean_shutdown && from_before.is_none() {
        end
    } else {
        start
    };
    let (snapshot_offset, mut producers) = snapshot.unwrap_or((known, Producers::default()));
    let mut ended = EndedTransactions::default();
    let mut epochs = LeaderEpochs::load(disk, &place.dir).or_else(|error| match error {
        LogError::MalformedFile { .. } => {
            tracing::warn!(%error, "taking the leader epochs from the batches instead");
            Ok(LeaderEpochs::empty(&place.dir))
        }
        other => Err(other),
    })?;
    let cut = epochs.truncate_to(end);
    let epochs_known = if options.clean_shutdown {
        end
    } else {
        options.recovery_point
    };
    let from = match epochs.latest() {
        Some(_) => snapshot_offset.min(epochs_known).max(start),
        None => snapshot_offset.min(if options.clean_shutdown { end } else { start }),
    };

    for (at, segment) in segments.iter().enumerate() {
        if from >= end || bases.get(at + 1).is_some_and(|next| *next <= from) {
            continue;
        }
        let size = segment.file.written();
        let Some(first) = segment.locate(from, size)? else {
            continue;
        };
        let mut scan = Scan::new(&segment.file, first.position, size);
        while let Some(Ok(found)) = scan.next()? {
            recovered.batches_replayed += 1;
            let Some(header) = found.head.v2 else {
                continue;
            };
            if header.base_offset >= snapshot_offset {
                if tracks_producer(&header) {
                    producers.replay(&producer_batch(&header));
                } else if let Some(one) = replay_end(&mut producers, segment, &found)? {
                    ended.push(one.first_offset, one.last_offset);
                }
            }
            let epoch = header.partition_leader_epoch;
            if epochs.latest().is_none_or(|latest| epoch > latest.epoch) {
                epochs.assign(epoch, header.base_offset);
            }
        }
    }
    if epochs.begin_at(start) || cut {
        epochs.save(&*place.disk)?;
    }
    Ok(Replayed {
        producers,
        ended,
        epochs,
    })
}

/// Takes note of a marker, and of the transaction that it aborts if the segment's index is made anew. Answers the transaction.
fn replay_end(
    producers: &mut Producers,
    segment: &Segment,
    found: &Found,
) -> Result<Option<Ended>> {
    let Some(end) = stored_end(&segment.file, found)? else {
        return Ok(None);
    };
    let ended = producers.replay_end(&end).map(|first_offset| Ended {
        producer_id: end.producer_id,
        first_offset,
        last_offset: found.head.last_offset,
        aborted: end.aborted,
    });
    if let Some(ended) = ended.filter(|ended| ended.aborted)
        && segment.aborted.is_from_batches()
    {
        let open = producers.first_open_transaction();
        segment.aborted.push(ended.aborted(open));
    }
    Ok(ended)
}
