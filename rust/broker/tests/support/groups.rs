//! Members of groups, and what they commit.

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::join_group::{JoinGroupProtocol, JoinGroupRequest, JoinGroupResponse};
use kafkalite_wire::api::offset_commit::{
    OffsetCommitPartition, OffsetCommitRequest, OffsetCommitTopic,
};
use kafkalite_wire::api::offset_fetch::{
    FetchedGroupOffset, OffsetFetchGroup, OffsetFetchGroupTopic, OffsetFetchRequest,
};
use kafkalite_wire::api::sync_group::{SyncGroupAssignment, SyncGroupRequest, SyncGroupResponse};

use super::Client;

/// What a consumer sends to enter a group.
pub fn joining(group: &str, member_id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        member_id: member_id.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupProtocol {
            name: "range".to_owned(),
            metadata: Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff"),
        }],
        ..Default::default()
    }
}

/// What a member sends to get its assignment; the leader assigns.
pub fn syncing(
    group: &str,
    member_id: &str,
    generation: i32,
    assign: &[(&str, &[u8])],
) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: group.to_owned(),
        generation_id: generation,
        member_id: member_id.to_owned(),
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        assignments: assign
            .iter()
            .map(|(id, assignment)| SyncGroupAssignment {
                member_id: (*id).to_owned(),
                assignment: Bytes::copy_from_slice(assignment),
            })
            .collect(),
        ..Default::default()
    }
}

/// A commit outside of any generation.
pub fn committing(
    group: &str,
    topic: &str,
    partition: i32,
    offset: i64,
    note: &str,
) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetCommitTopic {
            name: topic.to_owned(),
            partitions: vec![OffsetCommitPartition {
                partition_index: partition,
                committed_offset: offset,
                committed_metadata: Some(note.to_owned()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    }
}

impl Client {
    /// Enters a group as a new member, in two steps as clients do since 2018.
    pub async fn join(&mut self, group: &str) -> JoinGroupResponse {
        let told = self.ask(9, &joining(group, "")).await;
        assert_eq!(told.error_code, ErrorCode::MemberIdRequired);
        self.ask(9, &joining(group, &told.member_id)).await
    }

    pub async fn sync(&mut self, request: SyncGroupRequest) -> SyncGroupResponse {
        self.ask(5, &request).await
    }

    /// Enters a group alone and assigns `assignment` to itself; returns id and generation.
    pub async fn join_alone(&mut self, group: &str, assignment: &[u8]) -> (String, i32) {
        let joined = self.join(group).await;
        assert_eq!(joined.error_code, ErrorCode::None);
        let (id, generation) = (joined.member_id, joined.generation_id);
        let synced = self
            .sync(syncing(group, &id, generation, &[(&id, assignment)]))
            .await;
        assert_eq!(
            (synced.error_code, &synced.assignment[..]),
            (ErrorCode::None, assignment)
        );
        (id, generation)
    }

    pub async fn heartbeat(
        &mut self,
        group: &str,
        member_id: &str,
        generation_id: i32,
    ) -> ErrorCode {
        let request = HeartbeatRequest {
            group_id: group.to_owned(),
            generation_id,
            member_id: member_id.to_owned(),
            ..Default::default()
        };
        self.ask(4, &request).await.error_code
    }

    /// Commits, and returns the error of the first partition.
    pub async fn commit(&mut self, request: OffsetCommitRequest) -> ErrorCode {
        let response = self.ask(9, &request).await;
        response.topics[0].partitions[0].error_code
    }

    /// What a group has committed for one partition.
    pub async fn committed(
        &mut self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> FetchedGroupOffset {
        let request = OffsetFetchRequest {
            groups: vec![OffsetFetchGroup {
                group_id: group.to_owned(),
                topics: Some(vec![OffsetFetchGroupTopic {
                    name: topic.to_owned(),
                    partition_indexes: vec![partition],
                    ..Default::default()
                }]),
                ..Default::default()
            }],
            ..Default::default()
        };
        let mut group = self.ask(9, &request).await.groups.remove(0);
        assert_eq!(group.error_code, ErrorCode::None);
        group.topics.remove(0).partitions.remove(0)
    }
}
