//! The sentence of those APIs of access control that there is nothing behind.

use kafkalite_wire::ErrorCode;

use crate::refusal::Refusal;

/// What Kafka answers without an authorizer, and its clients take calmly.
pub(super) fn refusal() -> Refusal {
    let message = "this broker has no authorizer: everybody may do everything";
    Refusal::new(ErrorCode::SecurityDisabled, message)
}
