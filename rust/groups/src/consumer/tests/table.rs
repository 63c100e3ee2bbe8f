//! Events, and what comes of them.

use super::*;

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut scene = Scene::new(&[("t", 3)]);
    assert_eq!(scene.join("a", &["t"]), (2, all("t", 0..3)));
    assert_eq!(scene.state(), "Stable");
    assert_eq!(scene.beat("a", 2), Ok((2, None)));
}

#[test]
fn a_partition_moves_after_its_owner_has_said_that_it_gave_it_up() {
    let mut scene = Scene::new(&[("t", 4)]);
    scene.join("a", &["t"]);
    // The new one is in the group's epoch and waits for its share.
    assert_eq!(scene.join("b", &["t"]), (3, vec![]));
    assert_eq!(scene.state(), "Reconciling");
    // The owner is told to keep half, and stays in its epoch until it says so.
    assert_eq!(scene.beat("a", 2), Ok((2, Some(all("t", 0..2)))));
    assert_eq!(scene.beat("b", 3), Ok((3, None)));
    let still_all = [("t", 0), ("t", 1), ("t", 2), ("t", 3)];
    assert_eq!(scene.beat_owning("a", 2, &still_all), Ok((2, None)));
    assert_eq!(scene.beat("b", 3), Ok((3, None)));
    assert_eq!(scene.beat_owning("a", 2, &still_all[..2]), Ok((3, None)));
    assert_eq!(scene.beat("b", 3), Ok((3, Some(all("t", 2..4)))));
    assert_eq!(scene.state(), "Stable");
}

#[test]
fn who_leaves_sets_its_share_free_for_the_next_heartbeats() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("a", &["t"]);
    scene.join("b", &["t"]);
    let left = scene.send(beats("a", -1)).unwrap();
    assert_eq!(
        (left.member_epoch, left.member_id.as_deref()),
        (-1, Some("a"))
    );
    assert_eq!(scene.state(), "Assigning");
    assert_eq!(scene.beat("b", 3), Ok((4, Some(all("t", 0..2)))));
    assert_eq!(scene.beat("a", 2), Err(ErrorCode::UnknownMemberId));
    scene.send(beats("b", -1)).unwrap();
    assert_eq!(scene.state(), "Empty");
}

#[test]
fn who_is_silent_for_a_session_is_removed() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("a", &["t"]);
    scene.join("b", &["t"]);
    scene.pass(SESSION - 1);
    scene.beat("b", 3).unwrap();
    scene.pass(1);
    assert_eq!(scene.beat("a", 2), Err(ErrorCode::UnknownMemberId));
    assert_eq!(scene.beat("b", 3), Ok((4, Some(all("t", 0..2)))));
}

#[test]
fn who_does_not_give_up_in_time_is_removed() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("a", &["t"]);
    scene.join("b", &["t"]);
    for _ in 0..REBALANCE / 10_000 {
        let still = [("t", 0), ("t", 1)];
        assert_eq!(scene.beat_owning("a", 2, &still).unwrap().0, 2);
        scene.beat("b", 3).unwrap();
        scene.pass(10_000);
    }
    assert_eq!(scene.beat("a", 2), Err(ErrorCode::UnknownMemberId));
    assert_eq!(scene.beat("b", 3), Ok((4, Some(all("t", 0..2)))));
}

#[test]
fn an_answer_that_was_lost_is_repeated() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("a", &["t"]);
    scene.join("b", &["t"]);
    scene.beat("a", 2).unwrap();
    // This one tells a of epoch 3, and does not arrive.
    assert_eq!(scene.beat_owning("a", 2, &[("t", 0)]), Ok((3, None)));
    let again = ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: REBALANCE as i32,
        subscribed_topic_names: Some(vec!["t".to_owned()]),
        topic_partitions: Some(said(&[(scene.topics.0["t"].0, 0)].into())),
        ..beats("a", 2)
    };
    let answer = scene.send(again).unwrap();
    assert_eq!(
        (answer.member_epoch, scene.told(&answer)),
        (3, Some(all("t", 0..1)))
    );
}

