//! A group as it is described to administrators, and what it is subscribed to.

use bytes::Bytes;

use super::{Classic, ClassicState};
use crate::subscription;

/// What a group for consumers calls its protocol.
pub const CONSUMER: &str = "consumer";

/// A group at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassicView {
    /// Where the group is.
    pub state: ClassicState,
    /// What its members do; empty if it never had any.
    pub protocol_type: String,
    /// The way of assigning in use; empty unless the group is stable.
    pub protocol: String,
    /// Its members, by id.
    pub members: Vec<MemberView>,
}

/// A member at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// Its id.
    pub id: String,
    /// The static member's name (KIP-345).
    pub instance_id: Option<String>,
    /// Its client's own name for itself.
    pub client_id: String,
    /// Where it connects from, as Kafka writes it.
    pub client_host: String,
    /// Subscription and assignment; empty unless the group is stable.
    pub metadata: Bytes,
    /// What the leader assigned to it.
    pub assignment: Bytes,
}

impl Classic {
    /// How the group is now.
    pub fn view(&self) -> ClassicView {
        let stable = self.state == ClassicState::Stable;
        let protocol = self.protocol.as_deref().filter(|_| stable);
        let members = self.members.values().map(|member| MemberView {
            id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: member.metadata(protocol),
            assignment: if stable {
                member.assignment.clone()
            } else {
                Bytes::new()
            },
        });
        ClassicView {
            state: self.state,
            protocol_type: self.protocol_type().to_owned(),
            protocol: protocol.unwrap_or_default().to_owned(),
            members: members.collect(),
        }
    }

    /// What the group does; empty if it never had members.
    pub fn protocol_type(&self) -> &str {
        self.protocol_type.as_deref().unwrap_or_default()
    }

    /// Whether its members consume.
    pub fn is_for_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Whether a member consumes the topic, or might. The subscriptions are read when this is first asked, and again only
    /// after a member or its subscription has changed.
    pub fn consumes(&self, topic: &str) -> bool {
        let protocol = self.protocol.as_deref();
        let read = || {
            let members = self.members.values();
            subscription::topics(members.map(|member| member.metadata(protocol)))
        };
        let subscribed = || self.subscribed.get_or_init(read).as_ref();
        self.is_for_consumers() && subscribed().is_none_or(|topics| topics.contains(topic))
    }

    /// From which moment (ms since 1970) an offset committed at `committed_ms` begins to age; `None` while it does not: the
    /// group is in use.
    pub fn ages_from(&self, committed_ms: i64) -> Option<i64> {
        match (&self.protocol_type, self.state) {
            // Consumers without a group: their commits are the only sign of them.
            (None, _) => Some(committed_ms),
            // A group ages as a whole, from when its last member left.
            (Some(_), ClassicState::Empty) => Some(self.since_ms.unwrap_or(committed_ms)),
            // Topics that nobody subscribes to any more.
            (Some(_), ClassicState::Stable) if self.is_for_consumers() => Some(committed_ms),
            _ => None,
        }
    }
}
