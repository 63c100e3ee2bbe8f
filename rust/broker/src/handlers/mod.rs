//! One file an API, each with the same header: API, key, versions, behaviour, version notes.
//!
//! A handler is a plain async function:
//!
//! ```text
//! pub(super) async fn handle(context: &Context, request: FetchRequest) -> Reply<FetchResponse>
//! ```
//!
//! The rules that the connection relies on:
//! - Requests of one connection are handled one at a time, in the order they came; so are their answers.
//! - A handler that parks (Fetch, `JoinGroup`, `SyncGroup`) ends early when [`Context::parking_over`] resolves, and then answers with what it has.
//! - A handler's future is only dropped when the broker is stopped and its grace is over. What must not be lost then, it
//!   puts into a task of its own.
//! - A handler answers with Kafka's error codes; it never fails. What is wrong with one topic is that topic's error.
//! - What may wait for the disk (fsync, deleting files, reading what is not in memory), walks over all there is, or opens a
//!   large compressed batch goes to `spawn_blocking`. An append does not: it is one write into the page cache, which waits
//!   only when the system itself holds writers back, because the disk has fallen far behind.

#![allow(clippy::unused_async)] // handlers have one shape, whether they wait or not

mod alter_client_quotas;
mod alter_configs;
mod alter_partition_reassignments;
mod alter_replica_log_dirs;
mod altering;
mod api_versions;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod context;
mod coordinator;
mod create_acls;
mod create_partitions;
mod create_topics;
mod delete_acls;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_acls;
mod describe_client_quotas;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod describe_topic_partitions;
mod describe_user_scram_credentials;
mod elect_leaders;
mod features;
mod fetch;
mod find_coordinator;
mod get_telemetry_subscriptions;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leader_epoch;
mod leaders;
mod leave_group;
mod list_config_resources;
mod list_groups;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod no_authorizer;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod operations;
mod produce;
mod push_telemetry;
mod repeated;
mod resource;
mod sync_group;
mod telemetry;
mod update_features;

use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use kafkalite_log::LogSlice;
use kafkalite_wire::{ApiKey, Encoded, Request, RequestHeader, RequestPrefix, Response};

pub(crate) use context::{Connection, Context, Reply};

use crate::answer::{AnswerFrame, Handled};
use crate::state::BrokerState;

