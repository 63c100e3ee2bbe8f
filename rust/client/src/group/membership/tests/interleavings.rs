//! Members and a coordinator in any order of events: connections break, members come, go, lag behind and are given up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafkalite_link::{Address, LinkError, NamedBy};
use kafkalite_wire::consumer_protocol::ConsumerProtocolSubscription;
use proptest::prelude::*;
use proptest::test_runner::TestRng;
use tokio::time::Instant;

use super::coordinator::{Answer, Coordinator};
use super::{Membership, MembershipEffect, MembershipEvent, PartitionSet, of, terms};
use crate::error::ClientError;
use crate::group::division;
use kafkalite_groups::assignors::ClassicAssignor;
use kafkalite_groups::assignors::{Member, divide};
use kafkalite_names::TopicPartition;

const PARTITIONS: i32 = 7;

struct Player {
    member: Membership,
    /// What its readers read.
    reads: PartitionSet,
    /// Effects to be carried out, in order.
    work: VecDeque<MembershipEffect>,
    /// Answers on their way, each with the number of the request it belongs to.
    asked: Option<(u64, bool)>,
    is_closed: bool,
}

struct World {
    coordinator: Coordinator,
    players: Vec<Player>,
    assignor: ClassicAssignor,
    now: Instant,
    random: TestRng,
}

impl World {
    fn new(assignor: ClassicAssignor, random: TestRng) -> Self {
        Self {
            coordinator: Coordinator::default(),
            players: Vec::new(),
            assignor,
            now: Instant::now(),
            random,
        }
    }

    fn pick(&mut self, below: usize) -> usize {
        (self.random.next_u32() as usize) % below
    }

    fn come(&mut self) {
        let is_cooperative = self.assignor == ClassicAssignor::CooperativeSticky;
        self.players.push(Player {
            member: Membership::new(terms(is_cooperative), self.now),
            reads: PartitionSet::new(),
            work: VecDeque::new(),
            asked: None,
            is_closed: false,
        });
        let subscribed = MembershipEvent::Subscribed([Arc::from("t")].into(), "a test".to_owned());
        self.tell(self.players.len() - 1, subscribed);
    }

    fn tell(&mut self, player: usize, event: MembershipEvent) {
        let (now, player) = (self.now, &mut self.players[player]);
        player.work.extend(player.member.on(event, now));
    }

    /// One thing that may happen next; `calm` leaves out what breaks things.
    fn step(&mut self, calm: bool) {
        if self.players.is_empty() {
            return self.come();
        }
        let player = self.pick(self.players.len());
        match self.pick(if calm { 8 } else { 12 }) {
            0..=3 => self.work(player),
            4..=5 => self.answer(),
            6 => {
                self.now += Duration::from_millis(700);
                for player in 0..self.players.len() {
                    self.tell(player, MembershipEvent::Asked(self.now));
                    self.tell(player, MembershipEvent::Tick);
                }
            }
            7 => self.give_up_who_died(),
            8 if self.players.len() < 6 => self.come(),
            9 => {
                self.players[player].is_closed = true;
                self.tell(player, MembershipEvent::Close);
            }
            10 => self.cut(player),
            11 => self.give_up_a_laggard(),
            _ => {}
        }
    }

    /// Carries out the next effect of a member.
    fn work(&mut self, number: usize) {
        let player = &mut self.players[number];
        match player.work.pop_front() {
            Some(MembershipEffect::Join {
                attempt,
                member_id,
                generation,
                topics,
                owned,
                ..
            }) => {
                player.asked = Some((attempt, true));
                let metadata = division::subscription(self.assignor, &topics, &owned, generation);
                self.coordinator.join(number, &member_id, metadata.unwrap());
            }
            Some(MembershipEffect::Sync {
                attempt,
                member_id,
                generation,
                assignments,
                ..
            }) => {
                player.asked = Some((attempt, false));
                self.coordinator
                    .sync(number, &member_id, generation, assignments);
            }
            Some(MembershipEffect::Divide {
                attempt, members, ..
            }) => {
                let members: Vec<_> = members
                    .into_iter()
                    .map(|it| understood(it.member_id, &it.metadata))
                    .collect();
                let counts = [(Arc::from("t"), PARTITIONS)].into();
                let division = divide(self.assignor, &members, &counts);
                let assignments = division.into_iter().map(|(id, partitions)| {
                    let numbers: Vec<_> = partitions.iter().map(|of| of.partition).collect();
                    (id.to_string(), super::assignment(&numbers))
                });
                let assignments = assignments.collect();
                self.tell(number, MembershipEvent::Divided(attempt, Ok(assignments)));
            }
            Some(MembershipEffect::Heartbeat {
                member_id,
                generation,
            }) => {
                let code = self.coordinator.heartbeat(&member_id, generation);
                self.tell(number, MembershipEvent::Beaten(generation, Ok(code)));
            }
            Some(MembershipEffect::Leave { member_id, .. }) => {
                self.coordinator.remove(&member_id);
                self.tell(number, MembershipEvent::Left);
            }
            Some(MembershipEffect::Release { partitions, .. }) => {
                player.reads.retain(|it| !partitions.contains(it));
                self.tell(number, MembershipEvent::Released);
            }
            Some(MembershipEffect::Adopt(partitions)) => player.reads.extend(partitions),
            Some(MembershipEffect::Report(failure)) => panic!("{failure:?}"),
            Some(MembershipEffect::Settled { .. } | MembershipEffect::Silent) | None => {}
        }
    }

