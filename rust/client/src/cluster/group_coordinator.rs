//! The broker that keeps a group.

use kafkalite_link::Address;

/// A group's coordinator.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GroupCoordinator {
    /// The broker's id.
    pub(crate) broker: i32,
    pub(crate) address: Address,
}
