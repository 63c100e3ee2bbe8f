mod coordinator;
mod interleavings;

use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use kafkalite_link::Backoff;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::JoinGroupResponse;
use kafkalite_wire::api::sync_group::SyncGroupResponse;
use kafkalite_wire::consumer_protocol::{ConsumerProtocolAssignment, ConsumerProtocolPartitions};
use tokio::time::Instant;

use super::{
    Membership, MembershipEffect, MembershipEvent, MembershipFailure, MembershipTerms, PartitionSet,
};
use kafkalite_names::TopicPartition;

const INTERVAL: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_mins(5);

fn terms(is_cooperative: bool) -> MembershipTerms {
    MembershipTerms {
        is_cooperative,
        is_static: false,
        heartbeat_interval: INTERVAL,
        max_poll_interval: POLL,
        backoff: Backoff::new(
            Duration::from_millis(100),
            Duration::from_secs(1),
            Rng::with_seed(1),
        ),
    }
}

fn of(partitions: &[i32]) -> PartitionSet {
    let partitions = partitions.iter();
    partitions
        .map(|&number| TopicPartition::new("t", number))
        .collect()
}

fn assignment(partitions: &[i32]) -> Bytes {
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: vec![ConsumerProtocolPartitions {
            topic: "t".to_owned(),
            partitions: partitions.to_vec(),
        }],
        user_data: None,
    };
    assignment.encode().unwrap()
}

/// A member and the time it lives in.
struct Bench {
    member: Membership,
    now: Instant,
}

impl Bench {
    fn new(terms: MembershipTerms) -> Self {
        let now = Instant::now();
        let member = Membership::new(terms, now);
        Self { member, now }
    }

    fn on(&mut self, event: MembershipEvent) -> Vec<MembershipEffect> {
        self.member.on(event, self.now)
    }

    fn after(&mut self, time: Duration) -> Vec<MembershipEffect> {
        self.now += time;
        self.on(MembershipEvent::Tick)
    }

    fn subscribe(&mut self, topics: &[&str]) -> Vec<MembershipEffect> {
        let topics = topics.iter().map(|&topic| topic.into()).collect();
        self.on(MembershipEvent::Subscribed(topics, "a test".to_owned()))
    }

    fn joined(&mut self, code: ErrorCode, generation: i32) -> Vec<MembershipEffect> {
        let response = JoinGroupResponse {
            error_code: code,
            generation_id: generation,
            member_id: "me".to_owned(),
            leader: "other".to_owned(),
            protocol_name: Some("range".to_owned()),
            ..JoinGroupResponse::default()
        };
        self.on(MembershipEvent::Joined(self.member.attempt, Ok(response)))
    }

    fn synced(&mut self, code: ErrorCode, assignment: Bytes) -> Vec<MembershipEffect> {
        let response = SyncGroupResponse {
            error_code: code,
            assignment,
            ..SyncGroupResponse::default()
        };
        self.on(MembershipEvent::Synced(self.member.attempt, Ok(response)))
    }

    /// A member of generation 1 that has these partitions.
    fn stable(is_cooperative: bool, partitions: &[i32]) -> Self {
        let mut bench = Self::new(terms(is_cooperative));
        bench.subscribe(&["t"]);
        bench.joined(ErrorCode::MemberIdRequired, -1);
        bench.joined(ErrorCode::None, 1);
        let effects = bench.synced(ErrorCode::None, assignment(partitions));
        assert!(
            matches!(&effects[..], [MembershipEffect::Adopt(gained), MembershipEffect::Settled { .. }] if *gained == of(partitions))
        );
        assert!(bench.member.is_settled());
        bench
    }

    fn beaten(&mut self, code: ErrorCode) -> Vec<MembershipEffect> {
        let effects = self.after(INTERVAL);
        assert!(
            matches!(effects[..], [MembershipEffect::Heartbeat { .. }]),
            "{effects:?}"
        );
        self.on(MembershipEvent::Beaten(self.member.generation(), Ok(code)))
    }
}

#[test]
fn a_heartbeat_goes_at_each_interval_and_not_before_the_last_is_answered() {
    let mut bench = Bench::stable(false, &[0]);
    assert!(bench.after(INTERVAL / 2).is_empty());
    assert!(bench.beaten(ErrorCode::None).is_empty());
    assert!(matches!(
        bench.after(INTERVAL)[..],
        [MembershipEffect::Heartbeat { .. }]
    ));
    assert!(bench.after(INTERVAL).is_empty(), "the last is not answered");
    assert!(
        bench
            .on(MembershipEvent::Beaten(0, Ok(ErrorCode::UnknownMemberId)))
            .is_empty(),
        "of another generation"
    );
}

