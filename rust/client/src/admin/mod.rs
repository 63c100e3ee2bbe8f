//! Administers a cluster: topics, partitions, records, settings, groups.
//!
//! Every operation is tried again while its errors may pass, for `default.api.timeout.ms` at the most.

mod configs;
mod groups;
mod records;
mod topics;

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_link::Connection;
use kafkalite_wire::api::describe_cluster::DescribeClusterRequest;
use kafkalite_wire::{ErrorCode, Request};
use kafkalite_world::World;

use crate::close_signal::CloseSignal;
use crate::cluster::{Cluster, Purpose};
use crate::config::AdminConfig;
use crate::consumer::{OffsetAndTimestamp, StartAt};
use crate::error::{ClientError, Result};
pub use configs::{ConfigChange, ConfigEntry, ConfigResource};
pub use groups::{CommittedOffset, GroupDescription, GroupListing, GroupMember};
pub(crate) use groups::{fetched, whole};
use kafkalite_names::TopicPartition;
pub use topics::{NewTopic, PartitionDescription, TopicDescription};

/// Administers any Kafka cluster.
#[derive(Debug)]
pub struct Admin {
    cluster: Arc<Cluster>,
    config: AdminConfig,
    closing: CloseSignal,
}

/// A cluster and its brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterDescription {
    /// The cluster's id.
    pub cluster_id: String,
    /// The broker that administers the others, if it is known.
    pub controller: Option<i32>,
    /// The brokers, by id.
    pub brokers: Vec<BrokerDescription>,
}

/// A broker as it is advertised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerDescription {
    /// Its id.
    pub id: i32,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: i32,
    /// Where it stands, if it says so.
    pub rack: Option<String>,
}

impl Admin {
    /// Makes an admin client. Nothing is connected before it is needed; its futures need a tokio runtime.
    pub fn new(config: AdminConfig) -> Result<Self> {
        Self::new_in(config, &World::real())
    }

    /// As [`new`](Self::new), in a world of the caller's.
    pub fn new_in(mut config: AdminConfig, world: &World) -> Result<Self> {
        // Asking about a topic never creates it: a slip of the pen would.
        config.client.allow_auto_create_topics = false;
        Ok(Self {
            cluster: Arc::new(Cluster::new(config.client.clone(), &world.dice)?),
            config,
            closing: CloseSignal::new("Admin"),
        })
    }

    /// The cluster's id and brokers.
    pub async fn describe_cluster(&self) -> Result<ClusterDescription> {
        let request = DescribeClusterRequest::default();
        let response = self
            .retrying("describing the cluster", || self.cluster.ask_any(&request))
            .await?;
        check(
            "DescribeCluster",
            "the cluster",
            response.error_code,
            response.error_message,
        )?;
        let mut brokers: Vec<_> = response
            .brokers
            .into_iter()
            .map(|broker| BrokerDescription {
                id: broker.broker_id,
                host: broker.host,
                port: broker.port,
                rack: broker.rack,
            })
            .collect();
        brokers.sort_unstable_by_key(|broker| broker.id);
        let controller = Some(response.controller_id).filter(|id| *id >= 0);
        Ok(ClusterDescription {
            cluster_id: response.cluster_id,
            controller,
            brokers,
        })
    }

    /// The offset that each start stands for now; `None` for a time that all records are older than.
    pub async fn list_offsets(
        &self,
        starts: &[(TopicPartition, StartAt)],
    ) -> Result<HashMap<TopicPartition, Option<OffsetAndTimestamp>>> {
        let asked = crate::consumer::find_offsets(
            &self.cluster,
            starts,
            crate::config::OffsetReset::Earliest,
            self.config.api_timeout,
        );
        self.closing.or_closed(asked).await
    }

    /// Ends the connections: whoever waits for an answer gets [`ClientError::Closed`]. A second call does nothing.
    pub fn close(&self) {
        self.closing.close();
        self.cluster.close();
    }

    async fn retrying<T, F: Future<Output = Result<T>>>(
        &self,
        what: &str,
        work: impl FnMut() -> F,
    ) -> Result<T> {
        let done = self.cluster.retrying(what, self.config.api_timeout, work);
        self.closing.or_closed(done).await
    }

    /// A connection to the controller, or to any broker where the cluster names none.
    async fn controller(&self) -> Result<Arc<Connection>> {
        let metadata = self.cluster.current().await?;
        let known = metadata.brokers.keys().min().copied();
        let controller = Some(metadata.controller)
            .filter(|id| metadata.brokers.contains_key(id))
            .or(known);
        let controller = controller.ok_or_else(|| {
            ClientError::broker(
                "Metadata",
                "the controller",
                ErrorCode::BrokerNotAvailable,
                None,
            )
        })?;
        self.cluster.connection(controller, Purpose::Ask).await
    }

    async fn ask_controller<R: Request>(&self, request: &R) -> Result<R::Response> {
        let controller = self.controller().await?;
        let answer = controller.call(request, self.config.client.request_timeout);
        Ok(answer.await?)
    }

    fn request_timeout_ms(&self) -> i32 {
        self.config.client.request_timeout.as_millis() as i32
    }
}

fn check(api: &'static str, subject: &str, code: ErrorCode, detail: Option<String>) -> Result<()> {
    match code {
        ErrorCode::None => Ok(()),
        code => Err(ClientError::broker(api, subject, code, detail)),
    }
}

/// The one result that a request about one thing has.
fn only<T>(api: &'static str, subject: &str, results: Vec<T>) -> Result<T> {
    results.into_iter().next().ok_or_else(|| {
        ClientError::broker(
            api,
            subject,
            ErrorCode::UnknownServerError,
            Some("the response is empty".to_owned()),
        )
    })
}
