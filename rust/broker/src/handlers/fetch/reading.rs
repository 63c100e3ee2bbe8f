//! Reading the partitions of one fetch, and waiting for them to grow.

use std::sync::Arc;

use kafkalite_log::{LogSlice, ReadUpTo};
use kafkalite_wire::ErrorCode;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::{Context, Terms, refusing};
use crate::{
    fetch_sessions::{ReadOutcome, Wanted},
    handlers::leader_epoch,
    replicas::partition::{Partition, Wait},
};

/// What one partition gave.
pub(super) enum Read {
    Records {
        slice: LogSlice,
        high_watermark: i64,
        last_stable_offset: i64,
        log_start_offset: i64,
        /// There are records, but not even the first batch fits behind what other partitions gave.
        left_out: bool,
    },
    Refused(ErrorCode),
}

impl Read {
    /// What the session needs to know of it.
    pub(super) fn outcome(&self) -> ReadOutcome {
        match self {
            Self::Records {
                slice,
                high_watermark,
                log_start_offset,
                ..
            } => ReadOutcome {
                failed: false,
                high_watermark: *high_watermark,
                log_start_offset: *log_start_offset,
                bytes: slice.len(),
            },
            Self::Refused(_) => ReadOutcome {
                failed: true,
                high_watermark: -1,
                log_start_offset: -1,
                bytes: 0,
            },
        }
    }
}

/// Reads all partitions, and again as they grow, until there is enough or the time is up.
pub(super) async fn read(context: &Context, terms: &Terms, wanted: &[Wanted]) -> Vec<Read> {
    let partitions: Vec<_> = wanted
        .iter()
        .map(|wanted| resolve(context, wanted))
        .collect();
    bring_in_old(wanted, &partitions).await;
    let mut reads = read_once(terms, wanted, &partitions);
    let found: Vec<Arc<Partition>> = partitions.iter().flatten().cloned().collect();
    // What does not exist does not hurry those that do: a client that asks for both would spin.
    if found.is_empty() || is_ready(terms, &partitions, &reads) || Instant::now() >= terms.deadline
    {
        return reads;
    }

    let wait = Wait::on(found, terms.up_to());
    let mut over = std::pin::pin!(context.parking_over());
    loop {
        let before = wait.arrived();
        reads = read_once(terms, wanted, &partitions);
        if is_ready(terms, &partitions, &reads) {
            return reads;
        }
        let missing = terms.min_bytes.saturating_sub(total_bytes(&reads)).max(1);
        tokio::select! {
            () = wait.until(before, missing as u64) => {}
            () = sleep_until(terms.deadline) => return reads,
            () = &mut over => return reads,
        }
    }
}

pub(super) fn resolve(context: &Context, wanted: &Wanted) -> Result<Arc<Partition>, ErrorCode> {
    let snapshot = context.broker.replicas.snapshot();
    let topic = snapshot.by_key(&wanted.topic);
    let partition = topic.and_then(|topic| topic.partition(wanted.partition));
    let elsewhere = || context.elsewhere(&wanted.topic, wanted.partition).code;
    partition.cloned().ok_or_else(elsewhere)
}

/// Has what is read to find old records, of the indexes and the log, brought into memory by a thread that may wait for the
/// disk. What readers at the end want is there.
async fn bring_in_old(wanted: &[Wanted], partitions: &[Result<Arc<Partition>, ErrorCode>]) {
    let old = |(wanted, partition): (&Wanted, &Result<Arc<Partition>, ErrorCode>)| {
        let partition = partition.as_ref().ok()?;
        let is_old =
            wanted.offset < partition.log.high_watermark() && !partition.is_recent(wanted.offset);
        is_old.then(|| (Arc::clone(partition), wanted.offset))
    };
    let old: Vec<_> = wanted.iter().zip(partitions).filter_map(old).collect();
    if old.is_empty() {
        return;
    }
    let look = move || {
        for (partition, offset) in old {
            // What is wrong with it is found again, and told, by the read that counts.
            let _ = partition
                .log
                .read(offset, 0, ReadUpTo::HighWatermark, false);
        }
    };
    let _ = spawn_blocking(look).await;
}

