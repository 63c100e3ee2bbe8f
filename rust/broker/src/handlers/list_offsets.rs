//! `ListOffsets` · key 2 · versions 1–11, and 0 where `log.message.downconversion.enable` says so
//!
//! Behaviour: the first offset whose timestamp is at least the one asked for, or -1 if there is none; or one of the
//! special places: latest (-1: the high watermark, or for readers of committed messages the last stable offset), earliest
//! (-2), the record with the largest timestamp (-3), earliest on this machine (-4, the earliest here), last in remote
//! storage (-5) and earliest not yet there (-6), both of which are -1 for want of remote storage.
//!
//! An isolation level that there is none of is `UNKNOWN_SERVER_ERROR`, as in Kafka.
//!
//! Version notes: 0 gives a list, of as many offsets as are wanted, in Apache Kafka those of segments. Here it is the one
//! that later versions give, which is as good to begin at, and the end of the log where these give none. -3 from 7 (KIP-734), -4 from 8 (KIP-405), -5 from 9 (KIP-1005), -6 from 11 (KIP-1023); asked for in an
//! earlier version they get `UNSUPPORTED_VERSION`. Leader epochs from 4.

use kafkalite_cluster::TopicKey;
use kafkalite_wire::{
    ErrorCode,
    api::list_offsets::{
        ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
        ListedOffsetsPartition, ListedOffsetsTopic,
    },
};

use super::{Context, Reply, committed_only, leader_epoch};
use crate::replicas::partition::Partition;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// The first version in which each of the special places may be asked for.
const FIRST_VERSIONS: [(i64, i16); 4] = [
    (MAX_TIMESTAMP, 7),
    (EARLIEST_LOCAL, 8),
    (LATEST_TIERED, 9),
    (EARLIEST_PENDING_UPLOAD, 11),
];

pub(super) async fn handle(
    context: &Context,
    request: ListOffsetsRequest,
) -> Reply<ListOffsetsResponse> {
    let is_search = |asked: &ListOffsetsPartition| !matches!(asked.timestamp, LATEST | EARLIEST);
    let searches = request
        .topics
        .iter()
        .any(|topic| topic.partitions.iter().any(is_search));
    let context = context.clone();
    let committed_only = committed_only(request.isolation_level);
    let list = move || -> Vec<ListedOffsetsTopic> {
        let list = |topic| list_topic(&context, topic, committed_only);
        request.topics.into_iter().map(list).collect()
    };
    let topics = if searches {
        // Reads batches from the disk and decompresses them.
        match tokio::task::spawn_blocking(list).await {
            Ok(topics) => topics,
            Err(_) => return Reply::Close("a search for offsets did not end".to_owned()),
        }
    } else {
        list()
    };
    ListOffsetsResponse {
        topics,
        ..Default::default()
    }
    .into()
}

fn list_topic(
    context: &Context,
    request: ListOffsetsTopic,
    committed_only: Option<bool>,
) -> ListedOffsetsTopic {
    let topic = context.broker.replicas.by_name(&request.name);
    let list = |asked: ListOffsetsPartition| {
        let partition = topic
            .as_ref()
            .and_then(|topic| topic.partition(asked.partition_index));
        let elsewhere = || {
            let key = TopicKey::Name(request.name.as_str().into());
            context.elsewhere(&key, asked.partition_index).code
        };
        let found = partition.ok_or_else(elsewhere).and_then(|partition| {
            let committed_only = committed_only.ok_or(ErrorCode::UnknownServerError)?;
            find(context.api_version, partition, &asked, committed_only)
        });
        let (error_code, found) = match found {
            Ok(found) => (ErrorCode::None, found),
            Err(code) => (code, Found::NOTHING),
        };
        ListedOffsetsPartition {
            partition_index: asked.partition_index,
            error_code,
            old_style_offsets: match partition {
                Some(partition) if context.api_version == 0 && error_code.is_none() => {
                    old_style(partition, &found, &asked)
                }
                _ => Vec::new(),
            },
            timestamp: found.timestamp,
            offset: found.offset,
            leader_epoch: found.leader_epoch,
        }
    };
    let partitions = request.partitions.into_iter().map(list).collect();
    ListedOffsetsTopic {
        name: request.name,
        partitions,
    }
}

struct Found {
    timestamp: i64,
    offset: i64,
    leader_epoch: i32,
}

impl Found {
    const NOTHING: Self = Self {
        timestamp: -1,
        offset: -1,
        leader_epoch: -1,
    };
}

/// What version 0 gives.
fn old_style(partition: &Partition, found: &Found, asked: &ListOffsetsPartition) -> Vec<i64> {
    let offset = match found.offset {
        ..0 => partition.log.high_watermark(),
        offset => offset,
    };
    let wanted = usize::try_from(asked.max_num_offsets).unwrap_or(0);
    std::iter::once(offset).take(wanted).collect()
}

fn find(
    version: i16,
    partition: &Partition,
    asked: &ListOffsetsPartition,
    committed_only: bool,
) -> Result<Found, ErrorCode> {
    let too_early = |&(place, first): &(i64, i16)| place == asked.timestamp && version < first;
    if asked.timestamp < EARLIEST_PENDING_UPLOAD || FIRST_VERSIONS.iter().any(too_early) {
        return Err(ErrorCode::UnsupportedVersion);
    }
    leader_epoch::check(partition, asked.current_leader_epoch)?;
    let log = &partition.log;
    let at = |offset, timestamp| Found {
        timestamp,
        offset,
        leader_epoch: partition.epoch_of(offset),
    };
    let readable_to = if committed_only {
        log.last_stable_offset()
    } else {
        log.high_watermark()
    };
    let looked_up = match asked.timestamp {
        LATEST => {
            return Ok(Found {
                timestamp: -1,
                offset: readable_to,
                leader_epoch: partition.leader_epoch(),
            });
        }
        EARLIEST | EARLIEST_LOCAL => return Ok(at(log.start_offset(), -1)),
        LATEST_TIERED | EARLIEST_PENDING_UPLOAD => return Ok(Found::NOTHING),
        MAX_TIMESTAMP => log.offset_of_max_timestamp(),
        timestamp => log.offset_for_timestamp(timestamp),
    };
    let found = looked_up.map_err(|error| partition.explain(error).code)?;
    let readable = found.filter(|found| found.offset < readable_to);
    Ok(readable.map_or(Found::NOTHING, |found| at(found.offset, found.timestamp)))
}
