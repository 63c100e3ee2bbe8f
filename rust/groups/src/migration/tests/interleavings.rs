//! Members that behave, die, hang, come back and lose answers, in any order; topics that come, grow and go.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::consumer::tests::said;
use crate::consumer::{Place, Places};

/// What may happen next; the number chooses the client.
#[derive(Debug, Clone)]
enum Event {
    /// A client comes, of the classic protocol or of the new one.
    Appear {
        classic: bool,
    },
    /// A client does the next thing that the protocol wants of it.
    Step(usize),
    /// It sends a heartbeat of which the answer is lost.
    Lose(usize),
    /// It gives up what it was told to.
    GiveUp(usize),
    /// Its process is killed.
    Die(usize),
    Leave(usize),
    /// It subscribes to something else.
    Resubscribe(usize),
    Topic(usize, i32),
    Restart,
    Pass(u64),
}

#[derive(Debug, Clone, Default)]
struct Client {
    id: String,
    classic: bool,
    epoch: i32,
    /// What it works with.
    owned: Places,
    /// What it was told to work with.
    told: Places,
    /// It has something to say, or says everything after an answer that did not come.
    full: bool,
    topics: Vec<String>,
    next: Next,
    alive: bool,
}

/// What the protocol wants of a client.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Next {
    #[default]
    Join,
    Sync,
    Beat,
}

const NAMES: [&str; 3] = ["t", "u", "v"];

struct World {
    scene: Scene,
    clients: Vec<Client>,
}

impl World {
    fn new() -> Self {
        Self {
            scene: Scene::new(&[("t", 3), ("u", 2)]),
            clients: Vec::new(),
        }
    }

    fn happen(&mut self, event: &Event) {
        let chosen = |n: &usize| n.checked_rem(self.clients.len());
        match event {
            Event::Appear { classic } => self.appear(*classic),
            Event::Pass(ms) => self.scene.pass(*ms),
            Event::Restart => self.scene.restart(),
            Event::Topic(n, partitions) => {
                let name = NAMES[n % NAMES.len()];
                let before = self.scene.topics.0.get(name).map_or(0, |topic| topic.1);
                // Partitions are added, never taken away.
                if *partitions == 0 || *partitions > before {
                    self.scene.set_topic(name, *partitions);
                }
            }
            Event::Step(n)
            | Event::Lose(n)
            | Event::GiveUp(n)
            | Event::Die(n)
            | Event::Leave(n)
            | Event::Resubscribe(n) => {
                let Some(n) = chosen(n).filter(|&n| self.clients[n].alive) else {
                    return;
                };
                match event {
                    Event::Step(_) => self.step(n, false),
                    Event::Lose(_) => self.step(n, true),
                    Event::GiveUp(_) => self.give_up(n),
                    Event::Die(_) => self.clients[n].alive = false,
                    Event::Leave(_) => self.leave(n),
                    _ if !self.clients[n].classic => {
                        let client = &mut self.clients[n];
                        client.topics.rotate_left(1);
                        client.full = true;
                    }
                    _ => {}
                }
            }
        }
        self.check();
    }

    fn appear(&mut self, classic: bool) {
        let topics = NAMES[..2].iter().map(|name| (*name).to_owned());
        self.clients.push(Client {
            id: format!("m{}", self.clients.len()),
            classic,
            alive: true,
            topics: if classic {
                vec!["t".to_owned()]
            } else {
                topics.collect()
            },
            ..Client::default()
        });
    }

    fn give_up(&mut self, n: usize) {
        let client = &mut self.clients[n];
        client.owned = client.owned.intersection(&client.told).copied().collect();
    }

    fn leave(&mut self, n: usize) {
        let id = self.clients[n].id.clone();
        if !self.clients[n].classic {
            // Whether it was still known is of no interest to who goes.
            let _ = self.scene.send(beats(&id, -1));
        }
        self.clients[n].alive = false;
    }

    fn step(&mut self, n: usize, lost: bool) {
        if self.clients[n].classic {
            self.step_classic(n, lost);
        } else {
            self.step_new(n, lost);
        }
    }

