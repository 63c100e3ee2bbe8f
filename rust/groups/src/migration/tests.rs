//! Classic members in a group of KIP-848, and the way from one protocol to the other.

mod interleavings;

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::join_group::{JoinGroupProtocol, JoinGroupRequest, JoinGroupResponse};
use kafkalite_wire::api::leave_group::LeavingMember;
use kafkalite_wire::api::sync_group::SyncGroupRequest;
use kafkalite_wire::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolPartitions, ConsumerProtocolSubscription,
};

use super::*;
use crate::classic::{Classic, ClassicRules, ClassicState, Joiner, MovingMember};
use crate::consumer::Consumer;
use crate::consumer::tests::{REBALANCE, SESSION, Scene, all, beats, joins};

const BOTH_WAYS: MigrationPolicy = MigrationPolicy {
    upgrades: true,
    downgrades: true,
};

fn classic_rules() -> ClassicRules {
    ClassicRules {
        initial_delay_ms: 0,
        max_size: 100,
    }
}

/// A subscription to `t` of a member that owns these of its partitions.
fn subscription(owned: &[i32]) -> Bytes {
    let owned = ConsumerProtocolPartitions {
        topic: "t".to_owned(),
        partitions: owned.to_vec(),
    };
    let subscription = ConsumerProtocolSubscription {
        topics: vec!["t".to_owned()],
        owned_partitions: vec![owned],
        ..Default::default()
    };
    subscription.encode().unwrap()
}

impl Scene {
    pub(super) fn join_classic(
        &mut self,
        id: &str,
        owned: &[i32],
    ) -> Result<JoinGroupResponse, ErrorCode> {
        let request = JoinGroupRequest {
            group_id: "g".to_owned(),
            member_id: id.to_owned(),
            session_timeout_ms: SESSION as i32,
            rebalance_timeout_ms: REBALANCE as i32,
            protocol_type: "consumer".to_owned(),
            protocols: vec![JoinGroupProtocol {
                name: "range".to_owned(),
                metadata: subscription(owned),
            }],
            ..Default::default()
        };
        self.join_request(request)
    }

    pub(super) fn join_request(
        &mut self,
        request: JoinGroupRequest,
    ) -> Result<JoinGroupResponse, ErrorCode> {
        let joiner = Joiner {
            client_id: "client".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            fresh_id: "fresh".to_owned(),
            returns_with_id: true,
            can_skip_assignment: true,
        };
        let now = self.now();
        let outcome = self
            .group
            .join(request, joiner, &self.topics, &self.rules, now);
        self.store();
        outcome
    }

    pub(super) fn sync(&mut self, id: &str, generation: i32) -> Result<Vec<i32>, ErrorCode> {
        let request = SyncGroupRequest {
            member_id: id.to_owned(),
            generation_id: generation,
            protocol_type: Some("consumer".to_owned()),
            protocol_name: Some("range".to_owned()),
            ..Default::default()
        };
        let now = self.now();
        let synced = self.group.sync(&request, &self.topics, &self.rules, now);
        self.store();
        let assignment = ConsumerProtocolAssignment::decode(&synced?.assignment).unwrap();
        let topics = assignment.assigned_partitions.into_iter();
        Ok(topics.flat_map(|topic| topic.partitions).collect())
    }

    pub(super) fn beat_classic(&mut self, id: &str, generation: i32) -> Result<(), ErrorCode> {
        let request = HeartbeatRequest {
            member_id: id.to_owned(),
            generation_id: generation,
            ..Default::default()
        };
        let now = self.now();
        let beat = self.group.beat(&request, &self.rules, now);
        self.store();
        beat
    }

    /// A group that was a classic one with one member, which had partitions 0 and 1 of `t` in generation 5.
    fn upgraded() -> Self {
        let mut scene = Self::new(&[("t", 2)]);
        let classic = scene.classic_group();
        let group = scene.upgrade(&classic, BOTH_WAYS);
        scene.group = group.unwrap();
        scene.store();
        scene
    }

