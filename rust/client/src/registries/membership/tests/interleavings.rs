//! Random interleavings of all that can happen, from seeds.

use std::collections::BTreeMap;
use std::time::Duration;

use kafkalite_coordination::registries::ConsumerSubscription;
use kafkalite_names::TopicPartition;

use super::super::RegistryEvent;
use super::registry::Owner;
use super::world::World;

const STEPS: usize = 600;
/// Nothing may take longer than this once nothing happens any more.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a state has to last to be quiet.
const QUIET: Duration = Duration::from_secs(15);
const TICK: Duration = Duration::from_millis(100);

fn subscription(world: &mut World) -> ConsumerSubscription {
    let streams = world.rng.u32(1..=3);
    match world.rng.u8(..6) {
        0 => ConsumerSubscription::WhiteList {
            pattern: "[abc]".to_owned(),
            streams,
        },
        1 => ConsumerSubscription::BlackList {
            pattern: "b".to_owned(),
            streams,
        },
        2 => ConsumerSubscription::Topics(BTreeMap::from([("a".to_owned(), streams)])),
        _ => ConsumerSubscription::Topics(BTreeMap::from([
            ("a".to_owned(), streams),
            ("b".to_owned(), 1),
        ])),
    }
}

fn partition(world: &mut World) -> Option<TopicPartition> {
    let all: Vec<_> = world.messages.keys().cloned().collect();
    world.rng.choice(all)
}

/// One thing that somebody does or that befalls somebody.
fn event(world: &mut World) {
    let count = world.consumers.len();
    let at = world.rng.usize(..count.max(1));
    match world.rng.u8(..100) {
        0..=5 if count < 5 => {
            let to = subscription(world);
            world.add_consumer(to);
        }
        6..=7 if count > 1 => {
            world.consumers[at].tell(RegistryEvent::Close, world.now);
        }
        8..=9 if count > 1 => {
            world.consumers.swap_remove(at);
        }
        10..=11 if count > 0 => {
            let to = subscription(world);
            world.consumers[at].subscribe(Some(to), world.now);
        }
        12..=17 if count > 0 => world.connect(at, false),
        18..=24 if count > 0 => world.connect(at, true),
        25..=28 if count > 0 => world.consumers[at].is_suspended = true,
        29..=34 if count > 0 => world.consumers[at].is_suspended = false,
        35..=36 => away(world, true),
        37..=39 => away(world, false),
        40..=44 => {
            let topic = *world.rng.choice(&["a", "b", "c"]).unwrap();
            let partitions = world.rng.i32(1..=6);
            world.grow(topic, partitions);
        }
        45 => world
            .registry
            .notices
            .push(super::registry::Notice::Changed),
        46..=47 => {
            if let Some(of) = partition(world)
                && !world.registry.owners.contains_key(&of)
            {
                let garbage = Owner {
                    thread: None,
                    session: None,
                };
                world.registry.own(&of, garbage);
            }
        }
        48..=50 => mend_owners(world),
        51..=53 => foreign_commit(world),
        54..=70 => {
            if let Some(of) = partition(world) {
                let count = world.rng.usize(1..4);
                world.publish(&of, count);
            }
        }
        _ => {
            let by = Duration::from_millis(world.rng.u64(..1_500));
            world.advance(by);
        }
    }
}

fn away(world: &mut World, is_away: bool) {
    if std::mem::replace(&mut world.is_away, is_away) == is_away {
        return;
    }
    for at in 0..world.consumers.len() {
        world.connect(at, !is_away);
    }
    if !is_away {
        world.registry.hear_all(world.now);
    }
}

fn mend_owners(world: &mut World) {
    let owners = world.registry.owners.iter();
    let garbage: Vec<_> = owners
        .filter(|(_, owner)| owner.session.is_none())
        .map(|(of, _)| of.clone())
        .collect();
    for of in garbage {
        world.registry.disown(&of);
    }
}

