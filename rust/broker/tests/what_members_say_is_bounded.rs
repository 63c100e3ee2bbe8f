//! Members of groups can say no more than a record of `__consumer_offsets` can hold.

mod support;

use bytes::Bytes;
use kafkalite_wire::api::join_group::{JoinGroupProtocol, JoinGroupResponse};
use kafkalite_wire::api::leave_group::{LeaveGroupRequest, LeavingMember};
use kafkalite_wire::api::list_groups::ListGroupsRequest;
use kafkalite_wire::api::offset_delete::{
    OffsetDeletePartition, OffsetDeleteRequest, OffsetDeleteTopic,
};
use kafkalite_wire::api::sync_group::SyncGroupResponse;
use kafkalite_wire::{ErrorCode, Response};
use support::groups::{committing, joining, syncing};
use support::start;

/// A subscription to so many topics of empty names.
fn subscription(count: u32) -> Bytes {
    let mut bytes = [&[0, 0][..], &count.to_be_bytes()].concat();
    bytes.resize(bytes.len() + 2 * count as usize, 0);
    bytes.into()
}

#[tokio::test]
async fn a_subscription_that_no_record_could_hold_is_refused_and_leaves_nothing() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let mut request = joining("g", "");
    request.protocols[0].metadata = subscription(30_000_000);
    let refused = client.ask(2, &request).await;
    assert_eq!(refused.error_code, ErrorCode::UnknownServerError);

    // Nor many that each would do.
    let protocol = |number| JoinGroupProtocol {
        name: format!("assignor {number}"),
        metadata: subscription(500_000),
    };
    request.protocols = (0..60).map(protocol).collect();
    let refused = client.ask(2, &request).await;
    assert_eq!(refused.error_code, ErrorCode::UnknownServerError);
    let listed = client.ask(4, &ListGroupsRequest::default()).await;
    assert!(listed.groups.is_empty(), "{:?}", listed.groups);
}

#[tokio::test]
async fn a_large_subscription_is_taken_and_costs_a_small_question_no_memory() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let mut request = joining("g", "");
    request.protocols[0].metadata = subscription(500_000);
    let joined: JoinGroupResponse = client.ask(2, &request).await;
    assert_eq!(joined.error_code, ErrorCode::None);

    let question = OffsetDeleteRequest {
        group_id: "g".to_owned(),
        topics: vec![OffsetDeleteTopic {
            name: "t".to_owned(),
            partitions: vec![OffsetDeletePartition { partition_index: 0 }],
        }],
    };
    let mut other = broker.connect().await;
    for _ in 0..100 {
        let answer = other.ask(0, &question).await;
        assert_eq!(
            answer.topics[0].partitions[0].error_code,
            ErrorCode::None,
            "nobody consumes it"
        );
    }
    assert_eq!(
        client
            .heartbeat("g", &joined.member_id, joined.generation_id)
            .await,
        ErrorCode::None
    );
}

#[tokio::test]
async fn an_assignment_that_no_record_could_hold_is_refused_for_all_and_the_group_goes_on() {
    let broker = start(&[]).await;
    let (mut one, mut two) = (broker.connect().await, broker.connect().await);
    let (leader, _) = one.join_alone("g", b"everything").await;
    let told = two.ask(9, &joining("g", "")).await;
    two.send(9, &joining("g", &told.member_id)).await;
    let led = one.ask(9, &joining("g", &leader)).await;
    let (_, followed) = JoinGroupResponse::decode(two.frame().await.unwrap(), 9).unwrap();
    let (other, generation) = (followed.member_id, followed.generation_id);
    assert_eq!(led.generation_id, generation);

    two.send(5, &syncing("g", &other, generation, &[])).await;
    let huge = vec![0; 2_000_000];
    let own = one
        .sync(syncing("g", &leader, generation, &[(&leader, &huge)]))
        .await;
    let (_, others) = SyncGroupResponse::decode(two.frame().await.unwrap(), 5).unwrap();
    for refused in [own, others] {
        assert_eq!(refused.error_code, ErrorCode::UnknownServerError);
        assert!(refused.assignment.is_empty());
    }
    assert_eq!(
        one.heartbeat("g", &leader, generation).await,
        ErrorCode::RebalanceInProgress
    );
    one.create("t", 1, &[]).await;
    let commit = one.commit(committing("another", "t", 0, 1, "")).await;
    assert_eq!(commit, ErrorCode::None, "others are not concerned");
}

#[tokio::test]
async fn what_is_consumed_follows_every_change_of_a_subscription() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let question = OffsetDeleteRequest {
        group_id: "g".to_owned(),
        topics: vec![OffsetDeleteTopic {
            name: "t".to_owned(),
            partitions: vec![OffsetDeletePartition { partition_index: 0 }],
        }],
    };
    let mut member = String::new();
    for topic in [b't', b'u', b't'] {
        let mut request = joining("g", &member);
        request.protocols[0].metadata = Bytes::copy_from_slice(&[0, 0, 0, 0, 0, 1, 0, 1, topic]);
        let joined = client.ask(3, &request).await;
        assert_eq!(joined.error_code, ErrorCode::None);
        member = joined.member_id;
        let own = syncing("g", &member, joined.generation_id, &[(&member, b"all")]);
        assert_eq!(client.sync(own).await.error_code, ErrorCode::None);

        let expected = match topic {
            b't' => ErrorCode::GroupSubscribedToTopic,
            _ => ErrorCode::None,
        };
        let answer = client.ask(0, &question).await;
        assert_eq!(answer.topics[0].partitions[0].error_code, expected);
    }
    let leaving = LeaveGroupRequest {
        group_id: "g".to_owned(),
        members: vec![LeavingMember {
            member_id: member,
            ..Default::default()
        }],
        ..Default::default()
    };
    assert_eq!(client.ask(4, &leaving).await.error_code, ErrorCode::None);
    let answer = client.ask(0, &question).await;
    let code = answer.topics[0].partitions[0].error_code;
    assert_eq!(code, ErrorCode::None, "nobody is left");
}
