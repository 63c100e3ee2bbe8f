//! Members of groups over real sockets: joining, waiting, going away, and what bad requests get.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::describe_groups::DescribeGroupsRequest;
use kafkalite_wire::api::find_coordinator::FindCoordinatorRequest;
use kafkalite_wire::api::join_group::JoinGroupRequest;
use kafkalite_wire::api::leave_group::{LeaveGroupRequest, LeavingMember};
use kafkalite_wire::api::list_groups::ListGroupsRequest;
use support::groups::{joining, syncing};
use support::{Client, TestBroker, start};

async fn state(client: &mut Client, group: &str) -> (String, usize) {
    let request = DescribeGroupsRequest {
        groups: vec![group.to_owned()],
        ..Default::default()
    };
    let described = client.ask(6, &request).await.groups.remove(0);
    (described.group_state, described.members.len())
}

/// Waits until a group is in this state; other requests of it are on their way.
async fn until(broker: &TestBroker, group: &str, wanted: (&str, usize)) {
    let mut client = broker.connect().await;
    let deadline = tokio::time::Instant::now() + support::PATIENCE;
    loop {
        let (state, members) = state(&mut client, group).await;
        if (state.as_str(), members) == wanted {
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{group} is {state} with {members} members"
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn two_members_share_a_generation() {
    let broker = start(&[]).await;
    let (mut one, mut two) = (broker.connect().await, broker.connect().await);
    let (leader, generation) = one.join_alone("g", b"everything").await;
    assert_eq!(state(&mut one, "g").await, ("Stable".to_owned(), 1));

    let told = two.ask(9, &joining("g", "")).await;
    two.send(9, &joining("g", &told.member_id)).await;
    until(&broker, "g", ("PreparingRebalance", 2)).await;
    assert_eq!(
        one.heartbeat("g", &leader, generation).await,
        ErrorCode::RebalanceInProgress
    );
    let led = one.ask(9, &joining("g", &leader)).await;
    assert_eq!((led.generation_id, led.members.len()), (generation + 1, 2));
    let followed = read::<JoinGroupRequest>(&mut two, 9).await;
    assert_eq!(
        (followed.generation_id, &followed.leader),
        (generation + 1, &leader)
    );

    let (id, generation) = (followed.member_id, followed.generation_id);
    two.send(5, &syncing("g", &id, generation, &[])).await;
    let own = one
        .sync(syncing(
            "g",
            &leader,
            generation,
            &[(&leader, b"left"), (&id, b"right")],
        ))
        .await;
    let other = read::<kafkalite_wire::api::sync_group::SyncGroupRequest>(&mut two, 5).await;
    assert_eq!(
        (&own.assignment[..], &other.assignment[..]),
        (&b"left"[..], &b"right"[..])
    );
    assert_eq!(other.protocol_name.as_deref(), Some("range"));
}

/// Reads the answer to a request that was sent before.
async fn read<R: kafkalite_wire::Request>(client: &mut Client, version: i16) -> R::Response {
    use kafkalite_wire::Response;
    R::Response::decode(client.frame().await.expect("an answer"), version)
        .expect("the answer to this request")
        .1
}

#[tokio::test]
async fn a_member_that_disconnects_while_it_waits_leaves_nothing_behind() {
    let broker = start(&[]).await;
    let mut one = broker.connect().await;
    let (leader, _) = one.join_alone("g", b"").await;
    for _ in 0..3 {
        let mut ghost = broker.connect().await;
        ghost.send(3, &joining("g", "")).await;
        until(&broker, "g", ("PreparingRebalance", 2)).await;
        drop(ghost);
        until(&broker, "g", ("PreparingRebalance", 1)).await;
        let joined = one.ask(9, &joining("g", &leader)).await;
        let generation = joined.generation_id;
        one.sync(syncing("g", &leader, generation, &[(&leader, b"")]))
            .await;
    }
    assert_eq!(state(&mut one, "g").await, ("Stable".to_owned(), 1));
}

#[tokio::test]
async fn a_killed_member_expires_and_the_group_goes_on() {
    let broker = start(&[("group.min.session.timeout.ms", "10")]).await;
    let mut one = broker.connect().await;
    let short = JoinGroupRequest {
        session_timeout_ms: 50,
        ..joining("g", "")
    };
    let told = one.ask(9, &short).await;
    let joined = one
        .ask(
            9,
            &JoinGroupRequest {
                member_id: told.member_id,
                ..short
            },
        )
        .await;
    one.sync(syncing(
        "g",
        &joined.member_id,
        1,
        &[(&joined.member_id, b"")],
    ))
    .await;
    until(&broker, "g", ("Empty", 0)).await;
    assert_eq!(
        one.heartbeat("g", &joined.member_id, 1).await,
        ErrorCode::UnknownMemberId
    );
    one.join_alone("g", b"again").await;
}

#[tokio::test]
async fn the_broker_stops_while_members_wait() {
    let broker = start(&[]).await;
    let mut one = broker.connect().await;
    let (_, _) = one.join_alone("g", b"").await;
    let mut two = broker.connect().await;
    let told = two.ask(9, &joining("g", "")).await;
    two.send(9, &joining("g", &told.member_id)).await;
    until(&broker, "g", ("PreparingRebalance", 2)).await;
    broker.broker.stop().await.unwrap();
    let answer = read::<JoinGroupRequest>(&mut two, 9).await;
    assert_eq!(answer.error_code, ErrorCode::CoordinatorNotAvailable);
}

#[tokio::test]
async fn bad_requests_get_kafkas_errors_and_the_group_goes_on() {
    let broker = start(&[]).await;
    let mut one = broker.connect().await;
    let garbage = &[0xff; 300];
    let (id, generation) = one.join_alone("g", garbage).await;

    let mut two = broker.connect().await;
    for (request, expected) in [
        (joining("", ""), ErrorCode::InvalidGroupId),
        (
            JoinGroupRequest {
                session_timeout_ms: 5999,
                ..joining("g", "")
            },
            ErrorCode::InvalidSessionTimeout,
        ),
        (
            JoinGroupRequest {
                session_timeout_ms: 1_800_001,
                ..joining("g", "")
            },
            ErrorCode::InvalidSessionTimeout,
        ),
        (
            JoinGroupRequest {
                session_timeout_ms: -1,
                ..joining("g", "")
            },
            ErrorCode::InvalidSessionTimeout,
        ),
        (joining("g", "stranger"), ErrorCode::UnknownMemberId),
        (joining("nobody's", "stranger"), ErrorCode::UnknownMemberId),
        (
            JoinGroupRequest {
                protocols: Vec::new(),
                ..joining("g", "")
            },
            ErrorCode::InconsistentGroupProtocol,
        ),
        (
            JoinGroupRequest {
                protocol_type: "connect".to_owned(),
                ..joining("g", "")
            },
            ErrorCode::InconsistentGroupProtocol,
        ),
        (
            JoinGroupRequest {
                group_instance_id: Some("s".to_owned()),
                ..joining("g", &id)
            },
            ErrorCode::UnknownMemberId,
        ),
    ] {
        let answer = two.ask(9, &request).await;
        assert_eq!(answer.error_code, expected, "{request:?}");
    }
    for (group, member, generation, expected) in [
        ("g", "stranger", generation, ErrorCode::UnknownMemberId),
        (
            "g",
            id.as_str(),
            generation - 1,
            ErrorCode::IllegalGeneration,
        ),
        ("g", id.as_str(), i32::MAX, ErrorCode::IllegalGeneration),
        (
            "unknown",
            id.as_str(),
            generation,
            ErrorCode::UnknownMemberId,
        ),
        ("", id.as_str(), generation, ErrorCode::InvalidGroupId),
    ] {
        assert_eq!(two.heartbeat(group, member, generation).await, expected);
        let synced = two.sync(syncing(group, member, generation, &[])).await;
        assert_eq!(synced.error_code, expected);
    }
    assert_eq!(one.heartbeat("g", &id, generation).await, ErrorCode::None);
    let again = one.sync(syncing("g", &id, generation, &[])).await;
    assert_eq!(&again.assignment[..], garbage);
    assert_eq!(
        state(&mut two, "nobody's").await.0,
        "Dead",
        "a refused request leaves no group behind"
    );
}

#[tokio::test]
async fn who_does_not_say_what_it_takes_the_assignment_for_gets_none() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let (id, generation) = client.join_alone("g", b"mine").await;
    let complete = syncing("g", &id, generation, &[]);
    let mut without_name = complete.clone();
    without_name.protocol_name = None;
    let mut without_type = complete.clone();
    without_type.protocol_type = None;
    for request in [&without_name, &without_type] {
        // Earlier versions cannot say it (KIP-559).
        assert_eq!(client.ask(4, request).await.error_code, ErrorCode::None);
        assert_eq!(
            client.ask(5, request).await.error_code,
            ErrorCode::InconsistentGroupProtocol
        );
    }
    assert_eq!(client.ask(5, &complete).await.error_code, ErrorCode::None);
}

#[tokio::test]
async fn a_name_of_ten_thousand_characters_is_a_name() {
    let broker = start(&[]).await;
    let mut one = broker.connect().await;
    let name = "größer".repeat(1700);
    let (id, generation) = one.join_alone(&name, b"mine").await;
    assert_eq!(one.heartbeat(&name, &id, generation).await, ErrorCode::None);
    assert_eq!(state(&mut one, &name).await, ("Stable".to_owned(), 1));
}

#[tokio::test]
async fn members_leave_one_by_one_or_together() {
    let broker = start(&[]).await;
    let mut one = broker.connect().await;
    let (id, _) = one.join_alone("g", b"").await;
    let member = |member_id: &str| LeavingMember {
        member_id: member_id.to_owned(),
        ..Default::default()
    };
    let leave = |members| LeaveGroupRequest {
        group_id: "g".to_owned(),
        members,
        ..Default::default()
    };
    let left = one
        .ask(5, &leave(vec![member("stranger"), member(&id)]))
        .await;
    let codes: Vec<_> = left.members.iter().map(|left| left.error_code).collect();
    assert_eq!(
        (left.error_code, codes),
        (
            ErrorCode::None,
            vec![ErrorCode::UnknownMemberId, ErrorCode::None]
        )
    );
    assert_eq!(state(&mut one, "g").await, ("Empty".to_owned(), 0));

    let old = LeaveGroupRequest {
        group_id: "g".to_owned(),
        member_id: id,
        ..Default::default()
    };
    assert_eq!(
        one.ask(1, &old).await.error_code,
        ErrorCode::UnknownMemberId
    );
}

#[tokio::test]
async fn groups_are_listed_by_state_and_type() {
    let broker = start(&[]).await;
    let mut one = broker.connect().await;
    one.join_alone("used", b"").await;
    one.create("t", 1, &[]).await;
    one.commit(support::groups::committing("simple", "t", 0, 1, ""))
        .await;
    for (states, types, expected) in [
        (vec![], vec![], vec!["simple", "used"]),
        (vec!["stable"], vec![], vec!["used"]),
        (vec!["Empty", "Dead"], vec!["Classic"], vec!["simple"]),
        (vec![], vec!["consumer"], vec![]),
        (vec!["nonsense"], vec![], vec![]),
    ] {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let request = ListGroupsRequest {
            states_filter: owned(&states),
            types_filter: owned(&types),
        };
        let listed = one.ask(5, &request).await;
        let names: Vec<_> = listed
            .groups
            .iter()
            .map(|group| group.group_id.as_str())
            .collect();
        assert_eq!(names, expected, "{states:?} {types:?}");
    }
}

#[tokio::test]
async fn this_broker_coordinates_groups_and_nothing_else() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let ask = |key_type| FindCoordinatorRequest {
        key_type,
        coordinator_keys: vec!["a".to_owned(), "b".to_owned()],
        ..Default::default()
    };
    let found = client.ask(6, &ask(0)).await.coordinators;
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|one| one.error_code == ErrorCode::None
        && one.port == i32::from(broker.broker.address().port())));
    assert_eq!(
        client.ask(6, &ask(1)).await.coordinators[0].error_code,
        ErrorCode::UnsupportedVersion
    );
    assert_eq!(
        client.ask(6, &ask(2)).await.coordinators[1].error_code,
        ErrorCode::InvalidRequest
    );
    let old = FindCoordinatorRequest {
        key: "a".to_owned(),
        ..Default::default()
    };
    assert_eq!(client.ask(0, &old).await.host, "127.0.0.1");
    let said = client.ask(3, &old).await.error_message;
    assert_eq!(said.as_deref(), Some("NONE"), "as Apache Kafka says it");
    assert_eq!(found[0].error_message.as_deref(), Some(""));
    let transactional = FindCoordinatorRequest {
        key: "t".to_owned(),
        key_type: 1,
        ..Default::default()
    };
    let refused = client.ask(3, &transactional).await;
    assert_eq!(
        (refused.error_code, refused.node_id),
        (ErrorCode::UnsupportedVersion, -1)
    );
    // librdkafka asks in this version, and would repeat the question; it is refused when it asks for a producer id.
    let found = client.ask(2, &transactional).await;
    assert_eq!(found.error_code, ErrorCode::None);
}