/// A consumer of another make sets an offset back, as Kafka's old one does, or sets it forth, or writes garbage.
fn foreign_commit(world: &mut World) {
    let Some(of) = partition(world) else { return };
    let Some((offset, version)) = world.registry.offsets.get(&of).copied() else {
        return;
    };
    // Or one that had the partition before is late, and further.
    let handed_out = world.messages[&of].iter().take_while(|it| **it).count() as i64;
    let most = if world.rng.bool() {
        handed_out
    } else {
        offset.unwrap_or(0)
    };
    let to = world.rng.i64(0..=most);
    let to = (world.rng.u8(..3) > 0).then_some(to);
    world.registry.write(&of, to, Some(version));
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    world.fails = world.rng.bool();
    world.grow("a", 4);
    for _ in 0..STEPS {
        if world.rng.u8(..4) == 0 {
            event(&mut world);
        }
        if world.consumers.is_empty() {
            continue;
        }
        let at = world.rng.usize(..world.consumers.len());
        for _ in 0..world.rng.usize(1..4) {
            work(&mut world, at);
        }
        world.consumers.retain(|it| !it.machine.has_ended());
    }
    settle(&mut world, seed);
}

/// A consumer does something, if it can.
fn work(world: &mut World, at: usize) {
    world.spread_notices();
    if !world.consumers[at].is_suspended {
        let now = world.now;
        match world.rng.u8(..4) {
            0 => world.consumers[at].ping(now),
            // Perhaps the machine was told nothing for long: what readers get does not depend on that.
            1 => drop(world.read(at)),
            _ => {
                let (registry, consumer) = (&world.registry, &mut world.consumers[at]);
                consumer.look_at_the_clock(registry, now);
            }
        }
    }
    world.step(at);
}

/// Nothing happens any more: everybody comes to rest, with all that is there divided and read.
fn settle(world: &mut World, seed: u64) {
    world.fails = false;
    away(world, false);
    mend_owners(world);
    for at in 0..world.consumers.len() {
        world.consumers[at].is_suspended = false;
        world.connect(at, true);
    }
    for (offset, version) in world.registry.offsets.values_mut() {
        *version += i32::from(offset.is_none());
        offset.get_or_insert(0);
    }
    if world.consumers.is_empty() {
        return;
    }
    // Then each offset is written once more, also those that were set back.
    let all: Vec<_> = world.messages.keys().cloned().collect();
    for of in &all {
        world.publish(of, 1);
    }
    let (mut spent, mut quiet) = (Duration::ZERO, Duration::ZERO);
    let mut objection = None;
    while quiet < QUIET {
        assert!(
            spent < PATIENCE,
            "seed {seed}: after {PATIENCE:?}, {}",
            objection.unwrap_or_default()
        );
        world.advance(TICK);
        spent += TICK;
        for at in 0..world.consumers.len() {
            let now = world.now;
            world.spread_notices();
            world.consumers[at].ping(now);
            let (registry, consumer) = (&world.registry, &mut world.consumers[at]);
            consumer.look_at_the_clock(registry, now);
            let mut steps = 0;
            while world.read(at) || world.step(at) {
                world.spread_notices();
                steps += 1;
                assert!(
                    steps < 100_000,
                    "seed {seed}: {} is never done",
                    world.consumers[at].id
                );
            }
        }
        world.consumers.retain(|it| !it.machine.has_ended());
        objection = world.objection();
        quiet = match objection {
            None => quiet + TICK,
            Some(_) => Duration::ZERO,
        };
    }
}

#[test]
fn whatever_happens_each_partition_has_one_reader_and_nothing_is_lost() {
    // More by hand.
    let seeds = std::env::var("KAFKALITE_INTERLEAVINGS");
    for seed in 0..seeds.map_or(100, |count| count.parse().unwrap()) {
        let outcome = std::panic::catch_unwind(|| run(seed));
        if let Err(reason) = outcome {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(reason);
        }
    }
}
