//! Groups of KIP-848 over sockets: what members, tools and classic members are answered, and what a kill leaves.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::api_versions::ApiVersionsRequest;
use kafkalite_wire::api::consumer_group_describe::{
    ConsumerGroupDescribeRequest, DescribedConsumerGroup,
};
use kafkalite_wire::api::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, OwnedTopicPartitions,
};
use kafkalite_wire::api::delete_groups::DeleteGroupsRequest;
use kafkalite_wire::api::describe_groups::DescribeGroupsRequest;
use kafkalite_wire::api::join_group::JoinGroupRequest;
use kafkalite_wire::api::list_groups::ListGroupsRequest;
use kafkalite_wire::api::offset_commit::OffsetCommitRequest;
use kafkalite_wire::api::offset_delete::{
    OffsetDeletePartition, OffsetDeleteRequest, OffsetDeleteTopic,
};
use kafkalite_wire::api::offset_fetch::{OffsetFetchGroup, OffsetFetchRequest};
use support::child::ChildBroker;
use support::groups::{committing, joining};
use support::{Client, start};

fn beating(group: &str, member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        member_epoch: epoch,
        ..Default::default()
    }
}

fn entering(group: &str, member: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec!["t".to_owned()]),
        topic_partitions: Some(Vec::new()),
        ..beating(group, member, 0)
    }
}

/// What a member was told to own of the only topic.
fn given(answer: &ConsumerGroupHeartbeatResponse) -> Vec<i32> {
    let topics = &answer.assignment.as_ref().unwrap().topic_partitions;
    topics
        .first()
        .map(|topic| topic.partitions.clone())
        .unwrap_or_default()
}

impl Client {
    async fn described(&mut self, group: &str) -> DescribedConsumerGroup {
        let request = ConsumerGroupDescribeRequest {
            group_ids: vec![group.to_owned()],
            include_authorized_operations: false,
        };
        self.ask(1, &request).await.groups.remove(0)
    }

    async fn delete_group(&mut self, group: &str) -> ErrorCode {
        let request = DeleteGroupsRequest {
            groups_names: vec![group.to_owned()],
        };
        self.ask(2, &request).await.results[0].error_code
    }

    /// A heartbeat in which the member says that it owns these partitions of the only topic.
    async fn beat_owning(
        &mut self,
        group: &str,
        member: &str,
        epoch: i32,
        partitions: &[i32],
    ) -> ConsumerGroupHeartbeatResponse {
        let described = self.described(group).await;
        let mut members = described.members.into_iter();
        let own = members.find(|one| one.member_id == member).unwrap();
        let owned = OwnedTopicPartitions {
            topic_id: own.assignment.topic_partitions[0].topic_id,
            partitions: partitions.to_vec(),
        };
        let request = ConsumerGroupHeartbeatRequest {
            topic_partitions: Some(vec![owned]),
            ..beating(group, member, epoch)
        };
        self.ask(1, &request).await
    }
}

#[tokio::test]
async fn the_protocol_and_its_feature_are_advertised() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let request = ApiVersionsRequest {
        client_software_name: "test".to_owned(),
        client_software_version: "1".to_owned(),
        ..Default::default()
    };
    for version in [3, 4, 5] {
        let answer = client.ask(version, &request).await;
        for key in [68, 69] {
            let api = answer
                .api_keys
                .iter()
                .find(|api| api.api_key == key)
                .unwrap();
            assert_eq!((api.min_version, api.max_version), (0, 1));
        }
        let finalized = &answer.finalized_features[0];
        assert_eq!(
            (&*finalized.name, finalized.max_version_level),
            ("group.version", 1)
        );
        let supported = answer.supported_features.iter();
        let supported: Vec<_> = supported
            .map(|it| (it.min_version, it.max_version))
            .collect();
        // Clients of version 3 stumble over features that may be off.
        let expected: &[_] = if version == 3 { &[] } else { &[(0, 1)] };
        assert_eq!(supported, expected);
        assert!(answer.finalized_features_epoch >= 0);
    }
}

