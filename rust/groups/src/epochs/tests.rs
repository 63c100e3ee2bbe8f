//! Other things than partitions of consumers: what share groups and streams groups assign.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::convert::Infallible;
use std::iter::{empty, once};

use proptest::prelude::*;

use super::*;

/// A partition that many members read at a time, as in share groups (KIP-932).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shared(u8);

impl Assigned for Shared {
    type Exclusive = Infallible;

    fn excludes(&self) -> impl Iterator<Item = Infallible> {
        empty()
    }
}

/// A task of a streams group (KIP-1071): one member works on it, others keep copies of its state; no process has two copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Task {
    number: u8,
    process: u8,
    is_active: bool,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum PartOfTask {
    Work(u8),
    Copy { number: u8, process: u8 },
}

impl Assigned for Task {
    type Exclusive = PartOfTask;

    fn excludes(&self) -> impl Iterator<Item = PartOfTask> {
        let Self {
            number, process, ..
        } = *self;
        let work = self.is_active.then_some(PartOfTask::Work(number));
        once(PartOfTask::Copy { number, process }).chain(work)
    }
}

/// Something to be assigned, and an assignor that does as a seed says.
trait Toy: Assigned {
    /// What each of the members, which are named by their processes, shall hold. No two exclude each other.
    fn assign(processes: &[u8], seed: u64) -> Vec<BTreeSet<Self>>;
}

const ITEMS: u8 = 6;

/// One of so many, another one for each item.
fn draw(seed: u64, item: u8, choices: usize) -> usize {
    let drawn = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .rotate_left(u32::from(item) * 7);
    (drawn >> 33) as usize % choices
}

impl Toy for Shared {
    fn assign(processes: &[u8], seed: u64) -> Vec<BTreeSet<Self>> {
        let mut targets = vec![BTreeSet::new(); processes.len()];
        for item in 0..ITEMS {
            for (index, target) in targets.iter_mut().enumerate() {
                if draw(seed ^ index as u64, item, 2) == 0 {
                    target.insert(Self(item));
                }
            }
        }
        targets
    }
}

impl Toy for Task {
    fn assign(processes: &[u8], seed: u64) -> Vec<BTreeSet<Self>> {
        let mut targets = vec![BTreeSet::new(); processes.len()];
        for number in 0..ITEMS {
            if processes.is_empty() {
                continue;
            }
            let first = draw(seed, number, processes.len());
            let mut used = HashSet::new();
            for (position, index) in (first..processes.len()).chain(0..first).enumerate() {
                let process = processes[index];
                if used.insert(process) {
                    targets[index].insert(Self {
                        number,
                        process,
                        is_active: position == 0,
                    });
                }
            }
        }
        targets
    }
}

/// What may happen next; the first number chooses the member.
#[derive(Debug, Clone)]
enum Event {
    Appear,
    /// Everybody shall have something else.
    Reassign(u64),
    /// A member is heard of; it may keep silent about what it holds, and may not get the answer.
    Beat {
        member: usize,
        says_what_it_holds: bool,
        is_answered: bool,
    },
    /// It gives up what it was told to.
    GiveUp(usize),
    /// It has been restarted.
    BeginAnew(usize),
    /// Its time is over.
    Remove(usize),
}

/// A member, and what it knows itself.
#[derive(Debug)]
struct Client<A> {
    assignment: MemberAssignment<A>,
    process: u8,
    epoch: i32,
    told: BTreeSet<A>,
    works_with: BTreeSet<A>,
}

struct World<A: Assigned> {
    epochs: GroupEpochs,
    occupied: Occupied<A>,
    clients: BTreeMap<u8, Client<A>>,
    appeared: u8,
    seed: u64,
}

impl<A: Toy> World<A> {
    fn new() -> Self {
        Self {
            epochs: GroupEpochs::default(),
            occupied: Occupied::default(),
            clients: BTreeMap::new(),
            appeared: 0,
            seed: 0,
        }
    }

