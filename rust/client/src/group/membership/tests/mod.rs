mod coordinator;
mod interleavings;

use std::time::Duration;

use bytes::Bytes;
use kafkalite_link::Backoff;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::JoinGroupResponse;
use kafkalite_wire::api::sync_group::SyncGroupResponse;
use kafkalite_wire::consumer_protocol::{ConsumerProtocolAssignment, ConsumerProtocolPartitions};
use tokio::time::Instant;

use super::{Effect, Event, Failure, Membership, Partitions, Terms};
use kafkalite_names::TopicPartition;

const INTERVAL: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_mins(5);

fn terms(is_cooperative: bool) -> Terms {
    Terms {
        is_cooperative,
        is_static: false,
        heartbeat_interval: INTERVAL,
        max_poll_interval: POLL,
        backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(1)),
    }
}

fn of(partitions: &[i32]) -> Partitions {
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
    fn new(terms: Terms) -> Self {
        let now = Instant::now();
        let member = Membership::new(terms, now);
        Self { member, now }
    }

    fn on(&mut self, event: Event) -> Vec<Effect> {
        self.member.on(event, self.now)
    }

    fn after(&mut self, time: Duration) -> Vec<Effect> {
        self.now += time;
        self.on(Event::Tick)
    }

    fn subscribe(&mut self, topics: &[&str]) -> Vec<Effect> {
        let topics = topics.iter().map(|&topic| topic.into()).collect();
        self.on(Event::Subscribed(topics, "a test".to_owned()))
    }

    fn joined(&mut self, code: ErrorCode, generation: i32) -> Vec<Effect> {
        let response = JoinGroupResponse {
            error_code: code,
            generation_id: generation,
            member_id: "me".to_owned(),
            leader: "other".to_owned(),
            protocol_name: Some("range".to_owned()),
            ..JoinGroupResponse::default()
        };
        self.on(Event::Joined(self.member.attempt, Ok(response)))
    }

    fn synced(&mut self, code: ErrorCode, assignment: Bytes) -> Vec<Effect> {
        let response = SyncGroupResponse {
            error_code: code,
            assignment,
            ..SyncGroupResponse::default()
        };
        self.on(Event::Synced(self.member.attempt, Ok(response)))
    }

    /// A member of generation 1 that has these partitions.
    fn stable(is_cooperative: bool, partitions: &[i32]) -> Self {
        let mut bench = Self::new(terms(is_cooperative));
        bench.subscribe(&["t"]);
        bench.joined(ErrorCode::MemberIdRequired, -1);
        bench.joined(ErrorCode::None, 1);
        let effects = bench.synced(ErrorCode::None, assignment(partitions));
        assert!(
            matches!(&effects[..], [Effect::Adopt(gained), Effect::Settled { .. }] if *gained == of(partitions))
        );
        assert!(bench.member.is_settled());
        bench
    }

    fn beaten(&mut self, code: ErrorCode) -> Vec<Effect> {
        let effects = self.after(INTERVAL);
        assert!(
            matches!(effects[..], [Effect::Heartbeat { .. }]),
            "{effects:?}"
        );
        self.on(Event::Beaten(self.member.generation(), Ok(code)))
    }
}

#[test]
fn a_heartbeat_goes_at_each_interval_and_not_before_the_last_is_answered() {
    let mut bench = Bench::stable(false, &[0]);
    assert!(bench.after(INTERVAL / 2).is_empty());
    assert!(bench.beaten(ErrorCode::None).is_empty());
    assert!(matches!(
        bench.after(INTERVAL)[..],
        [Effect::Heartbeat { .. }]
    ));
    assert!(bench.after(INTERVAL).is_empty(), "the last is not answered");
    assert!(
        bench
            .on(Event::Beaten(0, Ok(ErrorCode::UnknownMemberId)))
            .is_empty(),
        "of another generation"
    );
}

#[test]
fn who_subscribes_again_while_it_leaves_joins_and_says_why() {
    let mut bench = Bench::stable(false, &[0]);
    bench.on(Event::Unsubscribed);
    let effects = bench.on(Event::Released);
    assert!(matches!(effects[..], [Effect::Leave { .. }]), "{effects:?}");
    assert!(bench.subscribe(&["t"]).is_empty(), "it is leaving");
    let effects = bench.on(Event::Left);
    assert!(
        matches!(&effects[..], [Effect::Join { why, .. }] if why == "a test"),
        "{effects:?}"
    );
}

#[test]
fn an_eager_member_gives_up_everything_before_it_joins_again() {
    let mut bench = Bench::stable(false, &[0, 1]);
    let effects = bench.beaten(ErrorCode::RebalanceInProgress);
    let [
        Effect::Release {
            partitions,
            lost: false,
        },
    ] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(*partitions, of(&[0, 1]));
    let effects = bench.on(Event::Released);
    assert!(
        matches!(&effects[..], [Effect::Join { member_id, owned, .. }] if member_id == "me" && owned.is_empty())
    );
}

