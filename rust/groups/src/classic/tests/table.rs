use kafkalite_wire::api::offset_commit::OffsetCommitRequest;

use super::super::ClassicState::{CompletingRebalance, Empty, PreparingRebalance, Stable};
use super::*;

#[test]
fn a_first_member_forms_a_generation_and_leads_it() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.join("");
    let joined = scene.joined(ticket).unwrap();
    assert_eq!(
        (joined.error_code, joined.generation_id),
        (ErrorCode::None, 1)
    );
    assert_eq!(
        (&joined.leader, joined.members.len()),
        (&joined.member_id, 1)
    );
    assert_eq!(joined.protocol_name.as_deref(), Some("range"));
    assert_eq!(scene.group.state(), CompletingRebalance);
    let ids = vec![joined.member_id];
    let ticket = scene.send_sync(syncing(&ids[0], 1, &ids));
    assert_eq!(
        scene.synced(ticket).unwrap().assignment,
        format!("for {}", ids[0])
    );
    assert_eq!((scene.group.state(), scene.stores), (Stable, 1));
}

#[test]
fn followers_wait_for_the_leader_and_are_not_told_who_else_is_there() {
    let mut scene = Scene::new(RULES);
    let first = scene.join("");
    let leader = scene.joined(first).unwrap().member_id;
    let second = scene.join("");
    assert_eq!(scene.beat(&leader, 1), ErrorCode::RebalanceInProgress);
    assert_eq!(
        scene.joined(second),
        None,
        "the leader has not joined again yet"
    );
    let again = scene.join(&leader);
    let (leads, follows) = (scene.joined(again).unwrap(), scene.joined(second).unwrap());
    assert_eq!((leads.members.len(), follows.members.len()), (2, 0));
    assert_eq!((leads.generation_id, follows.generation_id), (2, 2));

    let ids = [leader.clone(), follows.member_id.clone()];
    let waits = scene.send_sync(syncing(&ids[1], 2, &[]));
    assert_eq!(scene.synced(waits), None);
    scene.send_sync(syncing(&ids[0], 2, &ids));
    assert_eq!(
        scene.synced(waits).unwrap().assignment,
        format!("for {}", ids[1])
    );
}

#[test]
fn a_member_may_have_to_come_back_with_its_id() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.send_join(joining("", None, &["range"]), 4);
    let told = scene.joined(ticket).unwrap();
    assert_eq!(told.error_code, ErrorCode::MemberIdRequired);
    assert_eq!(scene.group.state(), Empty);
    let ticket = scene.send_join(joining(&told.member_id, None, &["range"]), 4);
    assert_eq!(scene.joined(ticket).unwrap().generation_id, 1);
}

#[test]
fn an_id_that_nobody_comes_back_with_expires() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.send_join(joining("", None, &["range"]), 9);
    let id = scene.joined(ticket).unwrap().member_id;
    assert!(!scene.group.is_idle());
    scene.pass(SESSION);
    assert!(scene.group.is_idle() && scene.group.is_unborn());
    let ticket = scene.send_join(joining(&id, None, &["range"]), 9);
    assert_eq!(
        scene.joined(ticket).unwrap().error_code,
        ErrorCode::UnknownMemberId
    );
}

#[test]
fn an_empty_group_waits_for_more_members_as_long_as_they_come() {
    let mut scene = Scene::new(ClassicRules {
        initial_delay_ms: 3000,
        ..RULES
    });
    let first = scene.join("");
    scene.pass(2000);
    let second = scene.join("");
    scene.pass(1000);
    assert_eq!(scene.joined(first), None, "one came, so it waits once more");
    scene.pass(3000);
    assert_eq!(scene.joined(first).unwrap().generation_id, 1);
    assert_eq!(scene.joined(second).unwrap().generation_id, 1);
}

#[test]
fn the_protocol_is_elected_among_those_that_all_support() {
    let mut scene = Scene::new(ClassicRules {
        initial_delay_ms: 1,
        ..RULES
    });
    let tickets = [
        scene.send_join(joining("", None, &["sticky", "range", "robin"]), 3),
        scene.send_join(joining("", None, &["robin", "range"]), 3),
        scene.send_join(joining("", None, &["unique", "robin", "range"]), 3),
    ];
    let stranger = scene.send_join(joining("", None, &["sticky"]), 3);
    assert_eq!(
        scene.joined(stranger).unwrap().error_code,
        ErrorCode::InconsistentGroupProtocol
    );
    let other_kind = JoinGroupRequest {
        protocol_type: "connect".to_owned(),
        ..joining("", None, &["range"])
    };
    let other_kind = scene.send_join(other_kind, 3);
    assert_eq!(
        scene.joined(other_kind).unwrap().error_code,
        ErrorCode::InconsistentGroupProtocol
    );
    scene.pass(100_000);
    assert_eq!(
        scene.joined(tickets[0]).unwrap().protocol_name.as_deref(),
        Some("robin")
    );
}

