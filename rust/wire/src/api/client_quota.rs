//! Whom a quota is for: what the two APIs of quotas share.

use crate::Message;

/// One part of a quota's entity: all users or one, all client ids or one, all addresses or one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Message)]
pub struct QuotaEntityPart {
    /// `user`, `client-id` or `ip`.
    pub entity_type: String,
    /// Its name; null is the default for those that have no quota of their own.
    #[wire(nullable = ..)]
    pub entity_name: Option<String>,
}