    fn upgrade(&self, classic: &Classic, policy: MigrationPolicy) -> Option<Consumer> {
        upgrade(classic, policy, &self.topics, &self.rules, self.now())
    }

    fn downgrade(&self, policy: MigrationPolicy) -> Option<Classic> {
        let rules = classic_rules();
        let outcome = downgrade(&self.group, policy, &self.topics, rules, self.now());
        outcome.map(|(classic, _)| classic)
    }

    fn classic_group(&self) -> Classic {
        let assignment = ConsumerProtocolAssignment {
            assigned_partitions: vec![ConsumerProtocolPartitions {
                topic: "t".to_owned(),
                partitions: vec![0, 1],
            }],
            user_data: None,
        };
        let member = MovingMember {
            id: "old".to_owned(),
            instance_id: None,
            client_id: "client".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            session_timeout_ms: SESSION as i32,
            rebalance_timeout_ms: REBALANCE as i32,
            protocols: vec![("range".to_owned(), subscription(&[]))],
            assignment: assignment.encode().unwrap(),
        };
        Classic::with_members(5, vec![member], "", classic_rules(), self.now()).0
    }
}

#[test]
fn a_group_goes_only_where_the_policy_lets_it() {
    let policy = |name: &str| name.parse::<MigrationPolicy>().unwrap();
    let mut scene = Scene::new(&[("t", 2)]);
    let classic = scene.classic_group();
    scene.join_classic("old", &[]).unwrap();
    let outcomes = ["disabled", "upgrade", "downgrade", "bidirectional"].map(|name| {
        let upgraded = scene.upgrade(&classic, policy(name));
        (upgraded.is_some(), scene.downgrade(policy(name)).is_some())
    });
    assert_eq!(
        outcomes,
        [(false, false), (true, false), (false, true), (true, true)]
    );
    let nobody = Classic::new(classic_rules(), scene.now());
    assert!(scene.upgrade(&nobody, policy("disabled")).is_some());
}

#[test]
fn a_group_that_would_be_too_large_for_the_other_protocol_stays() {
    let mut scene = Scene::new(&[("t", 2)]);
    let classic = scene.classic_group();
    scene.rules.max_size = 0;
    assert!(scene.upgrade(&classic, BOTH_WAYS).is_none());
    let mut scene = Scene::upgraded();
    scene.join_classic("another", &[]).unwrap();
    let rules = ClassicRules {
        max_size: 1,
        ..classic_rules()
    };
    let stays = downgrade(&scene.group, BOTH_WAYS, &scene.topics, rules, scene.now());
    assert!(stays.is_none());
}

#[test]
fn an_upgraded_group_goes_on_where_it_was_and_shares_with_new_members() {
    let mut scene = Scene::upgraded();
    scene.restart();
    assert_eq!(
        (scene.state(), scene.beat_classic("old", 5)),
        ("Stable".to_owned(), Ok(()))
    );
    assert_eq!(scene.join("new", &["t"]), (6, vec![]));
    assert_eq!(
        scene.beat_classic("old", 5),
        Err(ErrorCode::RebalanceInProgress)
    );
    // An eager member gives everything up before it joins, and so is given its share at once.
    let joined = scene.join_classic("old", &[]).unwrap();
    assert_eq!(
        (joined.generation_id, joined.protocol_name.as_deref()),
        (6, Some("range"))
    );
    assert_eq!(scene.sync("old", 6), Ok(vec![0]));
    assert_eq!(scene.beat("new", 6), Ok((6, Some(all("t", 1..2)))));
    assert_eq!(
        (scene.state(), scene.beat_classic("old", 6)),
        ("Stable".to_owned(), Ok(()))
    );
    assert_eq!(
        scene.group.check_commit("old", None, 5, 9, []),
        Err(ErrorCode::IllegalGeneration)
    );
    assert_eq!(scene.group.check_commit("old", None, 6, 2, []), Ok(()));
}

