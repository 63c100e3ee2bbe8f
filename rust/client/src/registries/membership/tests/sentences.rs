//! One behaviour each, step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafkalite_coordination::registries::{ConsumerId, ConsumerSubscription, ThreadId};
use kafkalite_names::TopicPartition;
use tokio::time::Instant;

use super::super::{
    Beginning, ClaimAnswer, CommitAnswer, RegistryEffect, RegistryEvent, RegistryMembership,
    RegistryTerms, RegistryTrouble, Share, StoredOffset, Verdict,
};

const BACKOFF: Duration = Duration::from_secs(2);
const TRIES: u32 = 2;

fn of(partition: i32) -> TopicPartition {
    TopicPartition::new("t", partition)
}

fn set(partitions: &[i32]) -> BTreeSet<TopicPartition> {
    partitions.iter().copied().map(of).collect()
}

fn thread() -> ThreadId {
    ConsumerId::new("g_h-1").unwrap().thread(0)
}

fn threads(partitions: &[i32]) -> BTreeMap<TopicPartition, ThreadId> {
    set(partitions)
        .into_iter()
        .map(|of| (of, thread()))
        .collect()
}

fn stored(offset: i64, version: i32) -> StoredOffset {
    StoredOffset { offset, version }
}

/// A consumer to whom things happen one after the other.
struct Story {
    machine: RegistryMembership,
    now: Instant,
}

impl Story {
    /// One that is in the registry and looks.
    fn looking() -> Self {
        let terms = RegistryTerms {
            max_tries: TRIES,
            backoff: BACKOFF,
            commit_interval: Some(Duration::from_mins(1)),
        };
        let now = Instant::now();
        let machine = RegistryMembership::new(terms, now);
        let mut story = Self { machine, now };
        let topics = ConsumerSubscription::Topics([("t".to_owned(), 1)].into());
        let effects = story.on(RegistryEvent::Subscribed(Some(topics.clone())));
        assert_eq!(effects, [RegistryEffect::Open]);
        let effects = story.on(RegistryEvent::Opened(0, Ok(())));
        assert_eq!(effects, [RegistryEffect::Register(topics)]);
        let effects = story.on(RegistryEvent::Registered(0, Ok(())));
        assert_eq!(effects, [RegistryEffect::Look]);
        story
    }

    /// One that reads these from offset 10 on, each at version 3.
    fn reading(partitions: &[i32]) -> Self {
        let mut story = Self::looking();
        story.look(partitions);
        story.claim(partitions, &ClaimAnswer::Owned);
        let offsets = partitions
            .iter()
            .map(|it| (of(*it), Ok(Some(stored(10, 3)))));
        story.on(RegistryEvent::OffsetsRead(0, offsets.collect()));
        story
    }

    fn on(&mut self, event: RegistryEvent) -> Vec<RegistryEffect> {
        self.machine.on(event, self.now)
    }

    fn look(&mut self, partitions: &[i32]) -> Vec<RegistryEffect> {
        let share = Share {
            is_member: true,
            threads: threads(partitions),
            garbage: Vec::new(),
        };
        self.on(RegistryEvent::Looked(self.machine.session(), Ok(share)))
    }

    fn claim(&mut self, partitions: &[i32], answer: &ClaimAnswer) -> Vec<RegistryEffect> {
        let answers = partitions.iter().map(|it| (of(*it), answer.clone()));
        self.on(RegistryEvent::Claimed(
            self.machine.session(),
            answers.collect(),
        ))
    }

    fn commit(&mut self, offset: i64, answer: CommitAnswer) -> Vec<RegistryEffect> {
        self.on(RegistryEvent::Consumed(vec![(of(0), offset)]));
        self.on(RegistryEvent::Committed(0, of(0), answer))
    }

    fn wait(&mut self) -> Vec<RegistryEffect> {
        let due = self.machine.deadline().expect("it waits");
        assert!(due <= self.now + BACKOFF * 5, "every wait is bounded");
        self.now = due;
        self.on(RegistryEvent::Tick)
    }
}

fn write(offset: i64, version: i32) -> RegistryEffect {
    RegistryEffect::Commit {
        partition: of(0),
        offset,
        version: Some(version),
    }
}

