//! The two epochs that a group has, beside those of its members.

/// How far a group is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct GroupEpochs {
    /// Grows when something has changed that everybody's target depends on; 0 until somebody has joined.
    pub(crate) group: i32,
    /// The group epoch that the members' targets were computed for.
    pub(crate) targets: i32,
}

impl GroupEpochs {
    /// Whether the targets are to be computed anew.
    pub(crate) fn are_targets_due(self) -> bool {
        self.group != self.targets
    }
}
