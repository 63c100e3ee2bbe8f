//! Groups that go from the classic protocol to KIP-848 and back, with their members.
//!
//! ```text
//! classic ──── a member joins by the consumer protocol ─────► KIP-848, with members of both protocols
//!    ▲                                                                │
//!    └──── the last member of the consumer protocol is gone ◄─────────┘
//! ```
//!
//! Whether a group goes, and what becomes of its members, is decided here ([`upgrade`], [`downgrade`]), and so is what members of
//! the classic protocol are told in a group of KIP-848 (`classic_members`). Neither machine knows of the other. To carry it out,
//! to store one group in the place of the other, is the caller's.

mod classic_members;
mod downgrade;
mod named_partitions;
mod policy;
#[cfg(test)]
mod tests;
mod upgrade;

pub use downgrade::downgrade;
pub use policy::MigrationPolicy;
pub use upgrade::upgrade;