#[test]
fn a_cooperative_member_first_gives_up_and_then_joins_again() {
    let mut scene = Scene::upgraded();
    scene.join("new", &["t"]);
    let joined = scene.join_classic("old", &[0, 1]).unwrap();
    // It stays in its generation, and is told to keep half.
    assert_eq!(joined.generation_id, 5);
    assert_eq!(scene.sync("old", 5), Ok(vec![0]));
    assert_eq!(scene.beat("new", 6), Ok((6, None)));
    assert_eq!(
        scene.beat_classic("old", 5),
        Err(ErrorCode::RebalanceInProgress)
    );
    assert_eq!(scene.join_classic("old", &[0]).unwrap().generation_id, 6);
    assert_eq!(scene.sync("old", 6), Ok(vec![0]));
    assert_eq!(scene.beat("new", 6), Ok((6, Some(all("t", 1..2)))));
}

#[test]
fn when_only_classic_members_are_left_they_can_be_a_classic_group_again() {
    let mut scene = Scene::upgraded();
    scene.join("new", &["t"]);
    assert!(scene.downgrade(BOTH_WAYS).is_none());
    scene.send(beats("new", -1)).unwrap();
    let classic = scene.downgrade(BOTH_WAYS).unwrap();
    assert_eq!(classic.state(), ClassicState::PreparingRebalance);
    let (generation, members) = classic.moving();
    assert_eq!((generation, members[0].id.as_str()), (7, "old"));
    let assignment = ConsumerProtocolAssignment::decode(&members[0].assignment).unwrap();
    assert_eq!(assignment.assigned_partitions[0].partitions, [0, 1]);
}

#[test]
fn classic_members_come_late_leave_and_are_missed() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.join("new", &["t"]);
    let first = scene.join_classic("", &[]).unwrap();
    assert_eq!(
        (first.error_code, first.member_id.as_str()),
        (ErrorCode::MemberIdRequired, "fresh")
    );
    assert_eq!(scene.join_classic("fresh", &[]).unwrap().generation_id, 3);
    assert_eq!(scene.sync("fresh", 3), Ok(vec![]));
    // It does not hear of a change by asking for it: its heartbeat tells it.
    assert_eq!(scene.beat_classic("fresh", 3), Ok(()));
    scene.beat("new", 2).unwrap();
    scene.beat_owning("new", 2, &[("t", 0)]).unwrap();
    assert_eq!(
        scene.beat_classic("fresh", 3),
        Err(ErrorCode::RebalanceInProgress)
    );
    assert_eq!(scene.join_classic("fresh", &[]).unwrap().generation_id, 3);
    assert_eq!(scene.sync("fresh", 3), Ok(vec![1]));
    let leaving = |id: &str| LeavingMember {
        member_id: id.to_owned(),
        ..Default::default()
    };
    let left = scene
        .group
        .part(vec![leaving("fresh"), leaving("new")], &scene.topics);
    let codes: Vec<_> = left.iter().map(|left| left.error_code).collect();
    assert_eq!(codes, [ErrorCode::None, ErrorCode::UnknownMemberId]);
    assert_eq!(scene.beat("new", 3), Ok((4, Some(all("t", 0..2)))));
    // One that joins and never asks for its assignment is removed, and so is one that does not come when it is called.
    scene.join_classic("slow", &[]).unwrap();
    let mut epoch = 4;
    for _ in 0..REBALANCE / 10_000 {
        epoch = scene.beat_owning("new", epoch, &[("t", 0)]).unwrap().0;
        let _ = scene.beat_classic("slow", 5);
        scene.pass(10_000);
    }
    assert_eq!(
        scene.beat_classic("slow", 5),
        Err(ErrorCode::UnknownMemberId)
    );
}

fn joins_classic_as_one(id: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        member_id: id.to_owned(),
        group_instance_id: Some("one".to_owned()),
        session_timeout_ms: SESSION as i32,
        rebalance_timeout_ms: REBALANCE as i32,
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupProtocol {
            name: "range".to_owned(),
            metadata: subscription(&[]),
        }],
        ..Default::default()
    }
}