/// Minutes, if each name were compared with all before it.
#[test]
fn a_member_may_bring_very_many_protocols_and_each_counts_once() {
    let mut scene = Scene::new(RULES);
    let mut request = joining("", None, &["range", "range"]);
    let many = (0..200_000).map(|n| JoinGroupProtocol {
        name: format!("p{n}"),
        ..Default::default()
    });
    request.protocols.extend(many);
    let ticket = scene.send_join(request, 3);
    let first = scene.joined(ticket).unwrap();
    assert_eq!(first.protocol_name.as_deref(), Some("range"));
    let second = scene.join("");
    let again = scene.join(&first.member_id);
    for ticket in [second, again] {
        assert_eq!(scene.joined(ticket).unwrap().error_code, ErrorCode::None);
    }
}

#[test]
fn who_brings_no_protocol_is_refused() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.send_join(joining("", None, &[]), 3);
    assert_eq!(
        scene.joined(ticket).unwrap().error_code,
        ErrorCode::InconsistentGroupProtocol
    );
    let ticket = scene.send_join(
        JoinGroupRequest {
            protocol_type: String::new(),
            ..joining("", None, &["range"])
        },
        3,
    );
    assert_eq!(
        scene.joined(ticket).unwrap().error_code,
        ErrorCode::InconsistentGroupProtocol
    );
}

#[test]
fn in_a_stable_group_only_changes_and_the_leader_cause_a_rebalance() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(2);
    let generation = scene.group.to_record().generation;
    let ticket = scene.join(&ids[1]);
    assert_eq!(scene.joined(ticket).unwrap().generation_id, generation);
    assert_eq!(scene.group.state(), Stable);

    let mut changed = joining(&ids[1], None, &["range"]);
    changed.protocols[0].metadata = Bytes::from_static(b"another subscription");
    let ticket = scene.send_join(changed, 3);
    assert_eq!(
        (scene.joined(ticket), scene.group.state()),
        (None, PreparingRebalance)
    );
    let leads = scene.join(&ids[0]);
    assert_eq!(scene.joined(leads).unwrap().generation_id, generation + 1);
    scene.assign(&ids);

    let leads = scene.join(&ids[0]);
    assert_eq!(
        (scene.joined(leads), scene.group.state()),
        (None, PreparingRebalance)
    );
}

#[test]
fn a_repeated_join_repeats_the_generation_as_long_as_it_is_not_assigned() {
    let mut scene = Scene::new(RULES);
    let ticket = scene.join("");
    let joined = scene.joined(ticket).unwrap();
    let ticket = scene.join(&joined.member_id);
    assert_eq!(scene.joined(ticket), Some(joined));
}

#[test]
fn a_join_while_others_wait_for_the_leader_sends_them_back() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(2);
    let leads = scene.join(&ids[0]);
    let follows = scene.join(&ids[1]);
    let generation = scene.joined(leads).unwrap().generation_id;
    scene.joined(follows).unwrap();
    let waits = scene.send_sync(syncing(&ids[1], generation, &[]));
    let new = scene.join("");
    assert_eq!(
        scene.synced(waits).unwrap().error_code,
        ErrorCode::RebalanceInProgress
    );
    let late = scene.send_sync(syncing(&ids[0], generation, &ids));
    assert_eq!(
        scene.synced(late).unwrap().error_code,
        ErrorCode::RebalanceInProgress
    );
    assert_eq!(scene.joined(new), None);
}

#[test]
fn who_does_not_join_in_time_is_removed() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(2);
    let leads = scene.join(&ids[0]);
    for _ in 0..20 {
        // It sends heartbeats and does not join: its application is busy.
        assert_eq!(scene.beat(&ids[1], 2), ErrorCode::RebalanceInProgress);
        scene.pass(REBALANCE / 20);
    }
    let joined = scene.joined(leads).unwrap();
    assert_eq!((joined.generation_id, joined.members.len()), (3, 1));
    assert_eq!(scene.beat(&ids[1], 2), ErrorCode::UnknownMemberId);
}

