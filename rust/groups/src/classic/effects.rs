//! What goes into the state machine besides requests, and what comes out of it.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::JoinGroupResponse;
use kafkalite_wire::api::sync_group::SyncGroupResponse;

/// Names a request that waits for its answer. Whoever hands a request in chooses it; it must be new.
pub type Ticket = u64;

/// The time of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that only goes forward: deadlines are measured with it.
    pub ms: u64,
    /// Milliseconds since 1970: what is stored.
    pub wall_ms: i64,
}

/// What the broker's settings say about all groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassicRules {
    /// `group.initial.rebalance.delay.ms`.
    pub initial_delay_ms: u64,
    /// `group.max.size`.
    pub max_size: usize,
}

/// Who sends a `JoinGroup`, beyond what the request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joiner {
    /// The client's name for itself.
    pub client_id: String,
    /// Where it connects from, as Kafka writes it: `/127.0.0.1`.
    pub client_host: String,
    /// The member's id if it needs a new one: nothing here draws random numbers.
    pub fresh_id: String,
    /// Its version of the API wants a member to come back with the id that it was given (KIP-394).
    pub returns_with_id: bool,
    /// Its version of the API can tell a leader not to assign anew (KIP-814).
    pub can_skip_assignment: bool,
}

/// The answer to a request that may have waited.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberAnswer {
    /// To a `JoinGroup`.
    Join(JoinGroupResponse),
    /// To a `SyncGroup`.
    Sync(SyncGroupResponse),
}

impl MemberAnswer {
    /// The same answer, if what it rests on could not be stored.
    #[must_use]
    pub fn failed(self, error_code: ErrorCode) -> Self {
        match self {
            Self::Join(response) => Self::Join(JoinGroupResponse {
                error_code,
                member_id: response.member_id,
                ..Default::default()
            }),
            Self::Sync(_) => Self::Sync(SyncGroupResponse {
                error_code,
                ..Default::default()
            }),
        }
    }
}

/// What an event demands. The order counts: first store, then answer.
#[derive(Debug, Default, PartialEq)]
pub struct Effects {
    /// The group as it is now must be stored; answers wait until it is.
    pub store: bool,
    /// Who gets which answer.
    pub answers: Vec<(Ticket, MemberAnswer)>,
    /// What happened, in sentences for the broker's log.
    pub news: Vec<String>,
}
