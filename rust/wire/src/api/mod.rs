//! The messages of each API, one file each, and what a broker can serve of them.

use std::ops::RangeInclusive;

use crate::{ApiKey, Request, Response};

pub mod alter_client_quotas;
pub mod alter_configs;
pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod api_versions;
pub mod client_quota;
pub mod consumer_group_describe;
pub mod consumer_group_heartbeat;
pub mod create_acls;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_acls;
pub mod delete_groups;
pub mod delete_records;
pub mod delete_topics;
pub mod describe_acls;
pub mod describe_client_quotas;
pub mod describe_cluster;
pub mod describe_configs;
pub mod describe_groups;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_quorum;
pub mod describe_topic_partitions;
pub mod describe_user_scram_credentials;
pub mod elect_leaders;
pub mod fetch;
pub mod find_coordinator;
pub mod get_telemetry_subscriptions;
pub mod heartbeat;
pub mod incremental_alter_configs;
pub mod init_producer_id;
pub mod join_group;
pub mod leader;
pub mod leave_group;
pub mod list_config_resources;
pub mod list_groups;
pub mod list_offsets;
pub mod list_partition_reassignments;
pub mod metadata;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod offset_for_leader_epoch;
pub mod produce;
pub mod push_telemetry;
pub mod sync_group;
pub mod update_features;

/// A row of [`TABLE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// The API.
    pub key: ApiKey,
    /// The versions served.
    pub versions: RangeInclusive<i16>,
    /// The same, and before them those that Apache Kafka 4 serves no more, and whoever serves old consumers still does.
    pub with_retired: RangeInclusive<i16>,
    /// The versions that `ApiVersions` names. For Produce they start at 0: librdkafka before 2.11 silently switches
    /// compression off unless they do (KAFKA-18659).
    pub advertised: RangeInclusive<i16>,
}

macro_rules! messages {
    ($($code:literal, $name:ident, $versions:expr, flexible $flexible:expr
        $(, advertised $advertised:literal)? $(, retired $retired:literal)? => $file:ident::{$request:ident, $response:ident};)*) => {
        /// The APIs that a broker serves, by key.
        pub const TABLE: &[Api] = &[$(
            Api {
                key: ApiKey::$name,
                versions: $versions,
                with_retired: messages!(@from $versions $(, $retired)?),
                advertised: messages!(@from $versions $(, $advertised)?),
            },
        )*];

        $(messages!(
            @message $name, $versions, messages!(@from $versions $(, $retired)?), $flexible, $file::$request, $file::$response
        );)*
    };
    (@from $versions:expr) => { $versions };
    (@from $versions:expr, $from:literal) => { $from..=*($versions).end() };
    (@message $name:ident, $versions:expr, $with_retired:expr, $flexible:expr, $request:path, $response:path) => {
        impl Request for $request {
            const KEY: ApiKey = ApiKey::$name;
            const VERSIONS: RangeInclusive<i16> = $versions;
            const WITH_RETIRED: RangeInclusive<i16> = $with_retired;
            const FLEXIBLE: i16 = $flexible;
            type Response = $response;
        }

        impl Response for $response {
            type Request = $request;
        }
    };
}

crate::api_table::apis!(messages);