#[test]
fn another_epoch_than_its_own_fences_a_member() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("a", &["t"]);
    assert_eq!(scene.beat("a", 3), Err(ErrorCode::FencedMemberEpoch));
    scene.join("b", &["t"]);
    scene.beat("a", 2).unwrap();
    scene.beat_owning("a", 2, &[("t", 0)]).unwrap();
    assert_eq!(scene.beat("a", 2), Err(ErrorCode::FencedMemberEpoch));
    let more_than_its_own = scene.beat_owning("a", 2, &[("t", 1)]);
    assert_eq!(more_than_its_own, Err(ErrorCode::FencedMemberEpoch));
    // It gives everything up and joins again.
    assert_eq!(scene.join("a", &["t"]), (3, all("t", 0..1)));
}

#[test]
fn topics_that_change_are_shared_out_anew() {
    let mut scene = Scene::new(&[("t", 1)]);
    scene.join("a", &["t", "later"]);
    scene.set_topic("t", 2);
    assert_eq!(scene.beat("a", 2), Ok((3, Some(all("t", 0..2)))));
    scene.set_topic("other", 2);
    assert_eq!(scene.beat("a", 3), Ok((3, None)));
    scene.set_topic("later", 1);
    let both = [all("later", 0..1), all("t", 0..2)].concat();
    assert_eq!(scene.beat("a", 3), Ok((4, Some(both))));
    scene.set_topic("t", 0);
    assert_eq!(scene.beat("a", 4), Ok((4, Some(all("later", 0..1)))));
    assert_eq!(scene.beat_owning("a", 4, &[("later", 0)]), Ok((5, None)));
}

#[test]
fn a_member_may_change_what_it_subscribes_to() {
    let mut scene = Scene::new(&[("t", 1), ("u", 1)]);
    scene.join("a", &["t"]);
    let answer = scene.send(ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: Some(vec!["u".to_owned()]),
        ..beats("a", 2)
    });
    // First it gives up what it does not want any more.
    let answer = answer.unwrap();
    assert_eq!(
        (answer.member_epoch, scene.told(&answer)),
        (2, Some(vec![]))
    );
    assert_eq!(
        scene.beat_owning("a", 2, &[]),
        Ok((3, Some(all("u", 0..1))))
    );
}

#[test]
fn the_assignor_that_most_ask_for_is_used() {
    let mut scene = Scene::new(&[("t", 5)]);
    let asks = |id: &str, name: &str| ConsumerGroupHeartbeatRequest {
        server_assignor: Some(name.to_owned()),
        ..joins(id, &["t"])
    };
    scene.send(asks("a", "range")).unwrap();
    scene.join("b", &["t"]);
    let view = scene.group.view(&scene.topics, &scene.rules);
    assert_eq!(view.assignor_name, "range");
    let target: Vec<i32> = view.members[1].target_assignment.topic_partitions[0]
        .partitions
        .clone();
    assert_eq!(target, [3, 4]);
    assert_eq!(
        scene.send(asks("c", "sticky")),
        Err(ErrorCode::UnsupportedAssignor)
    );
}

