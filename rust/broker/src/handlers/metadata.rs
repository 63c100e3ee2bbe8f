//! `Metadata` · key 3 · versions 0–13
//!
//! Behaviour: the brokers that there are, and the topics asked for with their partitions, each once. A topic asked for by name that
//! does not exist is created if both the broker (`auto.create.topics.enable`) and the request allow it, and is usable
//! when the answer comes: a client never has to wait for a leader.
//!
//! Version notes: in 0 an empty list asks for all topics; from 1 null does, and an empty list asks for none. Requests
//! before 4 cannot forbid creation. By id from 12 (in 10 and 11 the field exists and means nothing).

use std::collections::{BTreeSet, HashMap, HashSet};

use kafkalite_cluster::{PartitionImage, TopicImage, names};
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
    let mut topics = if all {
        let mut all: Vec<_> = broker
            .registry
            .image()
            .topics()
            .map(|topic| describe(topic))
            .collect();
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        all
    } else {
        let create = settings.auto_create_topics_enable && request.allow_auto_topic_creation;
        find(context, request.topics.unwrap_or_default(), create).await
    };
    if request.include_topic_authorized_operations {
        for topic in topics
            .iter_mut()
            .filter(|topic| topic.error_code == ErrorCode::None)
        {
            topic.topic_authorized_operations = operations::ON_TOPIC;
        }
    }
    let image = broker.registry.image();
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

/// The topics asked for, each once, in that order; those that are missing are created, all in one go, if `create` says so.
async fn find(
    context: &Context,
    mut asked: Vec<MetadataRequestTopic>,
    create: bool,
) -> Vec<MetadataTopic> {
    let registry = &context.broker.registry;
    let by_id = |asked: &MetadataRequestTopic| {
        context.api_version >= FIRST_BY_ID && !asked.topic_id.is_nil()
    };
    // A few bytes of request are a whole topic in the answer: repeated, they would fill any memory.
    let mut seen = HashSet::new();
    asked.retain(|asked| {
        seen.insert(if by_id(asked) {
            Err(asked.topic_id)
        } else {
            Ok(asked.name.clone())
        })
    });
    let partitions = context.broker.configs.settings().num_partitions;
    let missing: BTreeSet<String> = asked
        .iter()
        .filter(|asked| create && !by_id(asked))
        .filter_map(|asked| asked.name.clone())
        .filter(|name| !names::is_reserved(name) && registry.topic(name).is_none())
        .collect();
    let mut refused: HashMap<String, ErrorCode> = HashMap::new();
    if !missing.is_empty() {
        let new = |name: &String| NewTopic {
            name: name.clone(),
            partitions,
            overrides: Overrides::new(),
        };
        let outcomes = registry.create(missing.iter().map(new).collect()).await;
        for (name, outcome) in missing.into_iter().zip(outcomes) {
            if let Err(refusal) = outcome {
                tracing::debug!("{name} was asked for and not created: {}", refusal.message);
                refused.insert(name, refusal.code);
            }
        }
    }
    asked
        .into_iter()
        .map(|asked| {
            if by_id(&asked) {
                return match registry.topic_by_id(asked.topic_id) {
                    Some(topic) => describe(&topic),
                    None => missing_topic(None, asked.topic_id, ErrorCode::UnknownTopicId),
                };
            }
            // Null is allowed for what is asked for by id.
            let Some(name) = asked.name else {
                return missing_topic(None, asked.topic_id, ErrorCode::UnknownTopicId);
            };
            if let Some(topic) = registry.topic(&name) {
                return describe(&topic);
            }
            let code =
                refused
                    .get(&name)
                    .copied()
                    .unwrap_or_else(|| match check_topic_name(&name) {
                        Ok(()) => ErrorCode::UnknownTopicOrPartition,
                        Err(_) => ErrorCode::InvalidTopic,
                    });
            missing_topic(Some(name), Uuid::nil(), code)
        })
        .collect()
}

fn missing_topic(name: Option<String>, topic_id: Uuid, error_code: ErrorCode) -> MetadataTopic {
    MetadataTopic {
        error_code,
        name,
        topic_id,
        ..Default::default()
    }
}

fn describe(topic: &TopicImage) -> MetadataTopic {
    let describe = |(index, partition): (usize, &PartitionImage)| MetadataPartition {
        error_code: match partition.leader {
            Some(_) => ErrorCode::None,
            None => ErrorCode::LeaderNotAvailable,
        },
        partition_index: index as i32,
        leader_id: partition.leader.unwrap_or(NO_BROKER),
        leader_epoch: partition.leader_epoch,
        replica_nodes: partition.replicas.to_vec(),
        isr_nodes: partition.in_sync.to_vec(),
        offline_replicas: Vec::new(),
    };
    MetadataTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: names::is_internal(&topic.name),
        partitions: topic.partitions.iter().enumerate().map(describe).collect(),
        ..Default::default()
    }
}