#[tokio::test]
async fn two_members_share_a_topic_and_tools_see_it() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 4, &[]).await;
    // Version 0 is given an id, version 1 brings its own.
    let first = client.ask(0, &entering("g", "")).await;
    let a = first.member_id.clone().unwrap();
    assert_eq!((first.member_epoch, given(&first)), (2, vec![0, 1, 2, 3]));
    assert_eq!(first.heartbeat_interval_ms, 1000);
    let second = client.ask(1, &entering("g", "b")).await;
    assert_eq!((second.member_epoch, given(&second)), (3, vec![]));
    let told = client.ask(1, &beating("g", &a, 2)).await;
    assert_eq!((told.member_epoch, given(&told)), (2, vec![0, 1]));
    assert_eq!(client.described("g").await.group_state, "Reconciling");
    let told = client.beat_owning("g", &a, 2, &[0, 1]).await;
    assert_eq!((told.member_epoch, told.assignment), (3, None));
    assert_eq!(given(&client.ask(1, &beating("g", "b", 3)).await), [2, 3]);

    let group = client.described("g").await;
    assert_eq!(
        (&*group.group_state, &*group.assignor_name),
        ("Stable", "uniform")
    );
    assert_eq!((group.group_epoch, group.assignment_epoch), (3, 3));
    let b = group
        .members
        .iter()
        .find(|member| member.member_id == "b")
        .unwrap();
    assert_eq!(
        (b.member_epoch, b.member_type, &*b.client_host),
        (3, 1, "/127.0.0.1")
    );
    assert_eq!(b.assignment, b.target_assignment);
    assert_eq!(b.assignment.topic_partitions[0].topic_name, "t");

    let listed = client
        .ask(5, &ListGroupsRequest::default())
        .await
        .groups
        .remove(0);
    assert_eq!(
        (&*listed.group_type, &*listed.group_state),
        ("consumer", "Stable")
    );
    assert_eq!(listed.protocol_type, "consumer");
    let classic_only = ListGroupsRequest {
        types_filter: vec!["Classic".to_owned()],
        ..Default::default()
    };
    assert!(client.ask(5, &classic_only).await.groups.is_empty());
    let request = DescribeGroupsRequest {
        groups: vec!["g".to_owned()],
        ..Default::default()
    };
    let as_classic = client.ask(6, &request).await.groups.remove(0);
    assert_eq!(as_classic.error_code, ErrorCode::GroupIdNotFound);
    assert_eq!(client.ask(5, &request).await.groups[0].group_state, "Dead");
    assert_eq!(
        client.described("other").await.error_code,
        ErrorCode::GroupIdNotFound
    );
}