#[test]
fn a_full_group_takes_nobody_more() {
    let mut scene = Scene::new(&[("t", 1)]);
    scene.rules.max_size = 1;
    scene.join("a", &["t"]);
    assert_eq!(
        scene.send(joins("b", &["t"])),
        Err(ErrorCode::GroupMaxSizeReached)
    );
    assert_eq!(scene.beat("a", 2), Ok((2, None)));
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut scene = Scene::new(&[("t", 1)]);
    let blank = |text: &str| Some(text.to_owned());
    let good = || joins("a", &["t"]);
    let bad = [
        ConsumerGroupHeartbeatRequest {
            group_id: String::new(),
            ..good()
        },
        ConsumerGroupHeartbeatRequest {
            member_id: String::new(),
            ..good()
        },
        ConsumerGroupHeartbeatRequest {
            instance_id: blank(""),
            ..good()
        },
        ConsumerGroupHeartbeatRequest {
            rack_id: blank(" "),
            ..good()
        },
        ConsumerGroupHeartbeatRequest {
            rebalance_timeout_ms: -1,
            ..good()
        },
        ConsumerGroupHeartbeatRequest {
            topic_partitions: None,
            ..good()
        },
        ConsumerGroupHeartbeatRequest {
            subscribed_topic_names: None,
            ..good()
        },
        ConsumerGroupHeartbeatRequest {
            topic_partitions: Some(said(&[(Uuid::nil(), 0)].into())),
            ..good()
        },
        joins(&"a".repeat(40_000), &["t"]),
        joins("a", &["t".repeat(600_000).as_str()]),
        beats("a", -2),
        beats("a", -3),
    ];
    for request in bad {
        assert_eq!(scene.send(request), Err(ErrorCode::InvalidRequest));
    }
    assert!(scene.group.is_unborn());
    assert_eq!(scene.beat("a", 2), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_commit_counts_in_the_members_epoch_or_for_what_it_has_held_since() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("a", &["t"]);
    scene.join("b", &["t"]);
    scene.beat("a", 2).unwrap();
    scene.beat_owning("a", 2, &[("t", 0)]).unwrap();
    scene.beat("b", 3).unwrap();
    let place = |index: i32| -> Vec<Place> { vec![(scene.topics.0["t"].0, index)] };
    let commit = |id: &str, epoch: i32, version: i16, index: i32| {
        scene
            .group
            .check_commit(id, None, epoch, version, place(index))
    };
    assert_eq!(commit("a", 3, 9, 0), Ok(()));
    assert_eq!(commit("a", 2, 9, 0), Ok(()));
    assert_eq!(commit("a", 2, 9, 1), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(commit("b", 2, 9, 1), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(commit("b", 4, 9, 1), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(commit("a", 3, 8, 0), Err(ErrorCode::UnsupportedVersion));
    assert_eq!(commit("x", 3, 9, 0), Err(ErrorCode::UnknownMemberId));
    assert_eq!(commit("", -1, 9, 0), Err(ErrorCode::UnknownMemberId));
    let fetch = |id, epoch| scene.group.check_fetch(id, epoch);
    assert_eq!((fetch(Some("a"), 3), fetch(None, -1)), (Ok(()), Ok(())));
    assert_eq!(fetch(Some("a"), 2), Err(ErrorCode::StaleMemberEpoch));
    assert_eq!(fetch(Some("x"), 2), Err(ErrorCode::UnknownMemberId));
    scene.send(beats("a", -1)).unwrap();
    scene.send(beats("b", -1)).unwrap();
    let tool = scene.group.check_commit("", None, -1, 9, []);
    assert_eq!(tool, Ok(()));
}

#[test]
fn what_could_not_be_stored_is_stored_with_the_next_change() {
    let mut scene = Scene::new(&[("t", 1)]);
    let sender = Sender {
        client_id: String::new(),
        client_host: String::new(),
    };
    let (request, now) = (joins("a", &["t"]), scene.now());
    let joined = scene
        .group
        .heartbeat(request, None, sender, &scene.topics, &rules(), now);
    assert!(joined.is_ok());
    let lost = scene.group.take_changes();
    assert!(lost.keys.contains(&ConsumerKey::Group));
    scene.group.keep(lost.keys);
    assert_eq!(scene.join("a", &["t"]), (2, all("t", 0..1)));
    scene.restart();
    assert_eq!(scene.beat("a", 2), Ok((2, None)));
}

#[test]
fn a_restart_knows_who_had_to_give_what_up() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("a", &["t"]);
    scene.join("b", &["t"]);
    scene.beat("a", 2).unwrap();
    scene.restart();
    assert_eq!(scene.beat("b", 3), Ok((3, None)));
    assert_eq!(scene.beat_owning("a", 2, &[("t", 0)]), Ok((3, None)));
    scene.restart();
    assert_eq!(scene.beat("b", 3), Ok((3, Some(all("t", 1..2)))));
    scene.pass(SESSION);
    assert_eq!(scene.state(), "Empty");
    scene.restart();
}

#[test]
fn a_deleted_group_leaves_tombstones_of_all_that_was_stored() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("a", &["t"]);
    scene.join("b", &["t"]);
    // The tombstones of one that leaves could not be stored.
    let topics = &scene.topics;
    scene.group.remove("a", topics);
    for entry in scene.group.tombstones("g").unwrap() {
        scene.log.insert(entry.key, entry.value);
    }
    assert!(scene.log.values().all(Option::is_none));
}
