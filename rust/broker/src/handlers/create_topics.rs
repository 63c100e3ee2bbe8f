//! `CreateTopics` · key 19 · versions 0–7
//!
//! Behaviour: each topic is created as a whole or refused with a sentence, by itself; a created topic is usable when the
//! answer comes. -1 partitions or replicas mean the broker's default. A broker holds one replica: a larger factor than there are
//! brokers is refused, and an assignment that names others. Settings are checked against the table of topic settings. A topic that
//! stands more than once in the request is answered once and not created. The broker's own topics may be created before it
//! needs them; `__consumer_offsets` is compacted unless something else is asked for, or offsets would be lost with time.
//!
//! Version notes: `validate_only` from 1. Defaults (-1) are accepted in every version, Kafka does from 4 (KIP-464). From 5
//! the answer has the topic's settings (KIP-525), from 7 its id.

use kafkalite_cluster::{Placement, creation::check_name, place};
use kafkalite_settings::Row;
use kafkalite_wire::{
    ErrorCode,
    api::create_topics::{
        CreatableTopic, CreateTopicsRequest, CreateTopicsResponse, CreatedTopic, CreatedTopicConfig,
    },
};

use super::{Context, Reply, repeated::split_repeated};
use crate::{
    config::{Overrides, ValueOrigin},
    groups,
    refusal::Refusal,
    registry::NewTopic,
};

const DEFAULT: i32 = -1;

pub(super) async fn handle(
    context: &Context,
    request: CreateTopicsRequest,
) -> Reply<CreateTopicsResponse> {
    let (topics, repeated) = split_repeated(request.topics, |topic| topic.name.clone());
    let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
    let wanted: Vec<Result<NewTopic, Refusal>> = topics
        .into_iter()
        .map(|topic| parse(context, topic))
        .collect();
    let outcomes = if request.validate_only {
        let check = |wanted: Result<NewTopic, Refusal>| {
            let new = wanted?;
            let placed = context.broker.registry.check(&new)?;
            Ok(described(context, &new, placed.count(), placed.factor()))
        };
        wanted.into_iter().map(check).collect()
    } else {
        create(context, wanted).await
    };
    let answer = |(name, outcome): (String, Result<CreatedTopic, Refusal>)| match outcome {
        Ok(created) => CreatedTopic { name, ..created },
        Err(refusal) => CreatedTopic {
            name,
            error_code: refusal.code,
            error_message: Some(refusal.message),
            configs: Some(Vec::new()),
            ..Default::default()
        },
    };
    let repeated = repeated.into_iter().map(|topic| {
        let refusal = Refusal::repeated(&topic.name);
        (topic.name, Err(refusal))
    });
    let topics = names.into_iter().zip(outcomes).chain(repeated);
    CreateTopicsResponse {
        topics: topics.map(answer).collect(),
        ..Default::default()
    }
    .into()
}

/// Creates those that are in order, all in one change, and puts the outcomes back in their places.
async fn create(
    context: &Context,
    wanted: Vec<Result<NewTopic, Refusal>>,
) -> Vec<Result<CreatedTopic, Refusal>> {
    let new = wanted
        .iter()
        .filter_map(|wanted| wanted.as_ref().ok().cloned())
        .collect();
    let mut created = context.broker.registry.create(new).await.into_iter();
    let outcome = |wanted: Result<NewTopic, Refusal>| {
        let new = wanted?;
        let topic = created
            .next()
            .expect("one outcome for each topic that was handed over")?;
        let partitions = &topic.partitions;
        let replicas = partitions.first().map_or(0, |first| first.replicas.len());
        Ok(CreatedTopic {
            topic_id: topic.id,
            ..described(context, &new, partitions.len() as i32, replicas)
        })
    };
    wanted.into_iter().map(outcome).collect()
}

fn parse(context: &Context, topic: CreatableTopic) -> Result<NewTopic, Refusal> {
    let image = context.broker.registry.image();
    check_name(&image, &topic.name)?;
    let settings = context.broker.configs.settings();
    let wish = if topic.assignments.is_empty() {
        let or_default =
            |number: i32, default: i32| if number == DEFAULT { default } else { number };
        let replicas = i32::from(topic.replication_factor);
        Placement::Anywhere {
            partitions: or_default(topic.num_partitions, settings.num_partitions),
            replicas: or_default(replicas, settings.default_replication_factor.into()),
        }
    } else {
        assigned(&topic)?
    };
    // Of what is wrong with a topic this is said before what is wrong with its settings; it is decided when the topic is created.
    place(&image, &topic.name, &wish)?;
    Ok(NewTopic {
        wish,
        overrides: overrides(context, &topic)?,
        name: topic.name,
    })
}

/// The assignment by hand.
fn assigned(topic: &CreatableTopic) -> Result<Placement, Refusal> {
    if topic.num_partitions != DEFAULT || i32::from(topic.replication_factor) != DEFAULT {
        let message =
            "with an assignment of replicas, partitions and replication factor must be -1";
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    }
    let assignments = topic.assignments.iter();
    let assignments = assignments.map(|one| (one.partition_index, one.broker_ids.clone()));
    Ok(Placement::On(assignments.collect()))
}

fn overrides(context: &Context, topic: &CreatableTopic) -> Result<Overrides, Refusal> {
    let invalid = |message: String| Refusal::new(ErrorCode::InvalidConfig, message);
    let mut pairs = Vec::with_capacity(topic.configs.len());
    for config in &topic.configs {
        let value = config.value.as_deref();
        let value = value.ok_or_else(|| {
            invalid(format!(
                "{} has no value; leave it out for its default",
                config.name
            ))
        })?;
        pairs.push((config.name.as_str(), value));
    }
    let checked = context.broker.configs.check_topic(pairs);
    let mut overrides = checked.map_err(|error| invalid(error.to_string()))?;
    if topic.name == groups::TOPIC {
        overrides
            .entry("cleanup.policy".to_owned())
            .or_insert_with(|| "compact".to_owned());
    }
    Ok(overrides)
}

/// The answer for a topic as it is, or would be, created.
fn described(
    context: &Context,
    new: &NewTopic,
    num_partitions: i32,
    replicas: usize,
) -> CreatedTopic {
    let describe = |(row, origins): (&'static Row, Vec<ValueOrigin>)| CreatedTopicConfig {
        name: row.name.to_owned(),
        value: origins.first().map(ValueOrigin::converted),
        read_only: false,
        config_source: origins.first().map_or(-1, |origin| origin.source as i8),
        is_sensitive: false,
    };
    let configs = context
        .broker
        .configs
        .describe_topic_with(&new.overrides)
        .into_iter()
        .map(describe)
        .collect();
    CreatedTopic {
        num_partitions,
        replication_factor: replicas as i16,
        configs: Some(configs),
        ..Default::default()
    }
}