#[test]
fn who_subscribes_again_while_it_leaves_joins_and_says_why() {
    let mut bench = Bench::stable(false, &[0]);
    bench.on(MembershipEvent::Unsubscribed);
    let effects = bench.on(MembershipEvent::Released);
    assert!(
        matches!(effects[..], [MembershipEffect::Leave { .. }]),
        "{effects:?}"
    );
    assert!(bench.subscribe(&["t"]).is_empty(), "it is leaving");
    let effects = bench.on(MembershipEvent::Left);
    assert!(
        matches!(&effects[..], [MembershipEffect::Join { why, .. }] if why == "a test"),
        "{effects:?}"
    );
}

#[test]
fn an_eager_member_gives_up_everything_before_it_joins_again() {
    let mut bench = Bench::stable(false, &[0, 1]);
    let effects = bench.beaten(ErrorCode::RebalanceInProgress);
    let [
        MembershipEffect::Release {
            partitions,
            lost: false,
        },
    ] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(*partitions, of(&[0, 1]));
    let effects = bench.on(MembershipEvent::Released);
    assert!(
        matches!(&effects[..], [MembershipEffect::Join { member_id, owned, .. }] if member_id == "me" && owned.is_empty())
    );
}

#[test]
fn a_cooperative_member_gives_up_what_was_taken_and_joins_again() {
    let mut bench = Bench::stable(true, &[0, 1]);
    let effects = bench.beaten(ErrorCode::RebalanceInProgress);
    assert!(
        matches!(&effects[..], [MembershipEffect::Join { owned, .. }] if *owned == of(&[0, 1]))
    );
    bench.joined(ErrorCode::None, 2);
    let effects = bench.synced(ErrorCode::None, assignment(&[1, 2]));
    assert!(
        matches!(&effects[..], [MembershipEffect::Release { partitions, lost: false }] if *partitions == of(&[0]))
    );
    let effects = bench.on(MembershipEvent::Released);
    let [
        MembershipEffect::Adopt(gained),
        MembershipEffect::Settled { .. },
        MembershipEffect::Join { owned, .. },
    ] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!((gained, owned), (&of(&[2]), &of(&[1, 2])));
}

#[test]
fn what_is_lost_is_released_as_lost() {
    for (code, keeps_id) in [
        (ErrorCode::UnknownMemberId, false),
        (ErrorCode::IllegalGeneration, true),
    ] {
        let mut bench = Bench::stable(true, &[0]);
        let effects = bench.beaten(code);
        assert!(
            matches!(effects[..], [MembershipEffect::Release { lost: true, .. }]),
            "{effects:?}"
        );
        assert!(!bench.member.is_settled());
        let effects = bench.on(MembershipEvent::Released);
        assert!(
            matches!(&effects[..], [MembershipEffect::Join { member_id, generation: -1, .. }] if member_id.is_empty() != keeps_id)
        );
    }
}

#[test]
fn errors_that_pass_are_waited_for_and_others_are_told_once() {
    let mut bench = Bench::new(terms(false));
    bench.subscribe(&["t"]);
    for code in [
        ErrorCode::CoordinatorLoadInProgress,
        ErrorCode::NotCoordinator,
        ErrorCode::RebalanceInProgress,
    ] {
        assert!(bench.joined(code, -1).is_empty());
        let due = bench.member.deadline().unwrap();
        assert!(due > bench.now);
        assert!(matches!(
            bench.after(due - bench.now)[..],
            [MembershipEffect::Join { .. }]
        ));
    }
    let effects = bench.joined(ErrorCode::GroupMaxSizeReached, -1);
    assert!(
        matches!(
            effects[..],
            [MembershipEffect::Report(MembershipFailure::Refused(_))]
        ),
        "{effects:?}"
    );
    assert!(bench.member.rests() && bench.after(POLL).is_empty());
    assert!(matches!(
        bench.on(MembershipEvent::Knocked)[..],
        [MembershipEffect::Join { .. }]
    ));
}

#[test]
fn a_fenced_member_stays_out() {
    let mut bench = Bench::stable(false, &[0]);
    let effects = bench.beaten(ErrorCode::FencedInstanceId);
    assert!(matches!(
        effects[..],
        [
            MembershipEffect::Release { lost: true, .. },
            MembershipEffect::Report(MembershipFailure::Fenced)
        ]
    ));
    assert!(bench.on(MembershipEvent::Released).is_empty());
    assert!(bench.on(MembershipEvent::Knocked).is_empty() && bench.after(POLL).is_empty());
    bench.on(MembershipEvent::Close);
    assert!(bench.member.has_ended());
}