#[test]
fn who_comes_back_with_the_new_protocol_owes_nothing_of_the_old_one() {
    let mut scene = Scene::new(&[("t", 2)]);
    // It stops before it has asked for its assignment.
    scene.join_request(joins_classic_as_one("")).unwrap();
    let back = scene.send(ConsumerGroupHeartbeatRequest {
        instance_id: Some("one".to_owned()),
        ..joins("new", &["t"])
    });
    let epoch = back.unwrap().member_epoch;
    for _ in 0..=REBALANCE / 10_000 {
        assert_eq!(scene.beat("new", epoch), Ok((epoch, None)));
        scene.pass(10_000);
    }
    assert_eq!(scene.beat("new", epoch), Ok((epoch, None)));
}

#[test]
fn a_protocol_that_is_offered_twice_counts_once() {
    let mut scene = Scene::new(&[("t", 2)]);
    let mut request = joins_classic_as_one("");
    request.protocols.extend(request.protocols.clone());
    scene.join_request(request).unwrap();
    let (_, members) = scene.downgrade(BOTH_WAYS).unwrap().moving();
    assert_eq!(members[0].protocols.len(), 1);
}

#[test]
fn who_says_no_rebalance_timeout_has_its_session_timeout_to_ask_for_its_assignment() {
    let mut scene = Scene::new(&[("t", 2)]);
    // As version 0 of JoinGroup.
    let joined = scene.join_request(JoinGroupRequest {
        rebalance_timeout_ms: -1,
        ..joins_classic_as_one("")
    });
    scene.pass(1_000);
    assert_eq!(
        scene.sync("fresh", joined.unwrap().generation_id),
        Ok(vec![0, 1])
    );
}

#[test]
fn a_static_member_that_comes_back_with_the_new_protocol_takes_its_place() {
    let mut scene = Scene::new(&[("t", 2)]);
    let request = joins_classic_as_one;
    scene.join("b", &["t"]);
    let joined = scene.join_request(request("")).unwrap();
    assert_eq!(
        (joined.member_id.as_str(), joined.generation_id),
        ("fresh", 3)
    );
    scene.beat("b", 2).unwrap();
    scene.beat_owning("b", 2, &[("t", 0)]).unwrap();
    scene.join_request(request("fresh")).unwrap();
    assert_eq!(scene.sync("fresh", 3), Ok(vec![1]));
    // It was restarted with group.protocol=consumer, and did not leave.
    let back = scene.send(ConsumerGroupHeartbeatRequest {
        instance_id: Some("one".to_owned()),
        ..joins("new", &["t"])
    });
    let back = back.unwrap();
    assert_eq!(
        (back.member_epoch, scene.told(&back)),
        (3, Some(all("t", 1..2)))
    );
    assert_eq!(scene.beat("b", 3), Ok((3, None)));
    assert_eq!(
        scene.beat_classic("fresh", 3),
        Err(ErrorCode::UnknownMemberId)
    );
    scene.restart();
}

#[test]
fn who_cannot_agree_with_the_classic_members_is_refused() {
    let mut scene = Scene::upgraded();
    scene.join("new", &["t"]);
    let other = |name: &str, kind: &str, metadata: Bytes| JoinGroupRequest {
        member_id: "x".to_owned(),
        protocol_type: kind.to_owned(),
        protocols: vec![JoinGroupProtocol {
            name: name.to_owned(),
            metadata,
        }],
        ..Default::default()
    };
    for request in [
        other("roundrobin", "consumer", subscription(&[])),
        other("range", "connect", subscription(&[])),
        other("range", "consumer", Bytes::from_static(b"garbage!")),
    ] {
        let refused = scene.join_request(request);
        assert_eq!(refused.err(), Some(ErrorCode::InconsistentGroupProtocol));
    }
    assert_eq!(
        scene.beat_classic("new", 6),
        Err(ErrorCode::UnknownMemberId)
    );
    assert_eq!(
        scene.beat_classic("old", 6),
        Err(ErrorCode::IllegalGeneration)
    );
}
