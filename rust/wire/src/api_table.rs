//! The table of APIs, one row each. Which versions there are is said here and nowhere else.

/// Hands every row to a macro that makes something of them:
/// `key, name, versions, flexible from => file::{request, response};`, and between the two last, for what says to clients that
/// it serves more than it does, `advertised` and the first of these versions; for what has versions that only consumers of
/// before Kafka 0.11 need, `retired` and the first of these.
macro_rules! apis {
    ($then:ident) => {
        $then! {
            0, Produce, 3..=13, flexible 9, advertised 0 => produce::{ProduceRequest, ProduceResponse};
            1, Fetch, 4..=18, flexible 12, retired 0 => fetch::{FetchRequest, FetchResponse};
            2, ListOffsets, 1..=11, flexible 6, retired 0 => list_offsets::{ListOffsetsRequest, ListOffsetsResponse};
            3, Metadata, 0..=13, flexible 9 => metadata::{MetadataRequest, MetadataResponse};
            8, OffsetCommit, 2..=10, flexible 8 => offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
            9, OffsetFetch, 1..=10, flexible 6 => offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
            10, FindCoordinator, 0..=6, flexible 3 => find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
            11, JoinGroup, 0..=9, flexible 6 => join_group::{JoinGroupRequest, JoinGroupResponse};
            12, Heartbeat, 0..=4, flexible 4 => heartbeat::{HeartbeatRequest, HeartbeatResponse};
            13, LeaveGroup, 0..=5, flexible 4 => leave_group::{LeaveGroupRequest, LeaveGroupResponse};
            14, SyncGroup, 0..=5, flexible 4 => sync_group::{SyncGroupRequest, SyncGroupResponse};
            15, DescribeGroups, 0..=6, flexible 5 => describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
            16, ListGroups, 0..=5, flexible 3 => list_groups::{ListGroupsRequest, ListGroupsResponse};
            18, ApiVersions, 0..=5, flexible 3 => api_versions::{ApiVersionsRequest, ApiVersionsResponse};
            19, CreateTopics, 0..=7, flexible 5 => create_topics::{CreateTopicsRequest, CreateTopicsResponse};
            20, DeleteTopics, 0..=6, flexible 4 => delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};
            21, DeleteRecords, 0..=2, flexible 2 => delete_records::{DeleteRecordsRequest, DeleteRecordsResponse};
            22, InitProducerId, 0..=5, flexible 2 => init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
            23, OffsetForLeaderEpoch, 2..=4, flexible 4 => offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
            29, DescribeAcls, 1..=3, flexible 2 => describe_acls::{DescribeAclsRequest, DescribeAclsResponse};
            30, CreateAcls, 1..=3, flexible 2 => create_acls::{CreateAclsRequest, CreateAclsResponse};
            31, DeleteAcls, 1..=3, flexible 2 => delete_acls::{DeleteAclsRequest, DeleteAclsResponse};
            32, DescribeConfigs, 1..=4, flexible 4 => describe_configs::{DescribeConfigsRequest, DescribeConfigsResponse};
            33, AlterConfigs, 0..=2, flexible 2 => alter_configs::{AlterConfigsRequest, AlterConfigsResponse};
            34, AlterReplicaLogDirs, 1..=2, flexible 2 => alter_replica_log_dirs::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse};
            35, DescribeLogDirs, 0..=5, flexible 2 => describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResponse};
            37, CreatePartitions, 0..=3, flexible 2 => create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse};
            42, DeleteGroups, 0..=3, flexible 2 => delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
            43, ElectLeaders, 0..=2, flexible 2 => elect_leaders::{ElectLeadersRequest, ElectLeadersResponse};
            44, IncrementalAlterConfigs, 0..=1, flexible 1 => incremental_alter_configs::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
            45, AlterPartitionReassignments, 0..=1, flexible 0 => alter_partition_reassignments::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};
            46, ListPartitionReassignments, 0..=0, flexible 0 => list_partition_reassignments::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};
            47, OffsetDelete, 0..=0, flexible i16::MAX => offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse};
            48, DescribeClientQuotas, 0..=1, flexible 1 => describe_client_quotas::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};
            49, AlterClientQuotas, 0..=1, flexible 1 => alter_client_quotas::{AlterClientQuotasRequest, AlterClientQuotasResponse};
            50, DescribeUserScramCredentials, 0..=0, flexible 0 => describe_user_scram_credentials::{DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse};
            55, DescribeQuorum, 0..=2, flexible 0 => describe_quorum::{DescribeQuorumRequest, DescribeQuorumResponse};
            57, UpdateFeatures, 0..=2, flexible 0 => update_features::{UpdateFeaturesRequest, UpdateFeaturesResponse};
            60, DescribeCluster, 0..=2, flexible 0 => describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};
            61, DescribeProducers, 0..=0, flexible 0 => describe_producers::{DescribeProducersRequest, DescribeProducersResponse};
            68, ConsumerGroupHeartbeat, 0..=1, flexible 0 => consumer_group_heartbeat::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
            69, ConsumerGroupDescribe, 0..=1, flexible 0 => consumer_group_describe::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};
            71, GetTelemetrySubscriptions, 0..=0, flexible 0 => get_telemetry_subscriptions::{GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse};
            72, PushTelemetry, 0..=0, flexible 0 => push_telemetry::{PushTelemetryRequest, PushTelemetryResponse};
            74, ListConfigResources, 0..=1, flexible 0 => list_config_resources::{ListConfigResourcesRequest, ListConfigResourcesResponse};
            75, DescribeTopicPartitions, 0..=0, flexible 0 => describe_topic_partitions::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};
        }
    };
}

pub(crate) use apis;
