//! `Metadata` · key 3 · versions 0–13
//!
//! Behaviour: this broker, and the topics asked for with their partitions, each once, all led by it. A topic asked for by name that
//! does not exist is created if both the broker (`auto.create.topics.enable`) and the request allow it, and is usable
//! when the answer comes: a client never has to wait for a leader.
//!
//! Version notes: in 0 an empty list asks for all topics; from 1 null does, and an empty list asks for none. Requests
//! before 4 cannot forbid creation. By id from 12 (in 10 and 11 the field exists and means nothing).

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

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
use crate::{
    config::Overrides,
    partition::Partition,
    topics::{NewTopic, Topic, name},
};

const FIRST_BY_ID: i16 = 12;

pub(super) async fn handle(context: &Context, request: MetadataRequest) -> Reply<MetadataResponse> {
    let broker = &context.broker;
    let settings = broker.configs.settings();
    let all = match &request.topics {
        None => true,
        Some(topics) => context.api_version == 0 && topics.is_empty(),
    };
    let mut topics = if all {
        let mut all: Vec<_> = broker
            .topics
            .snapshot()
            .iter()
            .map(|topic| describe(context, topic))
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
    let address = context.advertised();
    MetadataResponse {
        brokers: vec![MetadataBroker {
            node_id: broker.node_id,
            host: address.host,
            port: i32::from(address.port),
            rack: settings.broker_rack.clone(),
        }],
        cluster_id: Some(broker.cluster_id.clone()),
        controller_id: broker.node_id,
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
    let topics = &context.broker.topics;
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
        .filter(|name| !name::is_reserved(name) && topics.by_name(name).is_none())
        .collect();
    let mut refused: HashMap<String, ErrorCode> = HashMap::new();
    if !missing.is_empty() {
        let new = |name: &String| NewTopic {
            name: name.clone(),
            partitions,
            overrides: Overrides::new(),
        };
        let outcomes = topics.create(missing.iter().map(new).collect()).await;
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
                return match topics.by_id(asked.topic_id) {
                    Some(topic) => describe(context, &topic),
                    None => missing_topic(None, asked.topic_id, ErrorCode::UnknownTopicId),
                };
            }
            // Null is allowed for what is asked for by id.
            let Some(name) = asked.name else {
                return missing_topic(None, asked.topic_id, ErrorCode::UnknownTopicId);
            };
            if let Some(topic) = topics.by_name(&name) {
                return describe(context, &topic);
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

fn describe(context: &Context, topic: &Topic) -> MetadataTopic {
    let node = context.broker.node_id;
    let describe = |partition: &Arc<Partition>| MetadataPartition {
        error_code: ErrorCode::None,
        partition_index: partition.index,
        leader_id: node,
        leader_epoch: partition.leader_epoch,
        replica_nodes: vec![node],
        isr_nodes: vec![node],
        offline_replicas: Vec::new(),
    };
    MetadataTopic {
        name: Some(topic.name.to_string()),
        topic_id: topic.id,
        is_internal: name::is_internal(&topic.name),
        partitions: topic.partitions.iter().map(describe).collect(),
        ..Default::default()
    }
}
