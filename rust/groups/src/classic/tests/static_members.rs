//! Members with a name of their own (KIP-345).

use super::super::ClassicState::{Empty, Stable};
use super::*;

#[test]
fn a_static_member_comes_back_to_its_assignment() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.send_join(joining("", Some("one"), &["range"]), 9);
    let first = scene.joined(ticket).unwrap();
    assert_eq!(
        first.error_code,
        ErrorCode::None,
        "a static member is let in at once"
    );
    scene.assign(std::slice::from_ref(&first.member_id));
    let stores = scene.stores;

    let ticket = scene.send_join(joining("", Some("one"), &["range"]), 9);
    let back = scene.joined(ticket).unwrap();
    assert_ne!(back.member_id, first.member_id);
    assert_eq!(
        (back.generation_id, back.skip_assignment, back.members.len()),
        (1, true, 1)
    );
    assert_eq!((scene.group.state(), scene.stores), (Stable, stores + 1));
    let sync = SyncGroupRequest {
        group_instance_id: Some("one".to_owned()),
        ..syncing(&back.member_id, 1, &[])
    };
    let ticket = scene.send_sync(sync);
    assert_eq!(
        scene.synced(ticket).unwrap().assignment,
        format!("for {}", first.member_id)
    );

    // Whoever still uses the old id is fenced.
    let old = HeartbeatRequest {
        member_id: first.member_id.clone(),
        group_instance_id: Some("one".to_owned()),
        generation_id: 1,
        ..Default::default()
    };
    assert_eq!(
        scene.group.heartbeat(&old, scene.now()),
        ErrorCode::FencedInstanceId
    );
    let ticket = scene.send_join(joining(&first.member_id, Some("one"), &["range"]), 9);
    assert_eq!(
        scene.joined(ticket).unwrap().error_code,
        ErrorCode::FencedInstanceId
    );
    let ticket = scene.send_sync(SyncGroupRequest {
        group_instance_id: Some("one".to_owned()),
        ..syncing(&first.member_id, 1, &[])
    });
    assert_eq!(
        scene.synced(ticket).unwrap().error_code,
        ErrorCode::FencedInstanceId
    );
    assert_eq!(
        scene.leave(&first.member_id, Some("one")),
        ErrorCode::FencedInstanceId
    );
}

#[test]
fn before_version_9_a_leader_that_is_back_does_not_learn_that_it_leads() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.send_join(joining("", Some("one"), &["range"]), 5);
    let first = scene.joined(ticket).unwrap();
    scene.assign(std::slice::from_ref(&first.member_id));
    let ticket = scene.send_join(joining("", Some("one"), &["range"]), 5);
    let back = scene.joined(ticket).unwrap();
    assert_eq!(
        (&back.leader, back.members.len(), back.skip_assignment),
        (&first.member_id, 0, false)
    );
}

#[test]
fn a_static_member_that_is_replaced_while_it_waits_is_told() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(1);
    let waits = scene.send_join(joining("", Some("one"), &["range"]), 5);
    let replaces = scene.send_join(joining("", Some("one"), &["range"]), 5);
    assert_eq!(
        scene.joined(waits).unwrap().error_code,
        ErrorCode::FencedInstanceId
    );
    let again = scene.join(&ids[0]);
    assert_eq!(scene.joined(again).unwrap().members.len(), 2);
    assert_eq!(scene.joined(replaces).unwrap().error_code, ErrorCode::None);
}

#[test]
fn a_static_member_that_is_replaced_while_it_waits_is_not_taken_for_gone() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(1);
    scene.send_join(joining("", Some("one"), &["range"]), 5);
    let waits = scene.send_join(joining("", Some("one"), &["range"]), 5);
    // The others take longer than its session: it cannot send heartbeats meanwhile.
    for _ in 0..5 {
        scene.pass(SESSION / 2);
        scene.beat(&ids[0], 1);
    }
    let again = scene.join(&ids[0]);
    assert_eq!(scene.joined(waits).unwrap().error_code, ErrorCode::None);
    assert_eq!(scene.joined(again).unwrap().members.len(), 2);
}

#[test]
fn a_static_member_that_is_away_keeps_its_place_until_its_session_ends() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.send_join(joining("", Some("one"), &["range"]), 5);
    let leader = scene.joined(ticket).unwrap().member_id;
    scene.assign(std::slice::from_ref(&leader));
    let short = JoinGroupRequest {
        rebalance_timeout_ms: 1000,
        ..joining("", None, &["range"])
    };
    let ticket = scene.send_join(short, 3);
    scene.pass(SESSION);
    let joined = scene.joined(ticket).unwrap();
    assert_eq!(
        (joined.members.len(), &joined.leader),
        (1, &joined.member_id)
    );
}

#[test]
fn an_administrator_removes_a_static_member_by_its_name() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.send_join(joining("", Some("one"), &["range"]), 5);
    scene.joined(ticket).unwrap();
    assert_eq!(scene.leave("", Some("two")), ErrorCode::UnknownMemberId);
    assert_eq!(scene.leave("", Some("one")), ErrorCode::None);
    assert_eq!(scene.group.state(), Empty);
}