/// Whether a client reads committed messages only (KIP-98); nothing for an isolation level that there is none of.
fn committed_only(isolation_level: i8) -> Option<bool> {
    match isolation_level {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// Names each API and the file that handles it, once: what is not here is not named to clients, and closes the connection.
macro_rules! handled {
    ($($api:ident => $file:ident,)*) => {
        /// The APIs that have a handler.
        const HANDLED: &[ApiKey] = &[$(ApiKey::$api),*];

        async fn handle(broker: Arc<BrokerState>, connection: Arc<Connection>, key: ApiKey, frame: Bytes) -> Handled {
            match key {
                $(ApiKey::$api => {
                    let (header, request) = match Request::decode(frame) {
                        Ok(decoded) => decoded,
                        Err(error) => return malformed(key, &error),
                    };
                    let (context, correlation_id) = Context::of(header, broker, connection);
                    match $file::handle(&context, request).await {
                        Reply::Answer { body, slices } => {
                            finish(body.encode(context.api_version, correlation_id), slices, key)
                        }
                        Reply::Nothing => Handled::Nothing,
                        Reply::Close(reason) => Handled::Close(reason),
                    }
                })*
            }
        }
    };
}

handled! {
    Produce => produce,
    Fetch => fetch,
    ListOffsets => list_offsets,
    Metadata => metadata,
    FindCoordinator => find_coordinator,
    ApiVersions => api_versions,
    CreateTopics => create_topics,
    DeleteTopics => delete_topics,
    DeleteRecords => delete_records,
    InitProducerId => init_producer_id,
    OffsetForLeaderEpoch => offset_for_leader_epoch,
    DescribeConfigs => describe_configs,
    AlterConfigs => alter_configs,
    CreatePartitions => create_partitions,
    IncrementalAlterConfigs => incremental_alter_configs,
    DescribeCluster => describe_cluster,
    JoinGroup => join_group,
    SyncGroup => sync_group,
    Heartbeat => heartbeat,
    LeaveGroup => leave_group,
    OffsetCommit => offset_commit,
    OffsetFetch => offset_fetch,
    OffsetDelete => offset_delete,
    ListGroups => list_groups,
    DescribeGroups => describe_groups,
    DeleteGroups => delete_groups,
    ConsumerGroupHeartbeat => consumer_group_heartbeat,
    ConsumerGroupDescribe => consumer_group_describe,
    DescribeTopicPartitions => describe_topic_partitions,
    DescribeAcls => describe_acls,
    CreateAcls => create_acls,
    DeleteAcls => delete_acls,
    AlterReplicaLogDirs => alter_replica_log_dirs,
    DescribeLogDirs => describe_log_dirs,
    ElectLeaders => elect_leaders,
    AlterPartitionReassignments => alter_partition_reassignments,
    ListPartitionReassignments => list_partition_reassignments,
    DescribeClientQuotas => describe_client_quotas,
    AlterClientQuotas => alter_client_quotas,
    DescribeUserScramCredentials => describe_user_scram_credentials,
    DescribeQuorum => describe_quorum,
    UpdateFeatures => update_features,
    DescribeProducers => describe_producers,
    GetTelemetrySubscriptions => get_telemetry_subscriptions,
    PushTelemetry => push_telemetry,
    ListConfigResources => list_config_resources,
}

/// The versions of every API that has a handler.
fn served() -> impl Iterator<Item = &'static kafkalite_wire::api::Api> {
    kafkalite_wire::api::TABLE
        .iter()
        .filter(|api| HANDLED.contains(&api.key))
}

/// Has the request in `frame` handled.
pub(crate) async fn answer(
    broker: Arc<BrokerState>,
    connection: Arc<Connection>,
    frame: Bytes,
) -> Handled {
    let prefix = match RequestPrefix::read(&frame) {
        Ok(prefix) => prefix,
        Err(error) => return Handled::Close(format!("not a request: {error}")),
    };
    let Some(api) = served().find(|api| api.key.code() == prefix.api_key) else {
        return unknown(prefix.api_key);
    };
    if api.versions.contains(&prefix.api_version)
        || spoken(&broker, api).contains(&prefix.api_version)
    {
        return handle(broker, connection, api.key, frame).await;
    }
    if api.key == ApiKey::ApiVersions {
        // The one question that may come in a version that nobody knows: how else would the client learn? (KIP-511)
        return finish(
            api_versions::unsupported(&broker).encode(0, prefix.correlation_id),
            Vec::new(),
            api.key,
        );
    }
    // In a version that we do not speak there is no way to say so.
    Handled::Close(format!(
        "{} was asked in version {}; served are {} to {}{}",
        api.key.name(),
        prefix.api_version,
        api.versions.start(),
        api.versions.end(),
        if api.with_retired.contains(&prefix.api_version) {
            "; log.message.downconversion.enable=true serves consumers of before Kafka 0.11"
        } else {
            ""
        }
    ))
}

/// The versions in which an API is answered.
fn spoken(
    broker: &BrokerState,
    api: &'static kafkalite_wire::api::Api,
) -> &'static RangeInclusive<i16> {
    if broker.configs.settings().log_message_downconversion_enable {
        &api.with_retired
    } else {
        &api.versions
    }
}

fn unknown(api_key: i16) -> Handled {
    match ApiKey::from_code(api_key) {
        Some(key) => Handled::Close(format!("{} (API {api_key}) is not served", key.name())),
        None => Handled::Close(format!(
            "API {api_key} is not served; is this a Kafka client?"
        )),
    }
}

fn malformed(key: ApiKey, error: &kafkalite_wire::Error) -> Handled {
    Handled::Close(format!("a malformed {} request: {error}", key.name()))
}

fn finish(encoded: kafkalite_wire::Result<Encoded>, slices: Vec<LogSlice>, key: ApiKey) -> Handled {
    match encoded {
        Ok(frame) => Handled::Answer(Box::new(AnswerFrame { frame, slices })),
        // Ours to repair: a handler filled a field that this version cannot carry, or too much for one frame.
        Err(error) => Handled::Close(format!(
            "the answer to {} could not be written: {error}",
            key.name()
        )),
    }
}

impl Context {
    fn of(
        header: RequestHeader,
        broker: Arc<BrokerState>,
        connection: Arc<Connection>,
    ) -> (Self, i32) {
        let RequestHeader {
            api_version,
            correlation_id,
            client_id,
        } = header;
        (
            Self {
                broker,
                connection,
                client_id,
                api_version,
            },
            correlation_id,
        )
    }
}
