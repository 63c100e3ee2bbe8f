//! A group of the classic protocol as a pure state machine: (state, event, now) in, effects out.
//!
//! ```text
//!             a member joins                    everybody has joined,
//!          ┌────────────────────► Preparing ──┐ or the rebalance timeout
//!          │                      Rebalance   │ is over
//!        Empty ◄──────────────────┘ ▲  ▲      ▼
//!          │      nobody is left    │  └── Completing
//!          ▼                        │      Rebalance
//!        Dead      a member joins, leaves,    │ the leader has
//!               changes or expires  │         ▼ assigned
//!                                   └─────── Stable
//! ```
//!
//! Rules that hold in every state:
//! - A ticket that was handed in is answered exactly once: at once, when its phase ends, or when its member goes.
//! - A member whose request waits cannot send heartbeats; its session does not end meanwhile, and starts anew with the
//!   answer. Only a *new* member's may: it would be a ghost otherwise, if its client has gone.
//! - Every wait has a deadline: members that do not join are removed after the longest rebalance timeout among them,
//!   and so are those that do not ask for their assignment.
//!
//! It has no clock, draws no random number and touches neither socket nor file: time, ids and limits come in, answers and
//! the demand to store come out ([`Effects`]).

mod effects;
mod joining;
mod leaving;
mod member;
mod membership;
mod moving;
mod protocols;
mod rebalance;
mod serving;
mod stored;
#[cfg(test)]
mod tests;
mod view;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

pub use effects::{ClassicRules, Effects, Joiner, MemberAnswer, Now, Ticket};
pub use moving::MovingMember;
pub use view::{CONSUMER, ClassicView, MemberView};

use member::Member;
use protocols::Support;

/// Where a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassicState {
    /// No members; perhaps offsets.
    Empty,
    /// Waiting for members to join the next generation.
    PreparingRebalance,
    /// Waiting for the leader to assign.
    CompletingRebalance,
    /// Everybody has, or can ask for, an assignment.
    Stable,
    /// Removed.
    Dead,
}

/// Kafka's spelling.
impl fmt::Display for ClassicState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The wait for more members before the first generation of an empty group.
#[derive(Debug, Clone, Copy)]
struct Growing {
    /// Somebody came since the deadline was last set.
    grew: bool,
    /// How long the present wait is.
    delay_ms: u64,
    /// How much longer it may become.
    remaining_ms: u64,
}

/// A group of the classic protocol.
#[derive(Debug)]
pub struct Classic {
    rules: ClassicRules,
    state: ClassicState,
    /// Milliseconds since 1970 of the last change of state; old records do not tell.
    since_ms: Option<i64>,
    generation: i32,
    /// `None` until a member has joined: offsets may be committed without members.
    protocol_type: Option<String>,
    protocol: Option<String>,
    leader: Option<String>,
    members: BTreeMap<String, Member>,
    /// Members whose `JoinGroup` waits.
    joining: usize,
    support: Support,
    /// The topics that members consume, once that was asked; `None` in it if that cannot be read.
    subscribed: OnceCell<Option<HashSet<String>>>,
    /// The member of each static name (KIP-345).
    statics: HashMap<String, String>,
    /// Ids that were given out and have not joined yet, with their deadlines (KIP-394).
    pending: BTreeMap<String, u64>,
    /// When joining ends.
    join_deadline: Option<u64>,
    growing: Option<Growing>,
    /// When members that owe a `SyncGroup` are removed.
    sync_deadline: Option<u64>,
    /// No deadline is before this one.
    wake: Option<u64>,
    effects: Effects,
}

impl Classic {
    /// An empty group.
    pub fn new(rules: ClassicRules, now: Now) -> Self {
        Self {
            rules,
            state: ClassicState::Empty,
            since_ms: Some(now.wall_ms),
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            joining: 0,
            support: Support::default(),
            subscribed: OnceCell::new(),
            statics: HashMap::new(),
            pending: BTreeMap::new(),
            join_deadline: None,
            growing: None,
            sync_deadline: None,
            wake: None,
            effects: Effects::default(),
        }
    }

    /// When [`tick`](Self::tick) wants to be called at the latest, if at all.
    pub fn wake(&self) -> Option<u64> {
        self.wake
    }

    /// Where it is.
    pub fn state(&self) -> ClassicState {
        self.state
    }

    /// No members, and none on their way.
    pub fn is_idle(&self) -> bool {
        self.state == ClassicState::Empty && self.pending.is_empty()
    }

    /// No generation has ever been formed: nothing of it was stored.
    pub fn is_unborn(&self) -> bool {
        self.generation == 0 && self.protocol_type.is_none()
    }

    /// Ends the group, which must be idle: whoever still holds it finds it dead.
    pub fn bury(&mut self) {
        self.state = ClassicState::Dead;
        self.wake = None;
    }

    fn go(&mut self, state: ClassicState, now: Now) {
        self.state = state;
        self.since_ms = Some(now.wall_ms);
    }

    /// Takes care that `tick` is called by then.
    fn wake_by(&mut self, deadline: u64) {
        self.wake = Some(self.wake.map_or(deadline, |wake| wake.min(deadline)));
    }

    fn answer(&mut self, ticket: Ticket, answer: MemberAnswer) {
        self.effects.answers.push((ticket, answer));
    }

    fn tell(&mut self, news: impl Into<String>) {
        self.effects.news.push(news.into());
    }

    fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }
}