fn read_once(
    terms: &Terms,
    wanted: &[Wanted],
    partitions: &[Result<Arc<Partition>, ErrorCode>],
) -> Vec<Read> {
    let mut left = terms.max_bytes;
    let mut first = true;
    let mut reads = Vec::with_capacity(wanted.len());
    for (wanted, partition) in wanted.iter().zip(partitions) {
        let read = match partition {
            Ok(partition) => refusing::check(terms, wanted)
                .and_then(|()| read_partition(terms, wanted, partition, left, first)),
            Err(code) => Err(*code),
        };
        if let Ok(Read::Records { slice, .. }) = &read
            && !slice.is_empty()
        {
            left = left.saturating_sub(slice.len());
            first = false;
        }
        reads.push(read.unwrap_or_else(Read::Refused));
    }
    reads
}

fn read_partition(
    terms: &Terms,
    wanted: &Wanted,
    partition: &Partition,
    left: usize,
    first: bool,
) -> Result<Read, ErrorCode> {
    if partition.is_deleted() {
        return Err(wanted.topic.unknown());
    }
    leader_epoch::check(partition, wanted.current_leader_epoch)?;
    let max_bytes = usize::try_from(wanted.max_bytes).unwrap_or(0).min(left);
    let log = &partition.log;
    let slice = log
        .read(wanted.offset, max_bytes, terms.up_to(), first)
        .map_err(|error| partition.explain(error).code)?;
    // Read after the records, so that the answer never shows records above its own watermark.
    let last_stable_offset = log.last_stable_offset();
    Ok(Read::Records {
        left_out: !first && slice.is_empty() && wanted.offset < terms.end_of(partition),
        slice,
        high_watermark: log.high_watermark(),
        last_stable_offset,
        log_start_offset: log.start_offset(),
    })
}

/// Is there a reason to answer now?
fn is_ready(
    terms: &Terms,
    partitions: &[Result<Arc<Partition>, ErrorCode>],
    reads: &[Read],
) -> bool {
    // Who asks the wrong broker is to go to the right one at once.
    let failed = |(partition, read): (&Result<_, ErrorCode>, &Read)| match read {
        Read::Refused(code) => partition.is_ok() || *code == ErrorCode::NotLeaderOrFollower,
        Read::Records { .. } => false,
    };
    total_bytes(reads) >= terms.min_bytes
        || partitions.iter().zip(reads).any(failed)
        || partitions
            .iter()
            .zip(reads)
            .any(|(partition, read)| match (partition, read) {
                (
                    Ok(partition),
                    Read::Records {
                        slice, left_out, ..
                    },
                ) => *left_out || stops_at_segment_end(terms, partition, slice),
                _ => false,
            })
}

/// A view ends with its segment. When there is another segment behind it, waiting would not make it longer.
fn stops_at_segment_end(terms: &Terms, partition: &Partition, slice: &LogSlice) -> bool {
    !slice.is_empty()
        && partition
            .log
            .read(terms.end_of(partition), 0, terms.up_to(), false)
            .is_ok_and(|end| !Arc::ptr_eq(end.segment(), slice.segment()))
}

impl Terms {
    fn up_to(&self) -> ReadUpTo {
        if self.committed_only {
            ReadUpTo::LastStableOffset
        } else {
            ReadUpTo::HighWatermark
        }
    }

    /// The offset up to which this request may read.
    fn end_of(&self, partition: &Partition) -> i64 {
        if self.committed_only {
            partition.log.last_stable_offset()
        } else {
            partition.log.high_watermark()
        }
    }
}

fn total_bytes(reads: &[Read]) -> usize {
    let bytes = |read: &Read| match read {
        Read::Records { slice, .. } => slice.len(),
        Read::Refused(_) => 0,
    };
    reads.iter().map(bytes).sum()
}
