//! Where a member stands in its group.

use std::sync::Arc;

/// A member, as its readers and its commits see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// Empty before the coordinator gave one.
    pub(super) member_id: Arc<str>,
    /// −1 outside of any generation.
    pub(super) generation: i32,
    /// Whether commits in this generation have a chance: no rebalance is under way that waits for others.
    pub(super) is_settled: bool,
    /// The group goes on without the member.
    pub(super) is_out: bool,
    /// The member has left for good.
    pub(super) has_ended: bool,
}

impl Standing {
    /// Outside of the group, which is also how offsets are committed by a consumer that is in no group.
    pub(super) fn outside() -> Self {
        Self {
            member_id: "".into(),
            generation: -1,
            is_settled: false,
            is_out: false,
            has_ended: false,
        }
    }
}
