//! Members that behave, die, hang, come back and speak twice, in any order.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::super::ClassicState;
use super::*;

const PARTITIONS: usize = 7;

/// What may happen next; the number chooses the client.
#[derive(Debug, Clone)]
enum Event {
    /// A client without id asks to join, in this version, with or without a static name.
    Appear {
        version: i16,
        is_static: bool,
    },
    /// A client does the next thing that the protocol wants of it.
    Step(usize),
    /// A client joins again though nobody wants it to; it may subscribe to something else.
    Rejoin(usize, bool),
    /// Its process is killed: what it waits for is lost, it says nothing any more.
    Die(usize),
    /// Its process is killed and the broker notices.
    Disconnect(usize),
    /// It leaves in good order.
    Leave(usize),
    /// It asks for the past.
    StaleSync(usize),
    Pass(u64),
    /// The disk is full, or no longer.
    Fill(bool),
    /// The broker is killed and comes back with what it stored.
    Restart,
}

#[derive(Debug, Clone, PartialEq)]
enum Waits {
    No,
    Joining(Ticket),
    Syncing(Ticket),
}

#[derive(Debug)]
struct Client {
    id: String,
    instance: Option<String>,
    version: i16,
    generation: i32,
    /// Lower generations are over, as far as the broker remembers.
    least: i32,
    waits: Waits,
    /// In its generation it must ask for its assignment next.
    must_sync: bool,
    /// Whom it has to assign to, if it leads.
    members: Vec<String>,
    must_join: bool,
    alive: bool,
    subscription: u8,
}

struct World {
    rules: ClassicRules,
    scene: Scene,
    clients: Vec<Client>,
    open: HashSet<Ticket>,
    /// Who was given which partition in each generation.
    owners: HashMap<i32, BTreeMap<usize, String>>,
}

impl World {
    fn new(delay: u64) -> Self {
        let rules = ClassicRules {
            initial_delay_ms: delay,
            max_size: 6,
        };
        Self {
            rules,
            scene: Scene::new(rules),
            clients: Vec::new(),
            open: HashSet::new(),
            owners: HashMap::new(),
        }
    }

    fn happen(&mut self, event: &Event) {
        let chosen = |n: &usize| n.checked_rem(self.clients.len());
        match event {
            Event::Appear { version, is_static } => {
                let instance = is_static.then(|| format!("static-{}", self.clients.len() % 2));
                self.clients.push(Client {
                    id: String::new(),
                    instance,
                    version: if *is_static {
                        (*version).max(5)
                    } else {
                        *version
                    },
                    generation: -1,
                    least: -1,
                    waits: Waits::No,
                    must_sync: false,
                    members: Vec::new(),
                    must_join: true,
                    alive: true,
                    subscription: 0,
                });
            }
            Event::Step(n) => {
                if let Some(n) = chosen(n) {
                    self.step(n);
                }
            }
            Event::Rejoin(n, change) => {
                if let Some(n) = chosen(n) {
                    self.clients[n].subscription += u8::from(*change);
                    self.clients[n].must_join = true;
                    self.step(n);
                }
            }
            Event::Die(n) => {
                if let Some(n) = chosen(n) {
                    self.clients[n].alive = false;
                }
            }
            Event::Disconnect(n) => {
                if let Some(n) = chosen(n) {
                    self.clients[n].alive = false;
                    if let Waits::Joining(ticket) | Waits::Syncing(ticket) = self.clients[n].waits {
                        self.open.remove(&ticket);
                        self.scene.abandon(ticket);
                    }
                }
            }
            Event::Leave(n) => {
                if let Some(n) = chosen(n) {
                    let id = self.clients[n].id.clone();
                    if !id.is_empty() {
                        self.scene.leave(&id, None);
                    }
                    self.clients[n].alive = false;
                }
            }
            Event::StaleSync(n) => {
                if let Some(n) = chosen(n) {
                    let client = &self.clients[n];
                    // After a restart its past may be the group's present.
                    let stale = client
                        .generation
                        .min(self.scene.group.to_record().generation)
                        - 1;
                    let request = syncing(&client.id, stale, &[]);
                    let ticket = self.scene.send_sync(request);
                    let answer = self.scene.synced(ticket).expect("an answer at once");
                    assert_ne!(answer.error_code, ErrorCode::None);
                }
            }
            Event::Pass(ms) => self.scene.pass(*ms),
            Event::Fill(full) => self.scene.full = *full,
            Event::Restart => self.restart(),
        }
        self.deliver();
    }

    /// Clients lose their connections, and with them what they wait for: they join again.
    fn restart(&mut self) {
        self.scene.restart(self.rules);
        self.open.clear();
        for client in &mut self.clients {
            client.least = -1;
            if client.waits != Waits::No {
                (client.waits, client.must_join) = (Waits::No, true);
            }
        }
    }

    /// A living client that waits for nothing does what is next.
    fn step(&mut self, n: usize) {
        let client = &mut self.clients[n];
        if !client.alive || client.waits != Waits::No {
            return;
        }
        if client.must_join {
            let mut request = joining(&client.id, client.instance.as_deref(), &["range"]);
            request.protocols[0].metadata = Bytes::from(vec![client.subscription]);
            let ticket = self.scene.send_join(request, client.version);
            client.waits = Waits::Joining(ticket);
            self.open.insert(ticket);
        } else if client.must_sync {
            let mut request = syncing(&client.id, client.generation, &[]);
            request.group_instance_id.clone_from(&client.instance);
            let count = client.members.len();
            request.assignments = (client.members.iter().enumerate())
                .map(|(at, id)| SyncGroupAssignment {
                    member_id: id.clone(),
                    assignment: (0..PARTITIONS as u8)
                        .filter(|p| *p as usize % count == at)
                        .collect(),
                })
                .collect();
            let ticket = self.scene.send_sync(request);
            client.waits = Waits::Syncing(ticket);
            self.open.insert(ticket);
        } else {
            let request = HeartbeatRequest {
                member_id: client.id.clone(),
                generation_id: client.generation,
                group_instance_id: client.instance.clone(),
                ..Default::default()
            };
            let code = self.scene.group.heartbeat(&request, self.scene.now());
            self.heard(n, code);
        }
    }

