//! Offsets: committed, fetched in every way, deleted, expired; there after a restart and after a crash.

mod support;

use std::time::Duration;

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::delete_groups::DeleteGroupsRequest;
use kafkalite_wire::api::describe_groups::DescribeGroupsRequest;
use kafkalite_wire::api::offset_commit::{OffsetCommitPartition, OffsetCommitRequest};
use kafkalite_wire::api::offset_delete::{
    OffsetDeletePartition, OffsetDeleteRequest, OffsetDeleteTopic,
};
use kafkalite_wire::api::offset_fetch::{OffsetFetchGroup, OffsetFetchRequest, OffsetFetchTopic};
use support::groups::{committing, joining, syncing};
use support::{Client, config, copy, start, start_with_clock};

async fn delete_group(client: &mut Client, group: &str) -> ErrorCode {
    let request = DeleteGroupsRequest {
        groups_names: vec![group.to_owned()],
    };
    client.ask(2, &request).await.results[0].error_code
}

async fn delete_offset(
    client: &mut Client,
    group: &str,
    topic: &str,
    partition: i32,
) -> (ErrorCode, ErrorCode) {
    let request = OffsetDeleteRequest {
        group_id: group.to_owned(),
        topics: vec![OffsetDeleteTopic {
            name: topic.to_owned(),
            partitions: vec![OffsetDeletePartition {
                partition_index: partition,
            }],
        }],
    };
    let response = client.ask(0, &request).await;
    let of_partition = response
        .topics
        .first()
        .map_or(ErrorCode::None, |topic| topic.partitions[0].error_code);
    (response.error_code, of_partition)
}

#[tokio::test]
async fn a_note_comes_back_unchanged_and_the_last_commit_counts() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    assert_eq!(
        client.commit(committing("g", "t", 0, 5, "first")).await,
        ErrorCode::None
    );
    assert_eq!(
        client.commit(committing("g", "t", 0, 3, "zurück ⏪")).await,
        ErrorCode::None
    );
    let found = client.committed("g", "t", 0).await;
    assert_eq!(
        (found.committed_offset, found.metadata.as_deref()),
        (3, Some("zurück ⏪"))
    );
    for (group, topic, partition) in [("g", "t", 1), ("g", "unknown", 0), ("unknown", "t", 0)] {
        let nothing = client.committed(group, topic, partition).await;
        assert_eq!(
            (nothing.committed_offset, nothing.error_code),
            (-1, ErrorCode::None)
        );
        assert_eq!(nothing.metadata.as_deref(), Some(""));
    }
}

