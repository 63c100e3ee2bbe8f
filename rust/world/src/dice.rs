//! Random numbers: jitter, random partitions, ids.

use std::sync::Arc;

use fastrand::Rng;
use kafkalite_names::ids;
use parking_lot::Mutex;
use uuid::{Builder, Uuid};

/// Where random numbers come from: from the operating system, or all of them from one seed. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Dice {
    seeded: Option<Arc<Mutex<Rng>>>,
}

impl Dice {
    /// Dice that fall the same way whenever they are asked in the same order.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seeded: Some(Arc::new(Mutex::new(Rng::with_seed(seed)))),
        }
    }

    /// Dice for one owner, which fall the same way whatever others draw meanwhile.
    #[must_use]
    pub fn fork(&self) -> Self {
        let seeded = self.seeded.as_ref();
        Self {
            seeded: seeded.map(|shared| Arc::new(Mutex::new(shared.lock().fork()))),
        }
    }

    /// A generator for one owner. Without a seed this takes nanoseconds and no lock, so it may also be for one number.
    pub fn rng(&self) -> Rng {
        match &self.seeded {
            Some(shared) => shared.lock().fork(),
            None => Rng::new(),
        }
    }

    /// A random UUID (version 4).
    pub fn uuid(&self) -> Uuid {
        match &self.seeded {
            Some(shared) => {
                let bytes = shared.lock().u128(..).to_be_bytes();
                Builder::from_random_bytes(bytes).into_uuid()
            }
            // All of its bits from the operating system: nobody else in the world may have it.
            None => Uuid::new_v4(),
        }
    }

    /// A new id of a topic, a cluster, a member, which Kafka's tools take as an argument.
    pub fn id(&self) -> Uuid {
        ids::not_like_an_option(|| self.uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_the_same_numbers_and_ids_again() {
        let drawn = |dice: &Dice| (dice.rng().u64(..), dice.id(), dice.clone().rng().u64(..));
        let first = drawn(&Dice::seeded(7));
        assert_eq!(drawn(&Dice::seeded(7)), first);
        assert_ne!(drawn(&Dice::seeded(8)), first);
        assert_ne!(first.0, first.2);
    }

    #[test]
    fn what_others_draw_changes_nothing_for_who_has_dice_of_its_own() {
        let drawn = |others: usize| {
            let shared = Dice::seeded(7);
            let own = shared.fork();
            for _ in 0..others {
                shared.rng();
            }
            (own.rng().u64(..), own.rng().u64(..))
        };
        assert_eq!(drawn(0), drawn(5));
        assert_ne!(Dice::default().fork().id(), Dice::default().fork().id());
    }

    #[test]
    fn without_a_seed_nothing_comes_again() {
        let dice = Dice::default();
        assert_ne!(dice.rng().u128(..), dice.rng().u128(..));
        assert_ne!(dice.id(), dice.id());
    }
}
