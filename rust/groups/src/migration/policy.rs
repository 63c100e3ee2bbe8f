//! In which direction groups with members may go.

use std::str::FromStr;

/// `group.consumer.migration.policy`. Groups without members always go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MigrationPolicy {
    /// A classic group becomes one of KIP-848 when the first member of that protocol joins.
    pub upgrades: bool,
    /// A group of KIP-848 becomes a classic one when the last member of that protocol leaves.
    pub downgrades: bool,
}

impl FromStr for MigrationPolicy {
    type Err = ();

    /// By Kafka's names.
    fn from_str(name: &str) -> Result<Self, ()> {
        let (upgrades, downgrades) = match name {
            "bidirectional" => (true, true),
            "upgrade" => (true, false),
            "downgrade" => (false, true),
            "disabled" => (false, false),
            _ => return Err(()),
        };
        Ok(Self {
            upgrades,
            downgrades,
        })
    }
}