#[test]
fn a_cooperative_member_gives_up_what_was_taken_and_joins_again() {
    let mut bench = Bench::stable(true, &[0, 1]);
    let effects = bench.beaten(ErrorCode::RebalanceInProgress);
    assert!(matches!(&effects[..], [Effect::Join { owned, .. }] if *owned == of(&[0, 1])));
    bench.joined(ErrorCode::None, 2);
    let effects = bench.synced(ErrorCode::None, assignment(&[1, 2]));
    assert!(
        matches!(&effects[..], [Effect::Release { partitions, lost: false }] if *partitions == of(&[0]))
    );
    let effects = bench.on(Event::Released);
    let [
        Effect::Adopt(gained),
        Effect::Settled { .. },
        Effect::Join { owned, .. },
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
            matches!(effects[..], [Effect::Release { lost: true, .. }]),
            "{effects:?}"
        );
        assert!(!bench.member.is_settled());
        let effects = bench.on(Event::Released);
        assert!(
            matches!(&effects[..], [Effect::Join { member_id, generation: -1, .. }] if member_id.is_empty() != keeps_id)
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
            [Effect::Join { .. }]
        ));
    }
    let effects = bench.joined(ErrorCode::GroupMaxSizeReached, -1);
    assert!(
        matches!(effects[..], [Effect::Report(Failure::Refused(_))]),
        "{effects:?}"
    );
    assert!(bench.member.rests() && bench.after(POLL).is_empty());
    assert!(matches!(
        bench.on(Event::Knocked)[..],
        [Effect::Join { .. }]
    ));
}

#[test]
fn a_fenced_member_stays_out() {
    let mut bench = Bench::stable(false, &[0]);
    let effects = bench.beaten(ErrorCode::FencedInstanceId);
    assert!(matches!(
        effects[..],
        [
            Effect::Release { lost: true, .. },
            Effect::Report(Failure::Fenced)
        ]
    ));
    assert!(bench.on(Event::Released).is_empty());
    assert!(bench.on(Event::Knocked).is_empty() && bench.after(POLL).is_empty());
    bench.on(Event::Close);
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
            Effect::Report(Failure::Garbage { generation: 4, .. }),
            Effect::Settled { .. }
        ]
    ));
    assert!(matches!(
        bench.after(INTERVAL)[..],
        [Effect::Heartbeat { .. }]
    ));
}

#[test]
fn a_silent_reader_leaves_until_it_asks() {
    let mut bench = Bench::stable(false, &[0]);
    let effects = bench.after(POLL);
    assert!(
        matches!(
            effects[..],
            [Effect::Silent, Effect::Release { lost: false, .. }]
        ),
        "{effects:?}"
    );
    assert!(matches!(
        bench.on(Event::Released)[..],
        [Effect::Leave { .. }]
    ));
    bench.on(Event::Left);
    assert!(bench.member.rests());
    assert!(
        matches!(&bench.on(Event::Knocked)[..], [Effect::Join { member_id, .. }] if member_id.is_empty())
    );
}

#[test]
fn a_reader_that_asks_keeps_its_place() {
    let mut bench = Bench::stable(false, &[0]);
    bench.beaten(ErrorCode::None);
    bench.now += POLL;
    bench.on(Event::Asked(bench.now));
    assert!(matches!(
        bench.on(Event::Tick)[..],
        [Effect::Heartbeat { .. }]
    ));
}

#[test]
fn closing_commits_then_leaves_whatever_is_under_way() {
    let mut bench = Bench::stable(true, &[0]);
    bench.beaten(ErrorCode::RebalanceInProgress);
    assert!(matches!(
        bench.on(Event::Close)[..],
        [Effect::Release { lost: false, .. }]
    ));
    assert!(
        bench.joined(ErrorCode::None, 2).is_empty(),
        "nobody waits for that any more"
    );
    assert!(matches!(
        bench.on(Event::Released)[..],
        [Effect::Leave { .. }]
    ));
    bench.on(Event::Left);
    assert!(bench.member.has_ended());
}

#[test]
fn a_static_member_does_not_leave() {
    let mut bench = Bench::stable(false, &[0]);
    bench.member.terms.is_static = true;
    bench.on(Event::Close);
    assert!(bench.on(Event::Released).is_empty());
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
        Effect::Adopt(_),
        Effect::Settled { .. },
        Effect::Join { topics, .. },
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
    let effects = bench.on(Event::Joined(attempt, Ok(response)));
    assert!(
        matches!(effects[..], [Effect::Divide { .. }]),
        "{effects:?}"
    );
    let divided = vec![("me".to_owned(), assignment(&[0]))];
    let effects = bench.on(Event::Divided(attempt, Ok(divided)));
    assert!(matches!(&effects[..], [Effect::Sync { assignments, .. }] if assignments.is_empty()));
}