    /// Brings an answer to whoever waits for it.
    fn answer(&mut self) {
        if self.coordinator.answers.is_empty() {
            return;
        }
        let place = self.pick(self.coordinator.answers.len());
        let (number, answer) = self.coordinator.answers.remove(place);
        match (self.players[number].asked, answer) {
            (Some((attempt, true)), Answer::Join(response)) => {
                self.players[number].asked = None;
                self.tell(number, MembershipEvent::Joined(attempt, Ok(response)));
            }
            (Some((attempt, false)), Answer::Sync(response)) => {
                self.players[number].asked = None;
                self.tell(number, MembershipEvent::Synced(attempt, Ok(response)));
            }
            // The connection that it came on is gone.
            _ => {}
        }
    }

    /// A connection breaks: what was asked there is not answered.
    fn cut(&mut self, number: usize) {
        self.coordinator
            .answers
            .retain(|(caller, _)| *caller != number);
        if let Some((attempt, joins)) = self.players[number].asked.take() {
            let error = || {
                ClientError::from(LinkError::Disconnected {
                    address: Address {
                        host: "test".to_owned(),
                        port: 1,
                        origin: NamedBy::Bootstrap,
                    },
                    reason: "a test".into(),
                })
            };
            let event = if joins {
                MembershipEvent::Joined(attempt, Err(error()))
            } else {
                MembershipEvent::Synced(attempt, Err(error()))
            };
            self.tell(number, event);
        }
    }

    fn ids(&self) -> Vec<String> {
        let players = self.players.iter();
        players.map(|it| it.member.member_id().to_owned()).collect()
    }

    /// The session of a member that nobody is any more times out.
    fn give_up_who_died(&mut self) {
        let alive = self.ids();
        let laggards = self.coordinator.laggards();
        if let Some(dead) = laggards.into_iter().find(|id| !alive.contains(id)) {
            self.coordinator.remove(&dead);
        }
    }

    /// A rebalance waits no longer.
    fn give_up_a_laggard(&mut self) {
        if let Some(laggard) = self.coordinator.laggards().first() {
            self.coordinator.remove(laggard);
        }
    }

    /// No partition is read by two members that the coordinator knows.
    fn assert_nothing_is_shared(&self) {
        let mut readers: BTreeMap<&TopicPartition, usize> = BTreeMap::new();
        for (number, player) in self.players.iter().enumerate() {
            if !self.coordinator.knows(player.member.member_id()) {
                continue;
            }
            for of in &player.reads {
                let other = readers.insert(of, number);
                assert_eq!(other, None, "{number} reads {of} too");
            }
        }
    }

    /// Everybody is in one generation, and everything is read.
    fn is_settled(&self) -> bool {
        let alive: Vec<_> = self.players.iter().filter(|it| !it.is_closed).collect();
        let idle = self.players.iter().all(|it| it.work.is_empty());
        let ended = self
            .players
            .iter()
            .filter(|it| it.is_closed)
            .all(|it| it.member.has_ended());
        let generation = self.coordinator.generation;
        let together = alive
            .iter()
            .all(|it| it.member.is_settled() && it.member.generation() == generation);
        let read: usize = alive.iter().map(|it| it.reads.len()).sum();
        let all = alive.is_empty() || read == PARTITIONS as usize;
        let stable = alive.is_empty() || self.coordinator.is_stable();
        idle && ended && together && all && stable
    }
}

fn understood(id: String, metadata: &Bytes) -> Member {
    let subscription = ConsumerProtocolSubscription::decode(metadata).unwrap();
    let owned = subscription
        .owned_partitions
        .iter()
        .flat_map(|it| of(&it.partitions));
    Member {
        id: id.into(),
        topics: subscription.topics.into_iter().map(Into::into).collect(),
        owned: owned.collect(),
        generation: subscription.generation_id,
        ..Member::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_partition_has_two_readers_and_everybody_ends_in_one_generation(
        cooperative: bool,
        steps in 50..600_usize,
        seed in prop::array::uniform32(any::<u8>()),
    ) {
        let assignor = if cooperative { ClassicAssignor::CooperativeSticky } else { ClassicAssignor::Range };
        let random = TestRng::from_seed(prop::test_runner::RngAlgorithm::ChaCha, &seed);
        let mut world = World::new(assignor, random);
        for _ in 0..steps {
            world.step(false);
            world.assert_nothing_is_shared();
        }
        let mut left = 20_000;
        while !world.is_settled() {
            world.step(true);
            world.assert_nothing_is_shared();
            left -= 1;
            prop_assert!(left > 0, "somebody waits for ever");
        }
    }
}
