//! Does this broker coordinate the group?

use kafkalite_wire::ErrorCode;

use super::Context;

/// Refuses who asks this broker about a group that another one coordinates. What is wrong with an empty name is said by what the
/// request is for.
pub(super) fn check(context: &Context, group: &str) -> Result<(), ErrorCode> {
    if group.is_empty() {
        return Ok(());
    }
    context.broker.groups.check_coordinator(group)
}