#[test]
fn what_is_given_up_is_stopped_then_committed_then_disowned() {
    let mut story = Story::reading(&[0, 1]);
    assert_eq!(story.on(RegistryEvent::Changed), [RegistryEffect::Look]);
    let stop = RegistryEffect::Stop {
        revoked: set(&[0]),
        lost: set(&[]),
    };
    assert_eq!(story.look(&[1, 2]), [stop]);
    let effects = story.on(RegistryEvent::Stopped(vec![(of(0), 15)]));
    assert_eq!(effects, [write(15, 3)]);
    let effects = story.on(RegistryEvent::Committed(0, of(0), CommitAnswer::Written(4)));
    assert_eq!(effects, [RegistryEffect::Disown(threads(&[0]))]);
    let effects = story.on(RegistryEvent::Disowned(0, Ok(())));
    assert_eq!(effects, [RegistryEffect::Look], "time has passed");
    assert_eq!(story.look(&[1, 2]), [RegistryEffect::Claim(threads(&[2]))]);
}

#[test]
fn offsets_are_read_when_the_partition_is_owned_and_reading_begins_there() {
    let mut story = Story::looking();
    assert_eq!(story.look(&[0]), [RegistryEffect::Claim(threads(&[0]))]);
    let effects = story.claim(&[0], &ClaimAnswer::Owned);
    assert_eq!(effects, [RegistryEffect::ReadOffsets(set(&[0]))]);
    let effects = story.on(RegistryEvent::OffsetsRead(
        0,
        vec![(of(0), Ok(Some(stored(7, 1))))],
    ));
    let begin = RegistryEffect::Begin(vec![Beginning {
        partition: of(0),
        stream: 0,
        offset: Some(7),
    }]);
    assert_eq!(effects, [begin, RegistryEffect::Settled { owned: 1 }]);
}

#[test]
fn a_change_that_takes_nothing_from_a_consumer_does_not_stop_it() {
    let mut story = Story::reading(&[0, 1]);
    story.on(RegistryEvent::Changed);
    assert_eq!(story.look(&[0, 1]), [RegistryEffect::Settled { owned: 2 }]);
}

#[test]
fn a_change_during_a_rebalance_is_looked_at_when_that_is_over() {
    let mut story = Story::looking();
    assert_eq!(story.on(RegistryEvent::Changed), []);
    let effects = story.look(&[]);
    assert_eq!(
        effects,
        [RegistryEffect::Settled { owned: 0 }, RegistryEffect::Look]
    );
}

#[test]
fn a_claim_that_meets_another_undoes_its_others_and_is_made_again_when_that_has_gone() {
    let mut story = Story::looking();
    story.look(&[0, 1]);
    let answers = vec![(of(0), ClaimAnswer::Owned), (of(1), ClaimAnswer::Contested)];
    let effects = story.on(RegistryEvent::Claimed(0, answers));
    let undone = [
        RegistryEffect::Watch(set(&[1])),
        RegistryEffect::Disown(threads(&[0])),
    ];
    assert_eq!(effects, undone);
    assert_eq!(story.on(RegistryEvent::Disowned(0, Ok(()))), []);
    let effects = story.on(RegistryEvent::Yielded(of(1)));
    assert_eq!(
        effects,
        [RegistryEffect::Look],
        "long before the pause is over"
    );
}

#[test]
fn who_fails_again_and_again_keeps_what_it_can_have_and_waits_for_the_rest() {
    let mut story = Story::looking();
    let meets = |story: &mut Story| {
        story.look(&[0, 1]);
        let answers = vec![(of(0), ClaimAnswer::Owned), (of(1), ClaimAnswer::Contested)];
        story.on(RegistryEvent::Claimed(0, answers))
    };
    for _ in 0..TRIES {
        meets(&mut story);
        story.on(RegistryEvent::Disowned(0, Ok(())));
        assert_eq!(story.wait(), [RegistryEffect::Look]);
    }
    let told = RegistryEffect::Report(RegistryTrouble::NotOwned {
        tries: TRIES,
        partitions: set(&[1]),
    });
    let kept = RegistryEffect::ReadOffsets(set(&[0]));
    assert_eq!(meets(&mut story), [told, kept]);
    story.on(RegistryEvent::OffsetsRead(0, vec![(of(0), Ok(None))]));
    let effects = story.on(RegistryEvent::Yielded(of(1)));
    assert_eq!(effects, [RegistryEffect::Look]);
    assert_eq!(
        story.look(&[0, 1]),
        [RegistryEffect::Claim(threads(&[1]))],
        "and reads the other meanwhile"
    );
}

