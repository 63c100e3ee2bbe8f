//! A dispatcher and brokers in any order of events: answers are lost, late or refusals; connections break; leaders move; topics are
//! forgotten or replaced; time passes; the producer is closed.

use fastrand::Rng;
use proptest::prelude::*;

use super::world::{Plan, World};
use crate::config::ProducerConfig;

/// What a run is like.
fn plan(dice: &mut Rng) -> Plan {
    let mut settings = vec![
        ("bootstrap.servers", "test:1".to_owned()),
        ("linger.ms", dice.u64(0..20).to_string()),
        ("retry.backoff.ms", dice.u64(1..50).to_string()),
        ("retry.backoff.max.ms", "100".to_owned()),
        ("delivery.timeout.ms", dice.u64(700..4000).to_string()),
        ("metadata.max.idle.ms", dice.u64(500..8000).to_string()),
        (
            "max.in.flight.requests.per.connection",
            dice.u64(1..=5).to_string(),
        ),
    ];
    let is_long = dice.usize(..8) == 0;
    let (padding, batch, largest) = if is_long {
        settings.push(("compression.type", "lz4".to_owned()));
        (9000, 30_000, 25_000)
    } else {
        (60, dice.usize(200..500), dice.usize(250..700))
    };
    settings.push(("batch.size", batch.to_string()));
    settings.push((
        "max.request.size",
        (batch + dice.usize(..batch * 3)).to_string(),
    ));
    match dice.usize(..10) {
        0 => settings.push(("acks", "0".to_owned())),
        1 => settings.push(("acks", "1".to_owned())),
        2 => settings.push(("retries", dice.usize(1..3).to_string())),
        _ => {}
    }
    let pairs = settings.iter().map(|(name, value)| (*name, &**value));
    // A new id is another producer to the brokers: they cannot tell what the old one sent late.
    let is_ending = dice.usize(..4) == 0;
    Plan {
        config: ProducerConfig::from_pairs(pairs).unwrap(),
        version: if dice.bool() { 12 } else { 13 },
        is_strict: dice.bool(),
        largest_batch: largest,
        padding,
        first_epoch: if is_ending { i16::MAX - 1 } else { 0 },
        has_strays: !is_ending && dice.bool(),
        theme: dice.usize(..6),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_is_lost_repeated_reordered_or_waits_for_ever(
        steps in 50..700_usize,
        is_closed: bool,
        seed: u64,
    ) {
        let mut dice = Rng::with_seed(seed);
        let plan = plan(&mut dice);
        let mut world = World::new(plan, dice);
        for _ in 0..steps {
            world.step();
        }
        if is_closed {
            world.end();
        } else {
            world.calm_down();
        }
        world.check();
    }
}
