//! Requests about groups, of which some are coordinated by another broker.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_describe::ConsumerGroupDescribeRequest;
use kafkalite_wire::api::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use kafkalite_wire::api::delete_groups::DeleteGroupsRequest;
use kafkalite_wire::api::describe_groups::DescribeGroupsRequest;
use kafkalite_wire::api::find_coordinator::FindCoordinatorRequest;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::join_group::JoinGroupRequest;
use kafkalite_wire::api::leave_group::{LeaveGroupRequest, LeavingMember};
use kafkalite_wire::api::offset_commit::{
    OffsetCommitPartition, OffsetCommitRequest, OffsetCommitTopic,
};
use kafkalite_wire::api::offset_delete::OffsetDeleteRequest;
use kafkalite_wire::api::offset_fetch::{OffsetFetchGroup, OffsetFetchRequest, OffsetFetchTopic};
use kafkalite_wire::api::sync_group::SyncGroupRequest;

use super::*;
use ErrorCode::NotCoordinator;

/// Java's hash of "a" is 97, and of "b" 98: partitions 1 and 0. What lies here does not begin with partition 0.
const OURS: &str = "a";
const THEIRS: &str = "b";

fn cluster() -> Vec<TopicImage> {
    let offsets = topic("__consumer_offsets", vec![on(&[OTHER], 0), on(&[ME], 0)]);
    vec![offsets, topic("t", vec![on(&[OTHER], 0)])]
}