    fn happen(&mut self, event: &Event) {
        let chosen = |n: usize| {
            let n = n.checked_rem(self.clients.len())?;
            self.clients.keys().nth(n).copied()
        };
        match *event {
            Event::Appear => {
                self.appeared += 1;
                let client = Client {
                    assignment: MemberAssignment::default(),
                    process: self.appeared / 2,
                    epoch: 0,
                    told: BTreeSet::new(),
                    works_with: BTreeSet::new(),
                };
                self.clients.insert(self.appeared, client);
                self.epochs.group += 1;
            }
            Event::Reassign(seed) => {
                self.seed = seed;
                self.epochs.group += 1;
            }
            Event::Beat {
                member,
                says_what_it_holds,
                is_answered,
            } => {
                if let Some(id) = chosen(member) {
                    self.beat(id, says_what_it_holds, is_answered);
                }
            }
            Event::GiveUp(n) => {
                if let Some(id) = chosen(n) {
                    self.give_up(id);
                }
            }
            Event::BeginAnew(n) => {
                if let Some(id) = chosen(n) {
                    self.begin_anew(id);
                }
            }
            Event::Remove(n) => {
                if let Some(gone) = chosen(n).and_then(|id| self.clients.remove(&id)) {
                    self.occupied.release(gone.assignment.held());
                    self.epochs.group += 1;
                }
            }
        }
        self.check();
    }

    fn beat(&mut self, id: u8, says_what_it_holds: bool, is_answered: bool) {
        if self.epochs.are_targets_due() {
            let processes: Vec<u8> = self.clients.values().map(|each| each.process).collect();
            let targets = A::assign(&processes, self.seed);
            for (client, target) in self.clients.values_mut().zip(targets) {
                client.assignment.target = target;
            }
            self.epochs.targets = self.epochs.group;
        }
        let client = self.clients.get_mut(&id).unwrap();
        let owned = says_what_it_holds.then(|| client.works_with.clone());
        let assignment = &mut client.assignment;
        if assignment
            .check_epoch(client.epoch, owned.as_ref())
            .is_err()
        {
            self.begin_anew(id);
            return;
        }
        let before = (
            assignment.epoch,
            assignment.progress,
            assignment.assigned.clone(),
        );
        let step = assignment.reconcile(self.epochs.targets, owned.as_ref(), &mut self.occupied);
        let moved = before.2 != assignment.assigned;
        let advanced = (before.0, before.1) != (assignment.epoch, assignment.progress);
        let expected = match (moved, advanced) {
            (true, _) => ReconciliationStep::Moves,
            (false, true) => ReconciliationStep::Advances,
            (false, false) => ReconciliationStep::Stays,
        };
        assert_eq!(step, expected);
        assert!(before.0 <= assignment.epoch);
        if is_answered {
            client.epoch = assignment.epoch;
            client.told = assignment.assigned.keys().cloned().collect();
            // What is new to it, it works with at once; what it lost, only some time later not any more.
            client.works_with.extend(client.told.iter().cloned());
        }
    }

    fn give_up(&mut self, id: u8) {
        let client = self.clients.get_mut(&id).unwrap();
        client.works_with.retain(|item| client.told.contains(item));
    }

    fn begin_anew(&mut self, id: u8) {
        let client = self.clients.get_mut(&id).unwrap();
        client.assignment.begin_anew(&mut self.occupied);
        client.epoch = 0;
        client.told.clear();
        client.works_with.clear();
    }

    /// Nobody works with what excludes what another one works with, and what is kept from others is held by somebody.
    fn check(&self) {
        let mut in_work = HashSet::new();
        let mut kept = HashSet::new();
        for (id, client) in &self.clients {
            let own: HashSet<_> = client.works_with.iter().flat_map(A::excludes).collect();
            for each in own {
                assert!(in_work.insert(each), "{id} is not the only one: {client:?}");
            }
            for each in client.assignment.held().flat_map(A::excludes) {
                assert!(kept.insert(each), "{client:?}");
            }
            assert!(
                client
                    .assignment
                    .held()
                    .all(|item| !self.occupied.is_free(item) || item.excludes().next().is_none())
            );
            assert!(client.assignment.epoch <= self.epochs.targets);
        }
        assert_eq!(kept.len(), self.occupied.len());
        assert!(self.epochs.targets <= self.epochs.group);
    }