#[tokio::test]
async fn who_is_no_member_or_of_another_epoch_is_told_so() {
    let broker = start(&[("group.consumer.max.size", "1")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    assert_eq!(
        client.ask(1, &beating("g", "a", 2)).await.error_code,
        ErrorCode::GroupIdNotFound
    );
    let nameless = client.ask(1, &entering("g", "")).await;
    assert_eq!(nameless.error_code, ErrorCode::InvalidRequest);
    assert!(nameless.error_message.unwrap().contains("id"));
    client.ask(1, &entering("g", "a")).await;
    let too_many = client.ask(1, &entering("g", "b")).await;
    assert_eq!(too_many.error_code, ErrorCode::GroupMaxSizeReached);
    let stranger = client.ask(1, &beating("g", "b", 2)).await;
    assert_eq!(stranger.error_code, ErrorCode::UnknownMemberId);
    let ahead = client.ask(1, &beating("g", "a", 6)).await;
    assert_eq!(ahead.error_code, ErrorCode::FencedMemberEpoch);
    let unknown = ConsumerGroupHeartbeatRequest {
        server_assignor: Some("sticky".to_owned()),
        ..beating("g", "a", 2)
    };
    assert_eq!(
        client.ask(1, &unknown).await.error_code,
        ErrorCode::UnsupportedAssignor
    );
    let garbled = ConsumerGroupHeartbeatRequest {
        subscribed_topic_regex: Some("[".to_owned()),
        ..beating("g", "a", 2)
    };
    assert_eq!(
        client.ask(1, &garbled).await.error_code,
        ErrorCode::InvalidRegularExpression
    );
    assert_eq!(
        client.ask(1, &beating("g", "a", 2)).await.error_code,
        ErrorCode::None
    );
}

#[tokio::test]
async fn offsets_belong_to_the_members_of_the_epoch() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    client.ask(1, &entering("g", "a")).await;
    let commit = |member: &str, epoch: i32| OffsetCommitRequest {
        member_id: member.to_owned(),
        generation_id_or_member_epoch: epoch,
        ..committing("g", "t", 0, 7, "")
    };
    assert_eq!(client.commit(commit("a", 2)).await, ErrorCode::None);
    assert_eq!(
        client.commit(commit("a", 3)).await,
        ErrorCode::StaleMemberEpoch
    );
    assert_eq!(
        client.commit(commit("b", 2)).await,
        ErrorCode::UnknownMemberId
    );
    assert_eq!(
        client.commit(commit("", -1)).await,
        ErrorCode::UnknownMemberId
    );
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, 7);
    let fetch = |epoch: i32| OffsetFetchRequest {
        groups: vec![OffsetFetchGroup {
            group_id: "g".to_owned(),
            member_id: Some("a".to_owned()),
            member_epoch: epoch,
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(
        client.ask(9, &fetch(2)).await.groups[0].error_code,
        ErrorCode::None
    );
    assert_eq!(
        client.ask(9, &fetch(0)).await.groups[0].error_code,
        ErrorCode::StaleMemberEpoch
    );
    let forget = OffsetDeleteRequest {
        group_id: "g".to_owned(),
        topics: vec![OffsetDeleteTopic {
            name: "t".to_owned(),
            partitions: vec![OffsetDeletePartition { partition_index: 0 }],
        }],
    };
    let forgotten = client.ask(0, &forget).await;
    let in_use = forgotten.topics[0].partitions[0].error_code;
    assert_eq!(in_use, ErrorCode::GroupSubscribedToTopic);
    assert_eq!(client.delete_group("g").await, ErrorCode::NonEmptyGroup);
    client.ask(1, &beating("g", "a", -1)).await;
    // Tools may commit for a group without members.
    assert_eq!(client.commit(commit("", -1)).await, ErrorCode::None);
    assert_eq!(client.delete_group("g").await, ErrorCode::None);
    assert_eq!(
        client.described("g").await.error_code,
        ErrorCode::GroupIdNotFound
    );
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, -1);
}

#[tokio::test]
async fn a_group_with_classic_members_stays_classic_where_migration_is_disabled() {
    let broker = start(&[("group.consumer.migration.policy", "disabled")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.join_alone("g", b"").await;
    let refused = client.ask(1, &entering("g", "a")).await;
    assert_eq!(refused.error_code, ErrorCode::GroupIdNotFound);
    let listed = client
        .ask(5, &ListGroupsRequest::default())
        .await
        .groups
        .remove(0);
    assert_eq!(
        (&*listed.group_type, &*listed.group_state),
        ("classic", "Stable")
    );
}

#[tokio::test]
async fn who_is_refused_does_not_disturb_a_group_of_classic_members() {
    let broker = start(&[("group.consumer.max.size", "1")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let (old, generation) = client.join_alone("g", b"").await;
    let refused = client.ask(1, &entering("g", "a")).await;
    assert_eq!(refused.error_code, ErrorCode::GroupMaxSizeReached);
    let beat = client.heartbeat("g", &old, generation).await;
    assert_eq!(beat, ErrorCode::None);
}

#[tokio::test]
async fn a_waiting_classic_member_hears_that_its_group_has_become_another_one() {
    let broker = start(&[]).await;
    let (mut waiting, mut client) = (broker.connect().await, broker.connect().await);
    client.create("t", 2, &[]).await;
    let (old, generation) = client.join_alone("g", b"").await;
    // A second one waits for the first to join again, which it does not.
    let told = waiting.ask(9, &joining("g", "")).await;
    let request = joining("g", &told.member_id);
    let joining_again = tokio::spawn(async move {
        let answer = waiting.ask(9, &request).await;
        (waiting, answer)
    });
    while client.heartbeat("g", &old, generation).await != ErrorCode::RebalanceInProgress {
        tokio::task::yield_now().await;
    }
    let new = client.ask(1, &entering("g", "new")).await;
    assert_eq!((new.error_code, given(&new)), (ErrorCode::None, vec![0]));
    let (mut waiting, answer) = joining_again.await.unwrap();
    assert_eq!(answer.error_code, ErrorCode::RebalanceInProgress);
    let joined = waiting.ask(9, &joining("g", &told.member_id)).await;
    assert_eq!(joined.error_code, ErrorCode::None);
    let group = client.described("g").await;
    let types: Vec<_> = group
        .members
        .iter()
        .map(|member| member.member_type)
        .collect();
    assert_eq!(
        types.iter().filter(|kind| **kind == 0).count(),
        2,
        "{types:?}"
    );
    // The last one of the new protocol goes, and it is a classic group again.
    client.ask(1, &beating("g", "new", -1)).await;
    let listed = client
        .ask(5, &ListGroupsRequest::default())
        .await
        .groups
        .remove(0);
    assert_eq!(
        (&*listed.group_type, &*listed.group_state),
        ("classic", "PreparingRebalance")
    );
    assert_eq!(listed.protocol_type, "consumer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_keeps_the_group_its_epochs_and_who_holds_what() {
    for settings in [&[][..], &["kafkalite.durability=synced"]] {
        let dir = tempfile::tempdir().unwrap();
        let broker = ChildBroker::start(dir.path(), settings);
        let mut client = Client::connect_to(broker.address).await;
        client.create("t", 4, &[]).await;
        client.ask(1, &entering("g", "a")).await;
        client.ask(1, &entering("g", "b")).await;
        client.ask(1, &beating("g", "a", 2)).await;
        let mut before = client.described("g").await;
        broker.kill();
        // b is given its share only after a has said, in whichever life, that it gave it up.
        let mut epoch = 2;
        for (owned, expected) in [(&[0, 1, 2, 3][..], 2), (&[0, 1], 3), (&[0, 1], 3)] {
            let broker = ChildBroker::start(dir.path(), settings);
            let mut client = Client::connect_to(broker.address).await;
            assert_eq!(client.described("g").await, before);
            let told = client.beat_owning("g", "a", epoch, owned).await;
            epoch = told.member_epoch;
            assert_eq!(epoch, expected);
            let other = client.ask(1, &beating("g", "b", 3)).await;
            assert_eq!(
                other.assignment.is_some(),
                before.group_state != "Stable" && epoch == 3
            );
            before = client.described("g").await;
            broker.kill();
        }
        assert_eq!(before.group_state, "Stable");
    }
}

#[tokio::test]
async fn a_static_member_that_comes_back_with_the_classic_protocol_takes_its_place() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    let (old, _) = client.join_alone("g", b"").await;
    let named = ConsumerGroupHeartbeatRequest {
        instance_id: Some("one".to_owned()),
        ..entering("g", "new")
    };
    assert_eq!(client.ask(1, &named).await.error_code, ErrorCode::None);
    let back = JoinGroupRequest {
        group_instance_id: Some("one".to_owned()),
        ..joining("g", "")
    };
    let back = client.ask(9, &back).await;
    assert_eq!(back.error_code, ErrorCode::None);
    let fenced = ConsumerGroupHeartbeatRequest {
        member_epoch: back.generation_id,
        ..named
    };
    assert_eq!(
        client.ask(1, &fenced).await.error_code,
        ErrorCode::FencedInstanceId
    );
    // Now that all are classic the group is, and rebalances.
    let beat = client.heartbeat("g", &old, back.generation_id).await;
    assert_ne!(beat, ErrorCode::None);
    let listed = client
        .ask(5, &ListGroupsRequest::default())
        .await
        .groups
        .remove(0);
    assert_eq!(
        (&*listed.group_type, &*listed.group_state),
        ("classic", "PreparingRebalance")
    );
}

#[tokio::test]
async fn an_empty_group_goes_with_its_last_offset() {
    let broker = start(&[("offsets.retention.check.interval.ms", "20")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.ask(1, &entering("g", "a")).await;
    let kept = OffsetCommitRequest {
        member_id: "a".to_owned(),
        generation_id_or_member_epoch: 2,
        ..committing("g", "t", 0, 5, "")
    };
    assert_eq!(client.commit(kept).await, ErrorCode::None);
    client.ask(1, &beating("g", "a", -1)).await;
    let soon = OffsetCommitRequest {
        retention_time_ms: 1,
        ..committing("g", "t", 0, 5, "")
    };
    client.ask(4, &soon).await;
    let deadline = tokio::time::Instant::now() + support::PATIENCE;
    while client.described("g").await.error_code != ErrorCode::GroupIdNotFound {
        assert!(tokio::time::Instant::now() < deadline, "it does not go");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_group_that_sleeps_keeps_no_deleted_topic_open() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.ask(1, &entering("g", "a")).await;
    client.ask(1, &beating("g", "a", 2)).await;
    // Also under the name that its directory gets when it is deleted.
    let is_open = || {
        let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let mut files = links.filter_map(|link| std::fs::read_link(link.path()).ok());
        let topic = broker.dir.path().join("t-0").display().to_string();
        files.any(|file| file.display().to_string().starts_with(&topic))
    };
    assert!(is_open());
    client.delete("t").await;
    for _ in 0..1_000 {
        if !is_open() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the deleted topic's files are open");
}
