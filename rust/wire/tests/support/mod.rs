//! What the tests of all messages share.

#![allow(dead_code)] // each test file uses its part

pub(crate) mod bytes;
pub(crate) mod debug;

/// Calls a macro with every API: its file's name, its request, its response. A new API is one line here.
#[macro_export]
macro_rules! every_api {
    ($callback:ident) => {
        $callback! {
            produce: ProduceRequest, ProduceResponse;
            fetch: FetchRequest, FetchResponse;
            list_offsets: ListOffsetsRequest, ListOffsetsResponse;
            metadata: MetadataRequest, MetadataResponse;
            api_versions: ApiVersionsRequest, ApiVersionsResponse;
            create_topics: CreateTopicsRequest, CreateTopicsResponse;
            delete_topics: DeleteTopicsRequest, DeleteTopicsResponse;
            delete_records: DeleteRecordsRequest, DeleteRecordsResponse;
            init_producer_id: InitProducerIdRequest, InitProducerIdResponse;
            offset_for_leader_epoch: OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse;
            describe_configs: DescribeConfigsRequest, DescribeConfigsResponse;
            alter_configs: AlterConfigsRequest, AlterConfigsResponse;
            create_partitions: CreatePartitionsRequest, CreatePartitionsResponse;
            incremental_alter_configs: IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse;
            describe_cluster: DescribeClusterRequest, DescribeClusterResponse;
            describe_topic_partitions: DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse;
            offset_commit: OffsetCommitRequest, OffsetCommitResponse;
            offset_fetch: OffsetFetchRequest, OffsetFetchResponse;
            find_coordinator: FindCoordinatorRequest, FindCoordinatorResponse;
            join_group: JoinGroupRequest, JoinGroupResponse;
            heartbeat: HeartbeatRequest, HeartbeatResponse;
            leave_group: LeaveGroupRequest, LeaveGroupResponse;
            sync_group: SyncGroupRequest, SyncGroupResponse;
            describe_groups: DescribeGroupsRequest, DescribeGroupsResponse;
            list_groups: ListGroupsRequest, ListGroupsResponse;
            delete_groups: DeleteGroupsRequest, DeleteGroupsResponse;
            offset_delete: OffsetDeleteRequest, OffsetDeleteResponse;
            consumer_group_heartbeat: ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse;
            consumer_group_describe: ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse;
            describe_acls: DescribeAclsRequest, DescribeAclsResponse;
            create_acls: CreateAclsRequest, CreateAclsResponse;
            delete_acls: DeleteAclsRequest, DeleteAclsResponse;
            alter_replica_log_dirs: AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse;
            describe_log_dirs: DescribeLogDirsRequest, DescribeLogDirsResponse;
            elect_leaders: ElectLeadersRequest, ElectLeadersResponse;
            alter_partition_reassignments: AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse;
            list_partition_reassignments: ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse;
            describe_client_quotas: DescribeClientQuotasRequest, DescribeClientQuotasResponse;
            alter_client_quotas: AlterClientQuotasRequest, AlterClientQuotasResponse;
            describe_user_scram_credentials: DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse;
            describe_quorum: DescribeQuorumRequest, DescribeQuorumResponse;
            update_features: UpdateFeaturesRequest, UpdateFeaturesResponse;
            describe_producers: DescribeProducersRequest, DescribeProducersResponse;
            get_telemetry_subscriptions: GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse;
            push_telemetry: PushTelemetryRequest, PushTelemetryResponse;
            list_config_resources: ListConfigResourcesRequest, ListConfigResourcesResponse;
        }
    };
}
