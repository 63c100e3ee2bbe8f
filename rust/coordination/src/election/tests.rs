//! Candidates that read, bid and write in any order, sessions that end, answers that get lost, and a place that somebody clears
//! by hand: what a controller writes never comes after what a later one has written.

use std::collections::{BTreeMap, HashMap};

use proptest::collection::vec;
use proptest::prelude::*;

use super::bid::*;
use crate::registries::{ControllerZnode, paths};
use crate::session::{MultiWrite, StoredNode};

const STATE: &str = "/state";

/// What can happen; the number chooses whom it happens to.
#[derive(Debug, Clone, Copy)]
enum Step {
    Look(usize),
    Send(usize),
    Answer(usize, bool),
    Confirm(usize),
    Write(usize),
    Expire(usize),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    prop_oneof![
        4 => who.clone().prop_map(Step::Look),
        4 => who.clone().prop_map(Step::Send),
        3 => (who.clone(), any::<bool>()).prop_map(|(who, heard)| Step::Answer(who, heard)),
        3 => who.clone().prop_map(Step::Confirm),
        6 => who.clone().prop_map(Step::Write),
        1 => who.prop_map(Step::Expire),
        1 => Just(Step::Clear),
    ]
}

#[derive(Default)]
struct Broker {
    session: i64,
    /// Made, and perhaps already sent.
    bid: Option<(MultiWrite, ControllerTerm)>,
    /// What it believes of itself.
    term: Option<ControllerTerm>,
}

#[derive(Default)]
struct World {
    nodes: BTreeMap<String, StoredNode>,
    brokers: Vec<Broker>,
    sessions: i64,
    /// Who has been told of which term.
    terms: HashMap<i32, usize>,
}

impl World {
    fn new() -> Self {
        let mut world = Self::default();
        for _ in 0..3 {
            world.sessions += 1;
            let session = world.sessions;
            world.brokers.push(Broker {
                session,
                ..Broker::default()
            });
        }
        world.sessions += 1;
        let all = MultiWrite::new().create(STATE, b"0".to_vec());
        all.apply(&mut world.nodes, world.sessions).unwrap();
        world
    }

    fn elected(&mut self, who: usize, term: ControllerTerm) {
        assert_eq!(
            *self.terms.entry(term.epoch()).or_insert(who),
            who,
            "one term of two brokers"
        );
        self.brokers[who].term = Some(term);
    }

    fn happens(&mut self, step: Step) {
        match step {
            Step::Look(who) => {
                let broker = &mut self.brokers[who];
                if incumbent(self.nodes.get(paths::CONTROLLER), broker.session) == Incumbent::Nobody
                {
                    let controller = ControllerZnode {
                        broker_id: who as i32,
                        timestamp: 0,
                    };
                    broker.bid = bid(&controller, self.nodes.get(paths::CONTROLLER_EPOCH)).ok();
                }
            }
            Step::Send(who) | Step::Answer(who, false) => {
                let broker = &self.brokers[who];
                if let Some((writes, _)) = &broker.bid {
                    let _ = writes.apply(&mut self.nodes, broker.session);
                }
            }
            Step::Answer(who, true) => {
                let broker = &self.brokers[who];
                if let Some((writes, term)) = broker.bid.clone()
                    && writes.apply(&mut self.nodes, broker.session).is_ok()
                {
                    self.elected(who, term);
                }
            }
            Step::Confirm(who) => {
                let broker = &self.brokers[who];
                let place = incumbent(self.nodes.get(paths::CONTROLLER), broker.session);
                if let (Incumbent::Us, Some((_, term))) = (place, &broker.bid)
                    && is_current(*term, self.nodes.get(paths::CONTROLLER_EPOCH))
                {
                    self.elected(who, *term);
                }
            }
            Step::Write(who) => {
                let broker = &self.brokers[who];
                let before = &self.nodes[STATE];
                if let Some(term) = broker.term {
                    let last: i32 = String::from_utf8(before.data.clone())
                        .unwrap()
                        .parse()
                        .unwrap();
                    let data = term.epoch().to_string().into_bytes();
                    let write = MultiWrite::new().set(STATE, data, before.version);
                    if term
                        .fenced(write)
                        .apply(&mut self.nodes, broker.session)
                        .is_ok()
                    {
                        assert!(
                            term.epoch() >= last,
                            "{} has written after {last}",
                            term.epoch()
                        );
                    }
                }
            }
            Step::Expire(who) => {
                // It has a new session, and does not know yet what that means for its term.
                let over = self.brokers[who].session;
                self.nodes.retain(|_, node| node.owner != Some(over));
                self.sessions += 1;
                self.brokers[who].session = self.sessions;
            }
            Step::Clear => {
                self.nodes.remove(paths::CONTROLLER);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_controller_writes_after_a_later_one(steps in vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.happens(step);
        }
    }
}

#[test]
fn a_first_controller_begins_term_one_and_each_next_one_the_next() {
    let mut nodes = BTreeMap::new();
    let mut terms: Vec<ControllerTerm> = Vec::new();
    for session in [7, 8] {
        let controller = ControllerZnode {
            broker_id: 1,
            timestamp: 0,
        };
        let (writes, term) = bid(&controller, nodes.get(paths::CONTROLLER_EPOCH)).unwrap();
        writes.apply(&mut nodes, session).unwrap();
        assert_eq!(
            incumbent(nodes.get(paths::CONTROLLER), session),
            Incumbent::Us
        );
        assert_eq!(
            incumbent(nodes.get(paths::CONTROLLER), 9),
            Incumbent::Broker(1)
        );
        assert!(is_current(term, nodes.get(paths::CONTROLLER_EPOCH)));
        nodes.remove(paths::CONTROLLER);
        terms.push(term);
    }
    assert_eq!(
        terms.iter().map(ControllerTerm::epoch).collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(!is_current(terms[0], nodes.get(paths::CONTROLLER_EPOCH)));
}

#[test]
fn garbage_is_nobodys_and_is_not_overwritten() {
    let node = |path: &str, data: &[u8]| StoredNode {
        path: path.into(),
        data: data.into(),
        version: 3,
        owner: None,
    };
    let place = incumbent(Some(&node(paths::CONTROLLER, b"me")), 1);
    assert!(matches!(place, Incumbent::Unknown(garbage) if garbage.path == paths::CONTROLLER));
    let controller = ControllerZnode {
        broker_id: 1,
        timestamp: 0,
    };
    for data in ["first", "2147483647"] {
        let garbage = bid(
            &controller,
            Some(&node(paths::CONTROLLER_EPOCH, data.as_bytes())),
        )
        .unwrap_err();
        assert_eq!(garbage.path, paths::CONTROLLER_EPOCH);
    }
}