#[tokio::test]
async fn every_version_commits_and_fetches() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let id = client.create("t", 1, &[]).await;
    for version in 2..=10 {
        let offset = i64::from(version) * 100;
        let mut request = committing("g", "t", 0, offset, "n");
        request.topics[0].topic_id = id;
        let committed = client.ask(version, &request).await;
        assert_eq!(
            committed.topics[0].partitions[0].error_code,
            ErrorCode::None,
            "version {version}"
        );
        for fetching in 1..=10 {
            let one = OffsetFetchTopic {
                name: "t".to_owned(),
                partition_indexes: vec![0],
            };
            // From version 2 null asks for everything.
            let topics = if fetching % 2 == 1 {
                Some(vec![one])
            } else {
                None
            };
            let groups = ["g", "other"].map(|group| OffsetFetchGroup {
                group_id: group.to_owned(),
                topics: None,
                ..Default::default()
            });
            let request = if fetching < 8 {
                OffsetFetchRequest {
                    group_id: "g".to_owned(),
                    topics,
                    ..Default::default()
                }
            } else {
                OffsetFetchRequest {
                    groups: groups.to_vec(),
                    require_stable: true,
                    ..Default::default()
                }
            };
            let fetched = client.ask(fetching, &request).await;
            assert_eq!(fetched.error_code, ErrorCode::None);
            if fetching < 8 {
                assert_eq!(
                    fetched.topics[0].partitions[0].committed_offset, offset,
                    "fetch {fetching}"
                );
            } else {
                let topic = &fetched.groups[0].topics[0];
                assert_eq!(
                    topic.partitions[0].committed_offset, offset,
                    "fetch {fetching}"
                );
                assert_eq!(
                    (topic.name == "t", topic.topic_id == id),
                    (fetching < 10, fetching == 10)
                );
                assert_eq!(
                    (fetched.groups.len(), fetched.groups[1].topics.len()),
                    (2, 0)
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_one_partition_is_its_own_error() {
    let broker = start(&[("offset.metadata.max.bytes", "4")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let mut request = committing("g", "t", 0, 5, "1234");
    request.topics.extend(committing("g", "t", 7, 1, "").topics);
    request
        .topics
        .extend(committing("g", "unknown", 0, 1, "").topics);
    request
        .topics
        .extend(committing("g", "t", 0, 1, "12345").topics);
    request
        .topics
        .extend(committing("g", "t", 0, 5, "⏪⏪⏪⏪").topics);
    let response = client.ask(9, &request).await;
    let codes: Vec<_> = response
        .topics
        .iter()
        .map(|topic| topic.partitions[0].error_code)
        .collect();
    let unknown = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(
        codes,
        [
            ErrorCode::None,
            unknown,
            unknown,
            ErrorCode::OffsetMetadataTooLarge,
            ErrorCode::None
        ]
    );
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, 5);
    let by_id = client.ask(10, &request).await;
    assert_eq!(
        by_id.topics[0].partitions[0].error_code,
        ErrorCode::UnknownTopicId
    );
}

#[tokio::test]
async fn only_members_commit_to_a_group_that_has_some() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let (id, generation) = client.join_alone("g", b"").await;
    let commit = |group: &str, member: &str, generation| OffsetCommitRequest {
        member_id: member.to_owned(),
        generation_id_or_member_epoch: generation,
        ..committing(group, "t", 0, 1, "")
    };
    for (request, expected) in [
        (commit("g", &id, generation), ErrorCode::None),
        (
            commit("g", &id, generation - 1),
            ErrorCode::IllegalGeneration,
        ),
        (
            commit("g", "stranger", generation),
            ErrorCode::UnknownMemberId,
        ),
        (commit("g", "", -1), ErrorCode::UnknownMemberId),
        (
            OffsetCommitRequest {
                group_instance_id: Some("s".to_owned()),
                ..commit("g", &id, generation)
            },
            ErrorCode::UnknownMemberId,
        ),
        (commit("unknown", &id, 1), ErrorCode::GroupIdNotFound),
    ] {
        assert_eq!(client.commit(request).await, expected);
    }
    let old = client.ask(8, &commit("unknown", &id, 1)).await;
    assert_eq!(
        old.topics[0].partitions[0].error_code,
        ErrorCode::IllegalGeneration
    );
}

#[tokio::test]
async fn a_restart_and_a_crash_keep_what_was_answered() {
    for synced in [false, true] {
        let durability = [(
            "kafkalite.durability",
            if synced { "synced" } else { "visible" },
        )];
        let broker = start(&durability).await;
        let mut client = broker.connect().await;
        client.create("t", 10, &[]).await;
        for round in 0..3 {
            for partition in 0..10 {
                let offset = i64::from(round * 1000 + partition);
                assert_eq!(
                    client
                        .commit(committing("g", "t", partition, offset, "n"))
                        .await,
                    ErrorCode::None
                );
            }
        }
        let (id, generation) = client.join_alone("members", b"mine").await;
        client.commit(committing("gone", "t", 0, 1, "")).await;
        assert_eq!(delete_group(&mut client, "gone").await, ErrorCode::None);
        assert_eq!(
            delete_offset(&mut client, "g", "t", 9).await,
            (ErrorCode::None, ErrorCode::None)
        );

        // What a killed process leaves behind is what is in the files at this moment.
        let crashed = tempfile::tempdir().unwrap();
        copy(broker.dir.path(), crashed.path());
        broker.broker.stop().await.unwrap();
        for dir in [broker.dir.path(), crashed.path()] {
            let broker = Broker::start(config(dir, &durability)).await.unwrap();
            let mut client = Client::connect(&broker).await;
            for partition in 0..9 {
                let found = client.committed("g", "t", partition).await;
                assert_eq!(found.committed_offset, i64::from(2000 + partition));
            }
            assert_eq!(client.committed("g", "t", 9).await.committed_offset, -1);
            assert_eq!(client.committed("gone", "t", 0).await.committed_offset, -1);
            // The member does not even notice.
            assert_eq!(
                client.heartbeat("members", &id, generation).await,
                ErrorCode::None
            );
            let synced = client.sync(syncing("members", &id, generation, &[])).await;
            assert_eq!(&synced.assignment[..], b"mine");
            let request = DescribeGroupsRequest {
                groups: vec!["gone".to_owned()],
                ..Default::default()
            };
            assert_eq!(
                client.ask(6, &request).await.groups[0].error_code,
                ErrorCode::GroupIdNotFound
            );
            let again = client.ask(9, &joining("members", &id)).await;
            assert_eq!(again.generation_id, generation + 1);
            broker.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_group_with_members_is_neither_deleted_nor_loses_what_it_consumes() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.create("u", 1, &[]).await;
    let (id, generation) = client.join_alone("g", b"").await;
    let commit = |topic| OffsetCommitRequest {
        member_id: id.clone(),
        generation_id_or_member_epoch: generation,
        ..committing("g", topic, 0, 1, "")
    };
    client.commit(commit("t")).await;
    client.commit(commit("u")).await;
    assert_eq!(
        delete_group(&mut client, "g").await,
        ErrorCode::NonEmptyGroup
    );
    assert_eq!(
        delete_group(&mut client, "unknown").await,
        ErrorCode::GroupIdNotFound
    );
    let subscribed = ErrorCode::GroupSubscribedToTopic;
    assert_eq!(
        delete_offset(&mut client, "g", "t", 0).await,
        (ErrorCode::None, subscribed)
    );
    assert_eq!(
        delete_offset(&mut client, "g", "u", 0).await,
        (ErrorCode::None, ErrorCode::None)
    );
    assert_eq!(
        delete_offset(&mut client, "unknown", "t", 0).await.0,
        ErrorCode::GroupIdNotFound
    );
    assert_eq!(
        delete_offset(&mut client, "g", "v", 0).await.1,
        ErrorCode::UnknownTopicOrPartition
    );
    assert_eq!(
        delete_offset(&mut client, "g", "t", 7).await.1,
        ErrorCode::UnknownTopicOrPartition
    );
    assert_eq!(
        delete_offset(&mut client, "", "t", 0).await.0,
        ErrorCode::InvalidGroupId
    );
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, 1);
    assert_eq!(client.committed("g", "u", 0).await.committed_offset, -1);
}

#[tokio::test]
async fn the_offsets_of_a_deleted_topic_are_forgotten() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.commit(committing("g", "t", 0, 5, "")).await;
    client.delete("t").await;
    client.create("t", 1, &[]).await;
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, -1);
}

#[tokio::test]
async fn offsets_expire_when_their_time_is_over() {
    let often = [("offsets.retention.check.interval.ms", "20")];
    let (broker, clock) = start_with_clock(&often).await;
    let mut client = broker.connect().await;
    client.create("t", 3, &[]).await;
    let hour = OffsetCommitRequest {
        retention_time_ms: 3_600_000,
        ..committing("g", "t", 0, 5, "")
    };
    client.ask(4, &hour).await;
    client.commit(committing("week", "t", 1, 6, "")).await;
    clock.advance(Duration::from_hours(1));
    until_expired(&mut client, "g", 0).await;
    assert_eq!(client.committed("week", "t", 1).await.committed_offset, 6);

    // Half a week after that one, and it is as old as offsets.retention.minutes when the other is not.
    clock.advance(Duration::from_hours(84));
    client.commit(committing("kept", "t", 2, 7, "")).await;
    clock.advance(Duration::from_hours(84));
    until_expired(&mut client, "week", 1).await;
    assert_eq!(client.committed("kept", "t", 2).await.committed_offset, 7);
}

async fn until_expired(client: &mut Client, group: &str, partition: i32) {
    let deadline = tokio::time::Instant::now() + support::PATIENCE;
    while client
        .committed(group, "t", partition)
        .await
        .committed_offset
        >= 0
    {
        assert!(tokio::time::Instant::now() < deadline, "it does not expire");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_commit_may_be_larger_than_a_batch() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 300, &[]).await;
    let mut request = committing("g", "t", 0, 0, &"x".repeat(4096));
    let one = request.topics[0].partitions[0].clone();
    let of = |index: i32| OffsetCommitPartition {
        partition_index: index,
        committed_offset: i64::from(index),
        ..one.clone()
    };
    request.topics[0].partitions = (0..300).map(of).collect();
    let response = client.ask(9, &request).await;
    let mut partitions = response.topics[0].partitions.iter();
    assert!(partitions.all(|partition| partition.error_code == ErrorCode::None));
    for partition in [0, 150, 299] {
        let found = client.committed("g", "t", partition).await;
        assert_eq!(found.committed_offset, i64::from(partition));
    }
}

#[tokio::test]
async fn what_is_named_twice_is_stored_once() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let mut request = committing("g", "t", 0, 0, "");
    let one = request.topics[0].partitions[0].clone();
    let at = |offset| OffsetCommitPartition {
        committed_offset: offset,
        ..one.clone()
    };
    request.topics[0].partitions = (0..1000).map(at).collect();
    let response = client.ask(9, &request).await;
    assert_eq!(response.topics[0].partitions.len(), 1000);
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, 999);
    assert_eq!(
        client.offset_at("__consumer_offsets", 0, -1).await.offset,
        1
    );

    let partition = OffsetDeletePartition { partition_index: 0 };
    let request = OffsetDeleteRequest {
        group_id: "g".to_owned(),
        topics: vec![OffsetDeleteTopic {
            name: "t".to_owned(),
            partitions: vec![partition; 1000],
        }],
    };
    let response = client.ask(0, &request).await;
    assert_eq!(response.topics[0].partitions.len(), 1000);
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, -1);
    assert_eq!(
        client.offset_at("__consumer_offsets", 0, -1).await.offset,
        2
    );
}
