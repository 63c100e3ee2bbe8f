//! Topics: create, delete, list, describe, more partitions.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use kafkalite_wire::api::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest,
};
use kafkalite_wire::api::delete_topics::{DeleteTopic, DeleteTopicsRequest};
use kafkalite_wire::api::metadata::MetadataTopic;
use uuid::Uuid;

use super::{Admin, check, only};
use crate::cluster::named;
use crate::error::{ClientError, Result};
use crate::topic_name::check_topic_name;

/// A topic to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; −1 for the broker's default.
    pub partitions: i32,
    /// How many replicas of each; −1 for the broker's default.
    pub replication_factor: i16,
    /// Settings that differ from the broker's.
    pub configs: Vec<(String, String)>,
}

impl NewTopic {
    /// A topic with the broker's default of replicas and settings.
    pub fn new(name: impl Into<String>, partitions: i32) -> Self {
        Self {
            name: name.into(),
            partitions,
            replication_factor: -1,
            configs: Vec::new(),
        }
    }
}

/// A topic as the cluster describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// Its id; zero where the cluster has none.
    pub id: Uuid,
    /// Whether it is the cluster's own.
    pub is_internal: bool,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionDescription>,
}

/// A partition as the cluster describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionDescription {
    /// Its number.
    pub partition: i32,
    /// The broker that leads it, if one does.
    pub leader: Option<i32>,
    /// The brokers that hold it.
    pub replicas: Vec<i32>,
    /// Those of them that are up to date.
    pub in_sync: Vec<i32>,
}

impl TopicDescription {
    fn of(topic: MetadataTopic) -> Self {
        let mut partitions: Vec<_> = topic
            .partitions
            .into_iter()
            .map(|partition| PartitionDescription {
                partition: partition.partition_index,
                leader: Some(partition.leader_id).filter(|id| *id >= 0),
                replicas: partition.replica_nodes,
                in_sync: partition.isr_nodes,
            })
            .collect();
        partitions.sort_unstable_by_key(|partition| partition.partition);
        Self {
            name: topic.name.unwrap_or_default(),
            id: topic.topic_id,
            is_internal: topic.is_internal,
            partitions,
        }
    }
}

impl Admin {
    /// Creates a topic, and waits until a broker answers for it: in a cluster of several processes they hear of it later.
    /// `TOPIC_ALREADY_EXISTS` if there is one of that name.
    pub async fn create_topic(&self, topic: &NewTopic) -> Result<()> {
        self.ask_to_create(topic, false).await?;
        let name = &topic.name;
        self.retrying(&format!("waiting for topic {name}"), || {
            self.describe_topic(name)
        })
        .await?;
        Ok(())
    }

    /// Asks whether [`create_topic`](Self::create_topic) would create it, and changes nothing.
    pub async fn check_topic(&self, topic: &NewTopic) -> Result<()> {
        self.ask_to_create(topic, true).await
    }

    async fn ask_to_create(&self, topic: &NewTopic, validate_only: bool) -> Result<()> {
        check_topic_name(&topic.name)?;
        let configs = topic
            .configs
            .iter()
            .map(|(name, value)| CreatableTopicConfig {
                name: name.clone(),
                value: Some(value.clone()),
            });
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: topic.name.clone(),
                num_partitions: topic.partitions,
                replication_factor: topic.replication_factor,
                configs: configs.collect(),
                ..CreatableTopic::default()
            }],
            timeout_ms: self.request_timeout_ms(),
            validate_only,
        };
        let name = &topic.name;
        self.retrying(&format!("creating topic {name}"), || async {
            let response = self.ask_controller(&request).await?;
            let created = only("CreateTopics", name, response.topics)?;
            check(
                "CreateTopics",
                name,
                created.error_code,
                created.error_message,
            )
        })
        .await
    }

    /// Deletes a topic and all it holds.
    pub async fn delete_topic(&self, name: &str) -> Result<()> {
        self.retrying(&format!("deleting topic {name}"), || async {
            let connection = self.controller().await?;
            let mut request = DeleteTopicsRequest {
                timeout_ms: self.request_timeout_ms(),
                ..Default::default()
            };
            let version = connection.version::<DeleteTopicsRequest>()?;
            if version >= 6 {
                request.topics = vec![DeleteTopic {
                    name: Some(name.to_owned()),
                    topic_id: Uuid::nil(),
                }];
            } else {
                request.topic_names = vec![name.to_owned()];
            }
            let response = connection
                .call(&request, self.config.client.request_timeout)
                .await?;
            let deleted = only("DeleteTopics", name, response.responses)?;
            let answer = check(
                "DeleteTopics",
                name,
                deleted.error_code,
                deleted.error_message,
            );
            match answer {
                // Retriable elsewhere, because a topic may be about to come; one to be deleted will not.
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
                    Ok(Err(error))
                }
                answer => answer.map(Ok),
            }
        })
        .await?
    }

    /// Every topic, by name.
    pub async fn topics(&self) -> Result<Vec<TopicDescription>> {
        let response = self
            .retrying("listing topics", || self.cluster.fetch(None))
            .await?;
        let mut topics: Vec<_> = response
            .topics
            .into_iter()
            .filter(|topic| topic.error_code == ErrorCode::None)
            .map(TopicDescription::of)
            .collect();
        topics.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// One topic. `UNKNOWN_TOPIC_OR_PARTITION` if there is none; it is not created by asking.
    pub async fn describe_topic(&self, name: &str) -> Result<TopicDescription> {
        check_topic_name(name)?;
        let found = self
            .retrying(&format!("describing topic {name}"), || async {
                let response = self.cluster.fetch(Some(vec![named(name)])).await?;
                only("Metadata", name, response.topics)
            })
            .await?;
        match found.error_code {
            ErrorCode::None => Ok(TopicDescription::of(found)),
            code => Err(ClientError::broker("Metadata", name, code, None)),
        }
    }

    /// Gives a topic more partitions: `total` afterwards. Keys hash to other partitions from then on.
    pub async fn create_partitions(&self, topic: &str, total: i32) -> Result<()> {
        self.ask_to_grow(topic, total, false).await
    }

    /// Asks whether [`create_partitions`](Self::create_partitions) would do it, and changes nothing.
    pub async fn check_partitions(&self, topic: &str, total: i32) -> Result<()> {
        self.ask_to_grow(topic, total, true).await
    }

    async fn ask_to_grow(&self, topic: &str, total: i32, validate_only: bool) -> Result<()> {
        let request = CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: topic.to_owned(),
                count: total,
                assignments: None,
            }],
            timeout_ms: self.request_timeout_ms(),
            validate_only,
        };
        self.retrying(&format!("adding partitions to {topic}"), || async {
            let response = self.ask_controller(&request).await?;
            let result = only("CreatePartitions", topic, response.results)?;
            check(
                "CreatePartitions",
                topic,
                result.error_code,
                result.error_message,
            )
        })
        .await
    }
}
