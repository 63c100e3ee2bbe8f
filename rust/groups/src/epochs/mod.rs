//! How the members of a group are led to what they shall hold, whatever that is: partitions (KIP-848), tasks (KIP-1071), or
//! partitions that members share (KIP-932).
//!
//! ```text
//! group epoch        grows when members, subscriptions or topics change
//!    │  an assignor computes …
//! targets epoch      … what each member shall hold
//!    │  heartbeats lead each member there
//! member epoch       what this member holds now
//! ```
//!
//! What a member goes through after its target has changed:
//!
//! ```text
//! Stable ──► Revoking ── it says that it has given up ──► Waiting ── others have given up ──► Stable
//!    └─────── nothing to give up ───────────────────────────┘ └─── nothing to wait for ────────┘
//! ```
//!
//! What only one member can hold at a time ([`Assigned`]) is given to another one only after its member has said that it holds
//! it no longer, or is out of the group. Who the members are, what they say and when their time is over is not known here.

mod assigned;
mod group_epochs;
mod member_assignment;
mod occupied;
mod reconciliation;
#[cfg(test)]
mod tests;

pub(crate) use assigned::Assigned;
pub(crate) use group_epochs::GroupEpochs;
pub(crate) use member_assignment::{MemberAssignment, Progress, WrongEpoch};
pub(crate) use occupied::Occupied;
pub(crate) use reconciliation::ReconciliationStep;
