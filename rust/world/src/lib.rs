//! What brokers and clients take from outside besides the network: the time of day, files, random numbers.
//!
//! Each is given a [`World`] when it starts and takes them from nowhere else, so a test can turn the clock by hand, fill the disk,
//! and draw the same numbers again; one world may be that of several:
//!
//! ```
//! use kafkalite_world::{Dice, ManualClock, World};
//!
//! let clock = ManualClock::at(0);
//! let world = World { clock: clock.clone(), dice: Dice::seeded(1), ..World::real() };
//! clock.advance(std::time::Duration::from_hours(1));
//! assert_eq!(world.now_ms(), 3_600_000);
//! ```

mod clock;
mod dice;
pub mod disk;
mod durable;
#[cfg(any(test, feature = "faults"))]
pub mod faults;

use std::sync::Arc;

pub use clock::{Clock, ManualClock, SystemClock};
pub use dice::Dice;
pub use disk::Disk;

/// Time, files and dice. Cheap to clone.
#[derive(Debug, Clone)]
pub struct World {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The way to every file.
    pub disk: Arc<dyn Disk>,
    /// Random numbers and ids.
    pub dice: Dice,
}

impl World {
    /// The operating system's.
    pub fn real() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            disk: disk::os(),
            dice: Dice::default(),
        }
    }

    /// Milliseconds since 1970 UTC.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::real()
    }
}