#[test]
fn garbage_is_told_and_the_member_stays() {
    let mut bench = Bench::new(terms(false));
    bench.subscribe(&["t"]);
    bench.joined(ErrorCode::None, 4);
    let effects = bench.synced(ErrorCode::None, Bytes::from_static(b"\0\x01garbage"));
    assert!(matches!(
        effects[..],
        [
            MembershipEffect::Report(MembershipFailure::Garbage { generation: 4, .. }),
            MembershipEffect::Settled { .. }
        ]
    ));
    assert!(matches!(
        bench.after(INTERVAL)[..],
        [MembershipEffect::Heartbeat { .. }]
    ));
}

#[test]
fn a_silent_reader_leaves_until_it_asks() {
    let mut bench = Bench::stable(false, &[0]);
    let effects = bench.after(POLL);
    assert!(
        matches!(
            effects[..],
            [
                MembershipEffect::Silent,
                MembershipEffect::Release { lost: false, .. }
            ]
        ),
        "{effects:?}"
    );
    assert!(matches!(
        bench.on(MembershipEvent::Released)[..],
        [MembershipEffect::Leave { .. }]
    ));
    bench.on(MembershipEvent::Left);
    assert!(bench.member.rests());
    assert!(
        matches!(&bench.on(MembershipEvent::Knocked)[..], [MembershipEffect::Join { member_id, .. }] if member_id.is_empty())
    );
}

#[test]
fn a_reader_that_asks_keeps_its_place() {
    let mut bench = Bench::stable(false, &[0]);
    bench.beaten(ErrorCode::None);
    bench.now += POLL;
    bench.on(MembershipEvent::Asked(bench.now));
    assert!(matches!(
        bench.on(MembershipEvent::Tick)[..],
        [MembershipEffect::Heartbeat { .. }]
    ));
}

#[test]
fn closing_commits_then_leaves_whatever_is_under_way() {
    let mut bench = Bench::stable(true, &[0]);
    bench.beaten(ErrorCode::RebalanceInProgress);
    assert!(matches!(
        bench.on(MembershipEvent::Close)[..],
        [MembershipEffect::Release { lost: false, .. }]
    ));
    assert!(
        bench.joined(ErrorCode::None, 2).is_empty(),
        "nobody waits for that any more"
    );
    assert!(matches!(
        bench.on(MembershipEvent::Released)[..],
        [MembershipEffect::Leave { .. }]
    ));
    bench.on(MembershipEvent::Left);
    assert!(bench.member.has_ended());
}

#[test]
fn a_static_member_does_not_leave() {
    let mut bench = Bench::stable(false, &[0]);
    bench.member.terms.is_static = true;
    bench.on(MembershipEvent::Close);
    assert!(bench.on(MembershipEvent::Released).is_empty());
    assert!(bench.member.has_ended());
}

#[test]
fn a_subscription_that_changes_while_joining_is_joined_with_afterwards() {
    let mut bench = Bench::new(terms(true));
    bench.subscribe(&["t"]);
    assert!(bench.subscribe(&["t", "u"]).is_empty());
    bench.joined(ErrorCode::None, 1);
    let effects = bench.synced(ErrorCode::None, assignment(&[0]));
    let [
        MembershipEffect::Adopt(_),
        MembershipEffect::Settled { .. },
        MembershipEffect::Join { topics, .. },
    ] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(topics.len(), 2);
}

#[test]
fn a_static_leader_that_comes_back_leaves_the_assignments_as_they_are() {
    let mut bench = Bench::new(terms(false));
    bench.subscribe(&["t"]);
    let response = JoinGroupResponse {
        generation_id: 3,
        member_id: "me".to_owned(),
        leader: "me".to_owned(),
        skip_assignment: true,
        ..JoinGroupResponse::default()
    };
    let attempt = bench.member.attempt;
    let effects = bench.on(MembershipEvent::Joined(attempt, Ok(response)));
    assert!(
        matches!(effects[..], [MembershipEffect::Divide { .. }]),
        "{effects:?}"
    );
    let divided = vec![("me".to_owned(), assignment(&[0]))];
    let effects = bench.on(MembershipEvent::Divided(attempt, Ok(divided)));
    assert!(
        matches!(&effects[..], [MembershipEffect::Sync { assignments, .. }] if assignments.is_empty())
    );
}
