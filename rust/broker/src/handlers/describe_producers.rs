//! `DescribeProducers` · key 61 · version 0
//!
//! Behaviour: what a partition remembers of each idempotent producer: its epoch, the sequence number and the time of its last
//! record, and where its transaction began if one is open (in a directory of Apache Kafka). A partition that is named again is
//! refused there: its answer may be long.
//!
//! Version notes: none.

use std::collections::{HashMap, HashSet};

use kafkalite_cluster::TopicKey;
use kafkalite_log::producers::ProducerEntry;
use kafkalite_names::check_topic_name;
use kafkalite_wire::api::describe_producers::{
    ActiveProducer, DescribeProducersRequest, DescribeProducersResponse,
    DescribedProducersPartition, DescribedProducersTopic,
};
use kafkalite_wire::{CodedError, ErrorCode};

use super::{Context, Reply};
use crate::refusal::Refusal;

/// What is said of an open transaction where there is none.
const NONE_OPEN: i64 = -1;

pub(super) async fn handle(
    context: &Context,
    request: DescribeProducersRequest,
) -> Reply<DescribeProducersResponse> {
    let mut seen: HashMap<String, HashSet<i32>> = HashMap::new();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let name = topic.name;
            let seen = seen.entry(name.clone()).or_default();
            let partitions = topic
                .partition_indexes
                .into_iter()
                .map(|index| {
                    let described = if seen.insert(index) {
                        describe(context, &name, index)
                    } else {
                        Err(Refusal::repeated(&name))
                    };
                    answer(index, described)
                })
                .collect();
            DescribedProducersTopic { name, partitions }
        })
        .collect();
    DescribeProducersResponse {
        topics,
        ..Default::default()
    }
    .into()
}

fn answer(
    partition_index: i32,
    described: Result<Vec<ActiveProducer>, Refusal>,
) -> DescribedProducersPartition {
    match described {
        Ok(active_producers) => DescribedProducersPartition {
            partition_index,
            active_producers,
            ..Default::default()
        },
        Err(Refusal { code, message }) => DescribedProducersPartition {
            partition_index,
            error_code: code,
            error_message: Some(message),
            ..Default::default()
        },
    }
}

fn describe(context: &Context, name: &str, index: i32) -> Result<Vec<ActiveProducer>, Refusal> {
    let elsewhere = || match check_topic_name(name) {
        Ok(()) => context.elsewhere(&TopicKey::Name(name.into()), index),
        Err(error) => CodedError::new(ErrorCode::InvalidTopic, error.to_string()),
    };
    let topic = context.broker.replicas.by_name(name);
    let partition = topic.as_ref().and_then(|topic| topic.partition(index));
    let partition = partition.ok_or_else(elsewhere)?;
    let producers = partition.log.producers();
    Ok(producers
        .iter()
        .map(|(id, entry)| describe_one(*id, entry))
        .collect())
}

fn describe_one(producer_id: i64, entry: &ProducerEntry) -> ActiveProducer {
    ActiveProducer {
        producer_id,
        producer_epoch: i32::from(entry.epoch),
        last_sequence: entry.last_sequence(),
        last_timestamp: entry.last_timestamp,
        coordinator_epoch: entry.coordinator_epoch,
        current_txn_start_offset: entry.transaction_start.unwrap_or(NONE_OPEN),
    }
}