#[test]
fn who_does_not_ask_for_its_assignment_is_removed() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(2);
    let generation = 3;
    let leads = scene.join(&ids[0]);
    let follows = scene.join(&ids[1]);
    assert_eq!(scene.joined(leads).unwrap().generation_id, generation);
    scene.joined(follows).unwrap();
    let waits = scene.send_sync(syncing(&ids[1], generation, &[]));
    for _ in 0..20 {
        assert_eq!(scene.beat(&ids[0], generation), ErrorCode::None);
        scene.pass(REBALANCE / 20);
    }
    assert_eq!(
        scene.synced(waits).unwrap().error_code,
        ErrorCode::RebalanceInProgress
    );
    assert_eq!(scene.beat(&ids[0], generation), ErrorCode::UnknownMemberId);
    let alone = scene.join(&ids[1]);
    assert_eq!(scene.joined(alone).unwrap().leader, ids[1]);
}

#[test]
fn a_member_that_is_not_heard_of_expires_and_the_others_go_on() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(2);
    scene.pass(SESSION - 1);
    assert_eq!(scene.beat(&ids[1], 2), ErrorCode::None);
    scene.pass(1);
    assert_eq!(scene.group.state(), PreparingRebalance);
    let alone = scene.join(&ids[1]);
    let joined = scene.joined(alone).unwrap();
    assert_eq!((joined.generation_id, &joined.leader), (3, &ids[1]));
    scene.assign(&ids[1..]);
    scene.pass(SESSION);
    assert_eq!(scene.group.state(), Empty);
    assert_eq!(scene.group.to_record().generation, 4);
    assert_eq!(scene.group.wake(), None, "an empty group needs no timer");
}

#[test]
fn a_waiting_member_does_not_expire_but_a_new_one_does_in_the_end() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(1);
    let new = scene.join("");
    for _ in 0..6 {
        assert_eq!(scene.beat(&ids[0], 1), ErrorCode::RebalanceInProgress);
        scene.pass(SESSION - 1);
        assert_eq!(
            scene.joined(new),
            None,
            "it is parked for longer than its session"
        );
    }
    scene.pass(REBALANCE);
    assert_eq!(scene.joined(new).unwrap().generation_id, 2);
}

#[test]
fn members_leave_and_what_they_wait_for_is_answered() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(2);
    assert_eq!(scene.leave("stranger", None), ErrorCode::UnknownMemberId);
    let waits = scene.join(&ids[0]);
    assert_eq!(scene.leave(&ids[0], None), ErrorCode::None);
    assert_eq!(
        scene.joined(waits).unwrap().error_code,
        ErrorCode::UnknownMemberId
    );
    assert_eq!(scene.leave(&ids[1], None), ErrorCode::None);
    assert_eq!(scene.group.state(), Empty);
    let stored = scene.group.to_record();
    assert_eq!(
        (stored.members.len(), stored.leader, stored.protocol),
        (0, None, None)
    );
}

#[test]
fn an_id_that_has_not_joined_can_leave_without_a_rebalance() {
    let mut scene = Scene::new(RULES);
    scene.stable(1);
    let ticket = scene.send_join(joining("", None, &["range"]), 4);
    let id = scene.joined(ticket).unwrap().member_id;
    assert_eq!(scene.leave(&id, None), ErrorCode::None);
    assert_eq!(scene.group.state(), Stable);
}

#[test]
fn a_full_group_takes_nobody_but_its_own() {
    let mut scene = Scene::new(ClassicRules {
        max_size: 2,
        ..RULES
    });
    let ids = scene.stable(2);
    let third = scene.join("");
    assert_eq!(
        scene.joined(third).unwrap().error_code,
        ErrorCode::GroupMaxSizeReached
    );
    assert_eq!(scene.group.state(), Stable);
    let leads = scene.join(&ids[0]);
    let third = scene.join("");
    let follows = scene.join(&ids[1]);
    // While the members come back the places go to who is first: Kafka's way to shrink a group.
    assert_eq!(
        scene.joined(follows).unwrap().error_code,
        ErrorCode::GroupMaxSizeReached
    );
    assert!(scene.joined(leads).is_some() && scene.joined(third).is_some());
}

