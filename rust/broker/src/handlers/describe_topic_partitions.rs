//! `DescribeTopicPartitions` · key 75 · version 0
//!
//! Behaviour: topics in the order of their names, page by page (KIP-966). No topic named asks for all. A page holds at most
//! `max.request.partition.size.limit` partitions; where the next one begins is in the answer, and comes back as the cursor.
//!
//! Version notes: none.

use std::collections::BTreeSet;

use kafkalite_names::check_topic_name;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::describe_topic_partitions::{
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, DescribedPartition,
    DescribedTopic, TopicPartitionsCursor,
};

use super::{Context, Reply, operations};
use kafkalite_cluster::{ClusterImage, PartitionImage, TopicImage, names as topic_names};

pub(super) async fn handle(
    context: &Context,
    request: DescribeTopicPartitionsRequest,
) -> Reply<DescribeTopicPartitionsResponse> {
    if !is_sound(&request) {
        let refuse = |name| missing(name, ErrorCode::InvalidRequest);
        let topics = request
            .topics
            .into_iter()
            .map(|topic| refuse(topic.name))
            .collect();
        return DescribeTopicPartitionsResponse {
            topics,
            ..Default::default()
        }
        .into();
    }
    let limit = context
        .broker
        .configs
        .settings()
        .max_request_partition_size_limit;
    let mut room = request.response_partition_limit.clamp(1, limit) as usize;
    let mut page = DescribeTopicPartitionsResponse::default();
    let image = context.broker.registry.image();
    for name in names(&image, &request) {
        let first = match &request.cursor {
            Some(cursor) if cursor.topic_name == name => cursor.partition_index,
            _ => 0,
        };
        if room == 0 {
            page.next_cursor = Some(TopicPartitionsCursor {
                topic_name: name,
                partition_index: first,
            });
            break;
        }
        let Some(topic) = image.topic(&name) else {
            let code = match check_topic_name(&name) {
                Ok(()) => ErrorCode::UnknownTopicOrPartition,
                Err(_) => ErrorCode::InvalidTopic,
            };
            page.topics.push(missing(name, code));
            continue;
        };
        let described = describe(&image, topic, first, room);
        let next = first as usize + described.partitions.len();
        room -= described.partitions.len();
        page.topics.push(described);
        if next < topic.partitions.len() {
            page.next_cursor = Some(TopicPartitionsCursor {
                topic_name: name,
                partition_index: next as i32,
            });
            break;
        }
    }
    page.into()
}

/// Whether the cursor is one that could have been in an answer to this request.
fn is_sound(request: &DescribeTopicPartitionsRequest) -> bool {
    request.cursor.as_ref().is_none_or(|cursor| {
        let named = || {
            request
                .topics
                .iter()
                .any(|topic| topic.name == cursor.topic_name)
        };
        cursor.partition_index >= 0 && (request.topics.is_empty() || named())
    })
}

/// The topics from the cursor on, each once, in order.
fn names(image: &ClusterImage, request: &DescribeTopicPartitionsRequest) -> BTreeSet<String> {
    let from = request
        .cursor
        .as_ref()
        .map_or("", |cursor| &cursor.topic_name);
    if request.topics.is_empty() {
        return image
            .topics()
            .map(|topic| topic.name.to_string())
            .filter(|name| name.as_str() >= from)
            .collect();
    }
    request
        .topics
        .iter()
        .map(|topic| topic.name.clone())
        .filter(|name| name.as_str() >= from)
        .collect()
}

fn describe(image: &ClusterImage, topic: &TopicImage, first: i32, room: usize) -> DescribedTopic {
    let describe = |(index, partition): (usize, &PartitionImage)| DescribedPartition {
        partition_index: index as i32,
        leader_id: image.leader(partition).unwrap_or(-1),
        leader_epoch: partition.leader_epoch,
        replica_nodes: partition.replicas.to_vec(),
        isr_nodes: partition.in_sync.to_vec(),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        offline_replicas: image.offline(partition),
        ..Default::default()
    };
    DescribedTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: topic_names::is_internal(&topic.name),
        partitions: topic
            .partitions
            .iter()
            .enumerate()
            .skip(first as usize)
            .take(room)
            .map(describe)
            .collect(),
        topic_authorized_operations: operations::ON_TOPIC,
        ..Default::default()
    }
}

fn missing(name: String, error_code: ErrorCode) -> DescribedTopic {
    DescribedTopic {
        name: Some(name),
        error_code,
        ..Default::default()
    }
}
