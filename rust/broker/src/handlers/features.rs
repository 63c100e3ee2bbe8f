//! The features that are in force (KIP-584): what clients look at before they use a newer protocol. Only those are here that
//! have something behind them.

use std::ops::RangeInclusive;

/// A feature and its levels.
pub(super) struct Feature {
    /// Kafka's name.
    pub(super) name: &'static str,
    /// The levels that Apache Kafka knows and this broker could be asked for; 0 is off.
    pub(super) levels: RangeInclusive<i16>,
    /// The level in force. It is that of the code, so it never changes.
    pub(super) in_force: i16,
}

/// All features.
pub(super) const FEATURES: [Feature; 1] = [Feature {
    // The group protocols: 1 is KIP-848.
    name: "group.version",
    levels: 0..=1,
    in_force: 1,
}];