    fn step_new(&mut self, n: usize, lost: bool) {
        let client = self.clients[n].clone();
        let wanted = client.topics[..1].to_vec();
        let request = if client.next == Next::Join {
            ConsumerGroupHeartbeatRequest {
                subscribed_topic_names: Some(wanted),
                ..joins(&client.id, &[])
            }
        } else if client.full {
            ConsumerGroupHeartbeatRequest {
                rebalance_timeout_ms: REBALANCE as i32,
                subscribed_topic_names: Some(wanted),
                topic_partitions: Some(said(&client.owned)),
                ..beats(&client.id, client.epoch)
            }
        } else {
            ConsumerGroupHeartbeatRequest {
                topic_partitions: Some(said(&client.owned)),
                ..beats(&client.id, client.epoch)
            }
        };
        let answer = self.scene.send(request);
        let client = &mut self.clients[n];
        if lost {
            client.full = true;
            return;
        }
        match answer {
            Ok(answer) => {
                client.next = Next::Beat;
                client.full = false;
                client.epoch = answer.member_epoch;
                if let Some(assignment) = answer.assignment {
                    let topics = assignment.topic_partitions.into_iter();
                    let places = |topic: kafkalite_wire::api::consumer_group_heartbeat::AssignedTopicPartitions| {
                        let indexes = topic.partitions.into_iter();
                        indexes.map(move |index| (topic.topic_id, index)).collect::<Vec<_>>()
                    };
                    client.told = topics.flat_map(places).collect();
                    // What is new to it, it works with at once; what it lost, only some time later not any more.
                    client.owned.extend(client.told.iter().copied());
                }
            }
            Err(ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId) => {
                client.owned.clear();
                client.told.clear();
                client.next = Next::Join;
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// A cooperative member of the classic protocol.
    fn step_classic(&mut self, n: usize, lost: bool) {
        let client = self.clients[n].clone();
        let indexes: Vec<i32> = client.owned.iter().map(|place| place.1).collect();
        let outcome = if client.next == Next::Join {
            self.scene.join_classic(&client.id, &indexes).map(|joined| {
                if !lost {
                    let client = &mut self.clients[n];
                    client.epoch = joined.generation_id;
                    client.next = Next::Sync;
                }
            })
        } else if client.next == Next::Sync {
            self.scene.sync(&client.id, client.epoch).map(|given| {
                if !lost {
                    let topic = self.scene.topics.0.get("t").map(|topic| topic.0);
                    let client = &mut self.clients[n];
                    client.told = given
                        .iter()
                        .filter_map(|&index| Some((topic?, index)))
                        .collect();
                    client.next = if client.owned.is_subset(&client.told) {
                        Next::Beat
                    } else {
                        Next::Join
                    };
                    client.owned = client.told.clone();
                }
            })
        } else {
            self.scene.beat_classic(&client.id, client.epoch)
        };
        let client = &mut self.clients[n];
        match outcome {
            Ok(()) => {}
            Err(ErrorCode::RebalanceInProgress) => client.next = Next::Join,
            Err(ErrorCode::IllegalGeneration | ErrorCode::UnknownMemberId) => {
                client.owned.clear();
                client.next = Next::Join;
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Nobody whom the group knows works with what another one works with.
    fn check(&self) {
        let mut owners: HashMap<Place, &str> = HashMap::new();
        for client in &self.clients {
            let Some(member) = self.scene.group.members.get(&client.id) else {
                continue;
            };
            // After a lost answer it may hold less than it was given. It never holds more.
            for place in &client.owned {
                let given = member.assignment.given(place).is_some();
                let told_to_begin_anew = client.next == Next::Join && client.alive;
                assert!(
                    given || told_to_begin_anew || client.classic,
                    "{client:?} {member:?}"
                );
                if let Some(other) = owners.insert(*place, &client.id) {
                    panic!("{place:?} is worked with by {other} and {}", client.id);
                }
            }
        }
        let mut held = 0;
        for member in self.scene.group.members.values() {
            for place in member.assignment.held() {
                assert!(!self.scene.group.occupied.is_free(place));
                held += 1;
            }
        }
        assert_eq!(self.scene.group.occupied.len(), held);
    }

    /// Everybody who lives behaves from now on.
    fn settle(&mut self) {
        for _ in 0..40 {
            for n in 0..self.clients.len() {
                if self.clients[n].alive {
                    self.give_up(n);
                    self.step(n, false);
                    self.check();
                }
            }
            self.scene.pass(5_000);
        }
        let alive: Vec<&Client> = self.clients.iter().filter(|client| client.alive).collect();
        let expected = if alive.is_empty() { "Empty" } else { "Stable" };
        assert_eq!(self.scene.state(), expected);
        assert_eq!(self.scene.group.members.len(), alive.len());
        let mut owned = Places::new();
        for client in &alive {
            assert_eq!(
                client.owned,
                self.scene.group.members[&client.id].assignment.target
            );
            owned.extend(client.owned.iter().copied());
        }
        for (name, (id, partitions)) in &self.scene.topics.0 {
            let is_wanted = alive.iter().any(|client| client.topics[0] == *name);
            let has = owned.iter().filter(|place| place.0 == *id).count();
            assert_eq!(
                has,
                if is_wanted { *partitions as usize } else { 0 },
                "{name}"
            );
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => any::<bool>().prop_map(|classic| Event::Appear { classic }),
        20 => (0..8_usize).prop_map(Event::Step),
        4 => (0..8_usize).prop_map(Event::Lose),
        8 => (0..8_usize).prop_map(Event::GiveUp),
        1 => (0..8_usize).prop_map(Event::Die),
        1 => (0..8_usize).prop_map(Event::Leave),
        1 => (0..8_usize).prop_map(Event::Resubscribe),
        1 => (0..3_usize, 0..5_i32).prop_map(|(topic, partitions)| Event::Topic(topic, partitions)),
        1 => Just(Event::Restart),
        4 => (0..20_000_u64).prop_map(Event::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_partition_never_has_two_owners_and_everybody_gets_its_share(
        events in proptest::collection::vec(any_event(), 1..120),
    ) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        world.settle();
    }
}