#[test]
fn garbage_in_an_owners_node_harms_that_partition_only() {
    let mut story = Story::looking();
    story.look(&[0, 1]);
    let answers = vec![
        (of(0), ClaimAnswer::Stuck("it is no consumer".to_owned())),
        (of(1), ClaimAnswer::Owned),
    ];
    let effects = story.on(RegistryEvent::Claimed(0, answers));
    let told = RegistryTrouble::Stuck(of(0), "it is no consumer".to_owned());
    assert_eq!(
        effects,
        [
            RegistryEffect::Report(told),
            RegistryEffect::Watch(set(&[0])),
            RegistryEffect::ReadOffsets(set(&[1])),
        ]
    );
}

#[test]
fn a_node_of_its_own_earlier_session_is_waited_for_without_a_try() {
    let mut story = Story::looking();
    story.look(&[0, 1]);
    let answers = vec![(of(0), ClaimAnswer::Earlier), (of(1), ClaimAnswer::Owned)];
    let effects = story.on(RegistryEvent::Claimed(0, answers));
    assert_eq!(
        effects,
        [
            RegistryEffect::Watch(set(&[0])),
            RegistryEffect::ReadOffsets(set(&[1])),
        ]
    );
    story.on(RegistryEvent::OffsetsRead(0, vec![(of(1), Ok(None))]));
    assert_eq!(
        story.on(RegistryEvent::Yielded(of(0))),
        [RegistryEffect::Look]
    );
}

#[test]
fn garbage_in_an_offsets_node_harms_that_partition_only_and_is_looked_at_again() {
    let mut story = Story::looking();
    story.look(&[0, 1]);
    story.claim(&[0, 1], &ClaimAnswer::Owned);
    let offsets = vec![(of(0), Err("no number".to_owned())), (of(1), Ok(None))];
    let effects = story.on(RegistryEvent::OffsetsRead(0, offsets));
    let told = RegistryTrouble::NoStart(of(0), "no number".to_owned());
    let begin = RegistryEffect::Begin(vec![Beginning {
        partition: of(1),
        stream: 0,
        offset: None,
    }]);
    assert_eq!(
        effects,
        [
            RegistryEffect::Report(told),
            begin,
            RegistryEffect::Settled { owned: 1 },
        ]
    );
    assert_eq!(story.wait(), [RegistryEffect::Look]);
    let effects = story.look(&[0, 1]);
    assert_eq!(effects, [RegistryEffect::ReadOffsets(set(&[0]))]);
}

#[test]
fn a_commit_names_the_version_that_was_seen_last() {
    let mut story = Story::reading(&[0]);
    let effects = story.on(RegistryEvent::Consumed(vec![(of(0), 12)]));
    assert_eq!(effects, [write(12, 3)]);
    let effects = story.on(RegistryEvent::Consumed(vec![(of(0), 14)]));
    assert_eq!(effects, [], "one after the other");
    let effects = story.on(RegistryEvent::Committed(0, of(0), CommitAnswer::Written(4)));
    assert_eq!(effects, [write(14, 4)]);
    story.on(RegistryEvent::Committed(0, of(0), CommitAnswer::Written(5)));
    let effects = story.on(RegistryEvent::Consumed(vec![(of(0), 14)]));
    assert_eq!(effects, [], "that is committed");
}

#[test]
fn an_offset_that_was_set_back_behind_our_back_is_written_again() {
    let mut story = Story::reading(&[0]);
    let effects = story.commit(20, CommitAnswer::Moved);
    assert_eq!(effects, [RegistryEffect::Verify(of(0), thread())]);
    let effects = story.on(RegistryEvent::Verified(
        0,
        of(0),
        Ok(Verdict::Ours(Some(stored(11, 9)))),
    ));
    assert_eq!(effects, [write(20, 9)]);
}