fn commit(group: &str) -> OffsetCommitRequest {
    let partition = OffsetCommitPartition {
        committed_offset: 5,
        ..Default::default()
    };
    OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitTopic {
            name: "t".to_owned(),
            partitions: vec![partition],
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[tokio::test]
async fn a_group_is_coordinated_by_who_leads_its_partition() {
    let one = start(cluster()).await;
    let mut client = one.connect().await;
    let request = FindCoordinatorRequest {
        coordinator_keys: vec![OURS.to_owned(), THEIRS.to_owned()],
        ..Default::default()
    };
    let found = client.ask(6, &request).await.coordinators;
    let port = i32::from(one.broker.address().port());
    let of = |at: usize| (found[at].node_id, found[at].host.as_str(), found[at].port);
    assert_eq!(of(0), (ME, "127.0.0.1", port));
    assert_eq!(of(1), (OTHER, "other", 9092));
    let request = FindCoordinatorRequest {
        key: THEIRS.to_owned(),
        ..Default::default()
    };
    let found = client.ask(2, &request).await;
    assert_eq!((found.error_code, found.node_id), (ErrorCode::None, OTHER));

    let gone = PartitionImage {
        leader: None,
        ..on(&[OTHER], 1)
    };
    let offsets = topic("__consumer_offsets", vec![gone, on(&[ME], 0)]);
    one.tell(image(vec![offsets]));
    let found = client.ask(2, &request).await;
    let nobody = (ErrorCode::CoordinatorNotAvailable, -1);
    assert_eq!((found.error_code, found.node_id), nobody);
}

#[tokio::test]
async fn the_topic_of_groups_is_spread_over_the_brokers_before_a_coordinator_is_named() {
    let one = start(vec![]).await;
    let mut client = one.connect().await;
    let request = FindCoordinatorRequest {
        coordinator_keys: vec![OURS.to_owned()],
        ..Default::default()
    };
    let found = client.ask(6, &request).await.coordinators;
    let created = one.state().registry.topic("__consumer_offsets").unwrap();
    assert_eq!(Some(found[0].node_id), created.partitions[0].leader);
}

#[tokio::test]
async fn members_of_a_group_of_another_coordinator_are_sent_away() {
    let one = start(cluster()).await;
    let mut client = one.connect().await;
    let group_id = THEIRS.to_owned();

    let joined = client
        .ask(
            9,
            &JoinGroupRequest {
                group_id: group_id.clone(),
                session_timeout_ms: 10_000,
                protocol_type: "consumer".to_owned(),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(joined.error_code, NotCoordinator);
    let synced = client
        .ask(
            5,
            &SyncGroupRequest {
                group_id: group_id.clone(),
                protocol_type: Some("consumer".to_owned()),
                protocol_name: Some("range".to_owned()),
                ..Default::default()
            },
        )
        .await;
    assert_eq!(synced.error_code, NotCoordinator);
    let beat = HeartbeatRequest {
        group_id: group_id.clone(),
        ..Default::default()
    };
    assert_eq!(client.ask(4, &beat).await.error_code, NotCoordinator);
    for version in [2, 5] {
        let leaving = LeavingMember::default();
        let leave = LeaveGroupRequest {
            group_id: group_id.clone(),
            members: if version == 5 { vec![leaving] } else { vec![] },
            ..Default::default()
        };
        assert_eq!(client.ask(version, &leave).await.error_code, NotCoordinator);
    }
    let beat = ConsumerGroupHeartbeatRequest {
        group_id,
        member_id: "m".to_owned(),
        subscribed_topic_names: Some(vec!["t".to_owned()]),
        topic_partitions: Some(vec![]),
        rebalance_timeout_ms: 1000,
        ..Default::default()
    };
    assert_eq!(client.ask(1, &beat).await.error_code, NotCoordinator);
}

#[tokio::test]
async fn offsets_of_a_group_are_kept_by_its_coordinator_alone() {
    let one = start(cluster()).await;
    let mut client = one.connect().await;
    for (group, expected) in [(OURS, ErrorCode::None), (THEIRS, NotCoordinator)] {
        let committed = client.ask(9, &commit(group)).await;
        assert_eq!(committed.topics[0].partitions[0].error_code, expected);

        let asked = OffsetFetchRequest {
            groups: vec![OffsetFetchGroup {
                group_id: group.to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let fetched = client.ask(9, &asked).await;
        assert_eq!(fetched.groups[0].error_code, expected);
        for version in [1, 7] {
            let asked = OffsetFetchRequest {
                group_id: group.to_owned(),
                topics: Some(vec![OffsetFetchTopic {
                    name: "t".to_owned(),
                    partition_indexes: vec![0],
                }]),
                ..Default::default()
            };
            let fetched = client.ask(version, &asked).await;
            let code = match version {
                1 => fetched.topics[0].partitions[0].error_code,
                _ => fetched.error_code,
            };
            assert_eq!(code, expected, "version {version}");
        }
        let deleted = OffsetDeleteRequest {
            group_id: group.to_owned(),
            ..Default::default()
        };
        assert_eq!(client.ask(0, &deleted).await.error_code, expected);
    }
}

#[tokio::test]
async fn a_group_is_described_and_deleted_by_its_coordinator_alone() {
    let one = start(cluster()).await;
    let mut client = one.connect().await;
    client.ask(9, &commit(OURS)).await;
    let both = || vec![OURS.to_owned(), THEIRS.to_owned()];
    let request = DescribeGroupsRequest {
        groups: both(),
        ..Default::default()
    };
    let described = client.ask(6, &request).await.groups;
    let codes = described.iter().map(|group| group.error_code);
    assert!(codes.eq([ErrorCode::None, NotCoordinator]), "{described:?}");

    let request = ConsumerGroupDescribeRequest {
        group_ids: both(),
        ..Default::default()
    };
    let described = client.ask(1, &request).await.groups;
    let codes = described.iter().map(|group| group.error_code);
    assert!(
        codes.eq([ErrorCode::GroupIdNotFound, NotCoordinator]),
        "{described:?}"
    );

    let request = DeleteGroupsRequest {
        groups_names: both(),
    };
    let deleted = client.ask(2, &request).await.results;
    let codes = deleted.iter().map(|group| group.error_code);
    assert!(codes.eq([ErrorCode::None, NotCoordinator]), "{deleted:?}");
}

#[tokio::test]
async fn a_coordinator_that_is_none_any_more_stores_nothing() {
    let one = start(cluster()).await;
    let mut client = one.connect().await;
    client.ask(9, &commit(OURS)).await;
    // The image is a moment behind: the partition is another's by now.
    let here = one.state().replicas.by_name("__consumer_offsets").unwrap();
    let partition = here.partition(1).unwrap();
    partition
        .log
        .take_role(kafkalite_log::Role::Follower { epoch: 1 })
        .unwrap();
    let committed = client.ask(9, &commit(OURS)).await;
    let code = committed.topics[0].partitions[0].error_code;
    assert_eq!(code, NotCoordinator);
}