    /// Everybody behaves from now on, and comes to have what it shall have.
    fn settle(&mut self) {
        for _ in 0..10 {
            for id in self.clients.keys().copied().collect::<Vec<_>>() {
                self.give_up(id);
                self.beat(id, true, true);
                self.check();
            }
        }
        for client in self.clients.values() {
            assert!(client.assignment.is_at(self.epochs.targets), "{client:?}");
            assert!(!client.assignment.waits_for_others(&self.occupied));
            assert_eq!(client.works_with, client.assignment.target);
        }
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let beat = (0..8_usize, any::<bool>(), prop::bool::weighted(0.8));
    prop_oneof![
        3 => Just(Event::Appear),
        3 => any::<u64>().prop_map(Event::Reassign),
        20 => beat.prop_map(|(member, says_what_it_holds, is_answered)| Event::Beat {
            member,
            says_what_it_holds,
            is_answered,
        }),
        8 => (0..8_usize).prop_map(Event::GiveUp),
        1 => (0..8_usize).prop_map(Event::BeginAnew),
        1 => (0..8_usize).prop_map(Event::Remove),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(any_event(), 1..120)
}

fn run<A: Toy>(events: &[Event]) {
    let mut world = World::<A>::new();
    for event in events {
        world.happen(event);
    }
    world.settle();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_task_has_one_worker_and_a_process_one_copy_and_everybody_gets_its_tasks(events in events()) {
        run::<Task>(&events);
    }

    #[test]
    fn who_shares_with_others_gets_its_partitions_whatever_the_others_do(events in events()) {
        run::<Shared>(&events);
    }
}

#[test]
fn what_is_shared_is_given_and_taken_at_once() {
    let mut occupied = Occupied::default();
    let (mut one, mut other) = (MemberAssignment::default(), MemberAssignment::default());
    one.target = [Shared(0), Shared(1)].into();
    other.target = [Shared(1)].into();
    assert_eq!(
        one.reconcile(1, None, &mut occupied),
        ReconciliationStep::Moves
    );
    assert_eq!(
        other.reconcile(1, None, &mut occupied),
        ReconciliationStep::Moves
    );
    assert!(one.is_at(1) && other.is_at(1));
    one.target = [Shared(1)].into();
    assert_eq!(
        one.reconcile(2, None, &mut occupied),
        ReconciliationStep::Moves
    );
    assert!(one.is_at(2) && one.revoking.is_empty());
}

#[test]
fn a_copy_becomes_a_worker_after_the_copy_was_closed_and_the_worker_has_stopped() {
    let task = |process, is_active| Task {
        number: 0,
        process,
        is_active,
    };
    let mut occupied = Occupied::default();
    let (mut worker, mut copy) = (MemberAssignment::default(), MemberAssignment::default());
    worker.target = [task(1, true)].into();
    copy.target = [task(2, false)].into();
    worker.reconcile(1, Some(&[].into()), &mut occupied);
    copy.reconcile(1, Some(&[].into()), &mut occupied);
    // They change places.
    worker.target = [task(1, false)].into();
    copy.target = [task(2, true)].into();
    let held = [task(2, false)].into();
    copy.reconcile(2, Some(&held), &mut occupied);
    assert_eq!(copy.progress, Progress::Revoking);
    copy.reconcile(2, Some(&[].into()), &mut occupied);
    assert_eq!(copy.progress, Progress::Waiting);
    worker.reconcile(2, Some(&[].into()), &mut occupied);
    assert!(worker.is_at(2));
    copy.reconcile(2, Some(&[].into()), &mut occupied);
    assert!(copy.is_at(2));
}
