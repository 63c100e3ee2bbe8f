//! One of the brokers is the controller, which decides for all: whose session holds `/controller`. When that is gone the others
//! try to take its place, and whoever is first has it.
//!
//! A controller may not know yet that it is none any more. So its every write goes with a condition: that `/controller_epoch`,
//! which each new controller writes in the same step in which it takes the place, has not been written since ([`ControllerTerm`]).

mod bid;
mod candidate;
#[cfg(test)]
mod tests;

pub use bid::ControllerTerm;
pub use candidate::{Candidate, ControllerWriteError, Leadership};