#[test]
fn every_request_is_checked_against_the_generation() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(1);
    for (id, generation, expected) in [
        (ids[0].as_str(), 1, ErrorCode::None),
        (ids[0].as_str(), 0, ErrorCode::IllegalGeneration),
        (ids[0].as_str(), 2, ErrorCode::IllegalGeneration),
        ("stranger", 1, ErrorCode::UnknownMemberId),
        ("", -1, ErrorCode::UnknownMemberId),
    ] {
        assert_eq!(
            scene.beat(id, generation),
            expected,
            "heartbeat of {id} {generation}"
        );
        let ticket = scene.send_sync(syncing(id, generation, &[]));
        assert_eq!(
            scene.synced(ticket).unwrap().error_code,
            expected,
            "sync of {id} {generation}"
        );
        let commit = OffsetCommitRequest {
            member_id: id.to_owned(),
            generation_id_or_member_epoch: generation,
            ..Default::default()
        };
        let allowed = scene.group.check_commit(&commit, scene.now());
        assert_eq!(
            allowed.err().unwrap_or(ErrorCode::None),
            expected,
            "commit of {id} {generation}"
        );
    }
    let wrong = SyncGroupRequest {
        protocol_name: Some("robin".to_owned()),
        ..syncing(&ids[0], 1, &[])
    };
    let ticket = scene.send_sync(wrong);
    assert_eq!(
        scene.synced(ticket).unwrap().error_code,
        ErrorCode::InconsistentGroupProtocol
    );
}

#[test]
fn who_may_commit_depends_on_the_state() {
    let mut scene = Scene::new(RULES);
    let commit = |id: &str, generation| OffsetCommitRequest {
        member_id: id.to_owned(),
        generation_id_or_member_epoch: generation,
        ..Default::default()
    };
    let simple = commit("", -1);
    assert_eq!(scene.group.check_commit(&simple, scene.now()), Ok(()));
    let ticket = scene.join("");
    let id = scene.joined(ticket).unwrap().member_id;
    assert_eq!(
        scene.group.check_commit(&commit(&id, 1), scene.now()),
        Err(ErrorCode::RebalanceInProgress)
    );
    assert_eq!(
        scene.group.check_commit(&simple, scene.now()),
        Err(ErrorCode::UnknownMemberId)
    );
    scene.assign(std::slice::from_ref(&id));
    assert_eq!(
        scene.group.check_commit(&commit(&id, 1), scene.now()),
        Ok(())
    );
    scene.join("");
    assert_eq!(scene.group.state(), PreparingRebalance);
    assert_eq!(
        scene.group.check_commit(&commit(&id, 1), scene.now()),
        Ok(()),
        "the last chance before it rejoins"
    );
}

#[test]
fn a_commit_is_a_sign_of_life() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(1);
    let commit = OffsetCommitRequest {
        member_id: ids[0].clone(),
        generation_id_or_member_epoch: 1,
        ..Default::default()
    };
    for _ in 0..5 {
        scene.pass(SESSION - 1);
        assert_eq!(scene.group.check_commit(&commit, scene.now()), Ok(()));
    }
    assert_eq!(scene.group.state(), Stable);
}

#[test]
fn a_new_member_whose_client_has_gone_is_not_waited_for() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(2);
    let ghost = scene.join("");
    scene.abandon(ghost);
    let known = scene.join(&ids[0]);
    // This one may come back: it is a member of the last generation.
    scene.abandon(known);
    let other = scene.join(&ids[1]);
    let leads = scene.joined(known).unwrap();
    assert_eq!((leads.generation_id, leads.members.len()), (3, 2));
    assert!(scene.joined(other).is_some());
}

#[test]
fn an_assignment_that_could_not_be_stored_is_taken_back() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(1);
    let effects = scene.group.storing_failed(scene.now());
    assert!(effects.answers.is_empty());
    assert_eq!(scene.beat(&ids[0], 1), ErrorCode::RebalanceInProgress);
    assert!(scene.group.to_record().members[0].assignment.is_empty());
}

#[test]
fn a_group_is_the_same_after_a_restart() {
    let mut scene = Scene::new(RULES);
    let ids = scene.stable(3);
    let record = scene.group.to_record();
    scene.group = Classic::from_record(record.clone(), RULES, scene.now());
    assert_eq!(scene.group.to_record(), record);
    for id in &ids {
        assert_eq!(scene.beat(id, 2), ErrorCode::None);
        let ticket = scene.send_sync(syncing(id, 2, &[]));
        assert_eq!(
            scene.synced(ticket).unwrap().assignment,
            format!("for {id}")
        );
    }
    scene.pass(SESSION);
    assert_eq!(scene.beat(&ids[0], 2), ErrorCode::UnknownMemberId);
    scene.pass(REBALANCE);
    assert_eq!(scene.group.state(), Empty);
}
