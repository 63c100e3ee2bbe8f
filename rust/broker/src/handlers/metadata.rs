//! `Metadata` · key 3 · versions 0–13
//!
//! Behaviour: the brokers that there are, and the topics asked for with their partitions, each once. A topic asked for by name that
//! does not exist is created if both the broker (`auto.create.topics.enable`) and the request allow it, and is usable
//! when the answer comes: a client never has to wait for a leader.
//!
//! Version notes: in 0 an empty list asks for all topics; from 1 null does, and an empty list asks for none. Requests
//! before 4 cannot forbid creation. By id from 12 (in 10 and 11 the field exists and means nothing).

use std::collections::{BTreeSet, HashMap, HashSet};

use kafkalite_cluster::{ClusterImage, PartitionImage, TopicImage, names};
use kafkalite_names::check_topic_name;
use kafkalite_wire::{
    ErrorCode,
    api::metadata::{
        MetadataBroker, MetadataPartition, MetadataRequest, MetadataRequestTopic, MetadataResponse,
        MetadataTopic,
    },
};
use uuid::Uuid;

use super::{Context, Reply, operations};
use crate::{config::Overrides, registry::NewTopic};

const FIRST_BY_ID: i16 = 12;
/// Where a broker is named and there is none.
const NO_BROKER: i32 = -1;

pub(super) async fn handle(context: &Context, request: MetadataRequest) -> Reply<MetadataResponse> {
    let broker = &context.broker;
    let settings = broker.configs.settings();
    let all = match &request.topics {
        None => true,
        Some(topics) => context.api_version == 0 && topics.is_empty(),
    };
    let asked = distinct(context, request.topics.unwrap_or_default());
    let mut refused = HashMap::new();
    if !all && settings.auto_create_topics_enable && request.allow_auto_topic_creation {
        refused = create_missing(context, &asked).await;
    }
    // Of one image, so that topics name only brokers that the answer has.
    let image = broker.registry.image();
    let mut topics: Vec<_> = if all {
        let all = image.topics().map(|topic| describe(&image, topic));
        let mut all: Vec<_> = all.collect();
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    } else {
        let find = |asked| find(context, &image, asked, &refused);
        asked.into_iter().map(find).collect()
    };
    if request.include_topic_authorized_operations {
        for topic in topics
            .iter_mut()
            .filter(|topic| topic.error_code == ErrorCode::None)
        {
            topic.topic_authorized_operations = operations::ON_TOPIC;
        }
    }
    let brokers = image.brokers.iter().map(|(&node_id, known)| {
        let address = context.endpoint(known);
        MetadataBroker {
            node_id,
            host: address.host,
            port: i32::from(address.port),
            rack: known.rack.clone(),
        }
    });
    MetadataResponse {
        brokers: brokers.collect(),
        cluster_id: Some(broker.cluster_id.clone()),
        controller_id: image.controller.unwrap_or(NO_BROKER),
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            operations::ON_CLUSTER
        } else {
            operations::NOT_ASKED
        },
        ..Default::default()
    }
    .into()
}

/// What is asked for, each once, in that order.
fn distinct(context: &Context, mut asked: Vec<MetadataRequestTopic>) -> Vec<MetadataRequestTopic> {
    // A few bytes of request are a whole topic in the answer: repeated, they would fill any memory.
    let mut seen = HashSet::new();
    asked.retain(|asked| {
        seen.insert(if is_by_id(context, asked) {
            Err(asked.topic_id)
        } else {
            Ok(asked.name.clone())
        })
    });
    asked
}

fn is_by_id(context: &Context, asked: &MetadataRequestTopic) -> bool {
    context.api_version >= FIRST_BY_ID && !asked.topic_id.is_nil()
}

/// Creates what is asked for by name and missing, all in one go; answers what was refused, and why.
async fn create_missing(
    context: &Context,
    asked: &[MetadataRequestTopic],
) -> HashMap<String, ErrorCode> {
    let registry = &context.broker.registry;
    let partitions = context.broker.configs.settings().num_partitions;
    let missing: BTreeSet<String> = asked
        .iter()
        .filter(|asked| !is_by_id(context, asked))
        .filter_map(|asked| asked.name.clone())
        .filter(|name| !names::is_reserved(name) && registry.topic(name).is_none())
        .collect();
    let mut refused = HashMap::new();
    if missing.is_empty() {
        return refused;
    }
    let new = |name: &String| NewTopic {
        name: name.clone(),
        wish: registry.anywhere(partitions),
        overrides: Overrides::new(),
    };
    let outcomes = registry.create(missing.iter().map(new).collect()).await;
    for (name, outcome) in missing.into_iter().zip(outcomes) {
        if let Err(refusal) = outcome {
            tracing::debug!("{name} was asked for and not created: {}", refusal.message);
            refused.insert(name, refusal.code);
        }
    }
    refused
}

fn find(
    context: &Context,
    image: &ClusterImage,
    asked: MetadataRequestTopic,
    refused: &HashMap<String, ErrorCode>,
) -> MetadataTopic {
    if is_by_id(context, &asked) {
        return match image.topic_by_id(asked.topic_id) {
            Some(topic) => describe(image, topic),
            None => missing_topic(None, asked.topic_id, ErrorCode::UnknownTopicId),
        };
    }
    // Null is allowed for what is asked for by id.
    let Some(name) = asked.name else {
        return missing_topic(None, asked.topic_id, ErrorCode::UnknownTopicId);
    };
    if let Some(topic) = image.topic(&name) {
        return describe(image, topic);
    }
    let code = match refused.get(&name) {
        Some(code) => *code,
        None if check_topic_name(&name).is_ok() => ErrorCode::UnknownTopicOrPartition,
        None => ErrorCode::InvalidTopic,
    };
    missing_topic(Some(name), Uuid::nil(), code)
}

fn missing_topic(name: Option<String>, topic_id: Uuid, error_code: ErrorCode) -> MetadataTopic {
    MetadataTopic {
        error_code,
        name,
        topic_id,
        ..Default::default()
    }
}

fn describe(image: &ClusterImage, topic: &TopicImage) -> MetadataTopic {
    let describe = |(index, partition): (usize, &PartitionImage)| MetadataPartition {
        error_code: match image.leader(partition) {
            Some(_) => ErrorCode::None,
            None => ErrorCode::LeaderNotAvailable,
        },
        partition_index: index as i32,
        leader_id: image.leader(partition).unwrap_or(NO_BROKER),
        leader_epoch: partition.leader_epoch,
        replica_nodes: partition.replicas.to_vec(),
        isr_nodes: partition.in_sync.to_vec(),
        offline_replicas: image.offline(partition),
    };
    MetadataTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: names::is_internal(&topic.name),
        partitions: topic.partitions.iter().enumerate().map(describe).collect(),
        ..Default::default()
    }
}
