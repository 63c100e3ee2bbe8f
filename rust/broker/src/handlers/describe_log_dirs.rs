//! `DescribeLogDirs` · key 35 · versions 0–5
//!
//! Behaviour: the one data directory, the partitions asked for that are in it with the bytes of their segments, and how much
//! room its volume has. What does not exist is left out.
//!
//! Version notes: Kafka has dropped 0, in which older clients still ask; it is written as 1. Totals from 4 (KIP-827). From 5
//! whether the directory is cordoned (KIP-1066), which it never is.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use kafkalite_wire::api::describe_log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResponse, DescribedLogDir,
    DescribedLogDirPartition, DescribedLogDirTopic,
};
use tokio::task::spawn_blocking;

use super::{Context, Reply};
use crate::replicas::partition::Partition;
use crate::state::BrokerState;

pub(super) async fn handle(
    context: &Context,
    request: DescribeLogDirsRequest,
) -> Reply<DescribeLogDirsResponse> {
    let broker = Arc::clone(&context.broker);
    // Asks the file system.
    let described = spawn_blocking(move || describe(&broker, request.topics.as_deref())).await;
    match described {
        Ok(log_dir) => DescribeLogDirsResponse {
            results: vec![log_dir],
            ..Default::default()
        }
        .into(),
        Err(_) => Reply::Close("the broker is stopping".to_owned()),
    }
}

fn describe(broker: &BrokerState, wanted: Option<&[DescribableLogDirTopic]>) -> DescribedLogDir {
    let wanted = wanted.map(partitions_by_topic);
    let mut topics: Vec<_> = broker
        .replicas
        .snapshot()
        .iter()
        .filter_map(|topic| {
            let only = match &wanted {
                None => None,
                Some(wanted) => Some(wanted.get(&*topic.name)?),
            };
            let partitions: Vec<_> = topic
                .partitions
                .iter()
                .filter(|partition| only.is_none_or(|only| only.contains(&partition.index)))
                .map(|partition| describe_partition(partition))
                .collect();
            (!partitions.is_empty()).then(|| DescribedLogDirTopic {
                name: topic.name.to_string(),
                partitions,
            })
        })
        .collect();
    topics.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    let (total_bytes, usable_bytes) = volume(&broker.data_dir);
    DescribedLogDir {
        log_dir: broker.data_dir.display().to_string(),
        topics,
        total_bytes,
        usable_bytes,
        ..Default::default()
    }
}

fn partitions_by_topic(wanted: &[DescribableLogDirTopic]) -> HashMap<&str, HashSet<i32>> {
    let mut by_topic: HashMap<&str, HashSet<i32>> = HashMap::new();
    for topic in wanted {
        by_topic
            .entry(&topic.topic)
            .or_default()
            .extend(&topic.partitions);
    }
    by_topic
}

fn describe_partition(partition: &Partition) -> DescribedLogDirPartition {
    DescribedLogDirPartition {
        partition_index: partition.index,
        partition_size: i64::try_from(partition.log.size()).unwrap_or(i64::MAX),
        // Nobody replicates it: it is as far as itself.
        ..Default::default()
    }
}

/// The size of the volume that a directory is on and what is left of it, in bytes; −1 where the system does not say.
fn volume(dir: &Path) -> (i64, i64) {
    const UNKNOWN: i64 = -1;
    let Ok(volume) = rustix::fs::statvfs(dir) else {
        return (UNKNOWN, UNKNOWN);
    };
    let bytes = |blocks: u64| {
        i64::try_from(u128::from(blocks) * u128::from(volume.f_frsize)).unwrap_or(i64::MAX)
    };
    (bytes(volume.f_blocks), bytes(volume.f_bavail))
}