    fn heard(&mut self, n: usize, code: ErrorCode) {
        let client = &mut self.clients[n];
        match code {
            ErrorCode::None => {}
            ErrorCode::RebalanceInProgress | ErrorCode::CoordinatorNotAvailable => {
                client.must_join = true;
            }
            ErrorCode::FencedInstanceId | ErrorCode::GroupMaxSizeReached => client.alive = false,
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                (client.must_join, client.must_sync) = (true, false);
                client.id.clear();
            }
            other => panic!("{client:?} was told {other:?}"),
        }
    }

    fn deliver(&mut self) {
        for (ticket, answer) in std::mem::take(&mut self.scene.answers) {
            if !self.open.remove(&ticket) {
                // Of somebody who was disconnected.
                continue;
            }
            let n = self
                .clients
                .iter()
                .position(|client| matches!(client.waits, Waits::Joining(t) | Waits::Syncing(t) if t == ticket))
                .expect("an open ticket belongs to a client");
            self.clients[n].waits = Waits::No;
            match answer {
                MemberAnswer::Join(response) => self.joined(n, response),
                MemberAnswer::Sync(response) => self.synced(n, &response),
            }
        }
    }

    fn joined(&mut self, n: usize, response: JoinGroupResponse) {
        let client = &mut self.clients[n];
        match response.error_code {
            ErrorCode::None => {
                client.id = response.member_id;
                assert!(
                    response.generation_id >= client.least,
                    "generations only grow"
                );
                client.generation = response.generation_id;
                client.least = client.generation;
                (client.must_join, client.must_sync) = (false, true);
                let ids = response.members.into_iter().map(|member| member.member_id);
                client.members = if response.skip_assignment {
                    Vec::new()
                } else {
                    ids.collect()
                };
            }
            ErrorCode::MemberIdRequired => client.id = response.member_id,
            code => self.heard(n, code),
        }
    }

    fn synced(&mut self, n: usize, response: &SyncGroupResponse) {
        if response.error_code != ErrorCode::None {
            return self.heard(n, response.error_code);
        }
        let client = &mut self.clients[n];
        client.must_sync = false;
        let owners = self.owners.entry(client.generation).or_default();
        for &partition in &response.assignment {
            // A static member that was replaced within the generation is the same member.
            let owner = client.instance.clone().unwrap_or_else(|| client.id.clone());
            let before = owners.insert(partition as usize, owner.clone());
            assert!(
                before.is_none_or(|before| before == owner),
                "two owners of one partition"
            );
        }
    }

    /// From now on nothing goes wrong: everybody who lives does what it should.
    fn settle(&mut self) {
        self.happen(&Event::Fill(false));
        for _ in 0..200 {
            for n in 0..self.clients.len() {
                self.happen(&Event::Step(n));
            }
            self.happen(&Event::Pass(SESSION / 4));
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..10_i16, prop::bool::weighted(0.3)).prop_map(|(version, is_static)| Event::Appear { version, is_static }),
        12 => (0..8_usize).prop_map(Event::Step),
        2 => (0..8_usize, any::<bool>()).prop_map(|(n, change)| Event::Rejoin(n, change)),
        1 => (0..8_usize).prop_map(Event::Die),
        1 => (0..8_usize).prop_map(Event::Disconnect),
        1 => (0..8_usize).prop_map(Event::Leave),
        1 => (0..8_usize).prop_map(Event::StaleSync),
        1 => any::<bool>().prop_map(Event::Fill),
        1 => Just(Event::Restart),
        4 => prop_oneof![0..SESSION / 2, Just(SESSION), 0..2 * REBALANCE].prop_map(Event::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_living_end_in_one_generation(
        delay in prop_oneof![Just(0_u64), Just(3000)],
        events in prop::collection::vec(event(), 0..120),
    ) {
        let mut world = World::new(delay);
        for event in &events {
            world.happen(event);
        }
        world.settle();
        prop_assert!(world.open.is_empty(), "nobody waits for ever: {:?}", world.open);
        let record = world.scene.group.to_record();
        let living: Vec<_> = world.clients.iter().filter(|client| client.alive).collect();
        for client in &living {
            prop_assert_eq!(client.generation, record.generation, "{:?}", client);
        }
        let mut ids: Vec<_> = living.iter().map(|client| client.id.clone()).collect();
        ids.sort();
        let members: Vec<_> = record.members.iter().map(|member| member.member_id.clone()).collect();
        prop_assert_eq!(ids, members);
        if living.is_empty() {
            prop_assert_eq!(world.scene.group.state(), ClassicState::Empty);
            prop_assert_eq!(world.scene.group.wake(), None);
        } else {
            prop_assert_eq!(world.scene.group.state(), ClassicState::Stable);
            let owned: usize = record.members.iter().map(|member| member.assignment.len()).sum();
            prop_assert_eq!(owned, PARTITIONS);
        }
        // And the machine's own counts are in step: a restart makes them anew.
        let restored = Classic::from_record(record.clone(), RULES, world.scene.now());
        prop_assert_eq!(restored.to_record(), record);
    }
}