#[test]
fn an_offset_that_is_further_than_ours_is_not_set_back() {
    let mut story = Story::reading(&[0]);
    story.commit(20, CommitAnswer::Moved);
    let effects = story.on(RegistryEvent::Verified(
        0,
        of(0),
        Ok(Verdict::Ours(Some(stored(30, 9)))),
    ));
    assert_eq!(effects, []);
}

#[test]
fn a_partition_that_another_owns_by_now_is_given_up_without_a_commit() {
    let mut story = Story::reading(&[0, 1]);
    story.commit(20, CommitAnswer::Moved);
    let effects = story.on(RegistryEvent::Verified(0, of(0), Ok(Verdict::Gone)));
    assert_eq!(
        effects,
        [
            RegistryEffect::Revoke(set(&[0])),
            RegistryEffect::Report(RegistryTrouble::Robbed(of(0))),
            RegistryEffect::Look,
        ]
    );
    let stop = RegistryEffect::Stop {
        revoked: set(&[]),
        lost: set(&[0]),
    };
    assert_eq!(story.look(&[0, 1]), [stop]);
    let effects = story.on(RegistryEvent::Stopped(vec![(of(0), 20)]));
    assert_eq!(effects, [RegistryEffect::Disown(threads(&[0]))]);
}

#[test]
fn when_the_session_is_over_everything_is_given_up_before_the_next_begins() {
    let mut story = Story::reading(&[0, 1]);
    let effects = story.on(RegistryEvent::Expired(0));
    assert_eq!(
        effects,
        [
            RegistryEffect::Report(RegistryTrouble::SessionLost),
            RegistryEffect::Revoke(set(&[0, 1])),
            RegistryEffect::Stop {
                revoked: set(&[]),
                lost: set(&[0, 1]),
            },
        ]
    );
    let consumed = vec![(of(0), 20), (of(1), 20)];
    let effects = story.on(RegistryEvent::Stopped(consumed));
    assert_eq!(effects, [RegistryEffect::Open], "and nothing is written");
}

#[test]
fn answers_of_an_earlier_session_count_for_nothing() {
    let mut story = Story::looking();
    story.look(&[0]);
    story.on(RegistryEvent::Expired(0));
    let late = vec![(of(0), ClaimAnswer::Owned)];
    assert_eq!(story.on(RegistryEvent::Claimed(0, late)), []);
}

#[test]
fn who_is_not_in_the_registry_any_more_registers_again() {
    let mut story = Story::reading(&[0]);
    story.on(RegistryEvent::Changed);
    let effects = story.on(RegistryEvent::Looked(0, Ok(Share::default())));
    assert!(matches!(&effects[..], [RegistryEffect::Register(_)]));
}

#[test]
fn who_is_closed_commits_and_then_leaves() {
    let mut story = Story::reading(&[0]);
    let stop = RegistryEffect::Stop {
        revoked: set(&[0]),
        lost: set(&[]),
    };
    assert_eq!(story.on(RegistryEvent::Close), [stop]);
    let effects = story.on(RegistryEvent::Stopped(vec![(of(0), 20)]));
    assert_eq!(effects, [write(20, 3)]);
    let effects = story.on(RegistryEvent::Committed(0, of(0), CommitAnswer::Written(4)));
    assert_eq!(effects, [RegistryEffect::Leave]);
    assert_eq!(story.on(RegistryEvent::Left), []);
    assert!(story.machine.has_ended());
}

#[test]
fn who_cannot_reach_zookeeper_says_so_once_and_tries_again() {
    let mut story = Story::looking();
    story.on(RegistryEvent::Expired(0));
    let refused = || RegistryEvent::Opened(1, Err("nobody answers".to_owned()));
    let told = RegistryTrouble::Unreachable("nobody answers".to_owned());
    assert_eq!(story.on(refused()), [RegistryEffect::Report(told)]);
    assert_eq!(story.wait(), [RegistryEffect::Open]);
    assert_eq!(story.on(refused()), []);
}
