//! `ConsumerGroupHeartbeat`: joining, staying, and being led to one's share.

use std::collections::BTreeSet;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};

use super::limits::{MAX_IN_KEY, MAX_RECORD};
use super::member::AWAY;
use super::patterns::LONGEST;
use super::records::ConsumerKey;
use super::{Assignor, Consumer, ConsumerRules, Matched, Member, NEVER, Now, Topology, places};
use crate::epochs::WrongEpoch;
use kafkalite_names::counted;
use kafkalite_wire::CodedError;

/// The epoch of a member that joins.
pub(super) const JOINS: i32 = 0;
/// The epoch of a member that leaves.
pub(super) const LEAVES: i32 = -1;

/// Who sends a request, beyond what the request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The client's name for itself.
    pub client_id: String,
    /// Where it connects from, as Kafka writes it: `/127.0.0.1`.
    pub client_host: String,
}

/// Whether a request makes sense, whatever the group is like, and whatever [`Pattern::compile`](super::Pattern::compile) says of its regular expression.
pub fn check(
    request: &ConsumerGroupHeartbeatRequest,
    rules: &ConsumerRules,
) -> Result<(), CodedError> {
    let invalid = |message: &str| Err(CodedError::new(ErrorCode::InvalidRequest, message));
    let blank = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
    if request.group_id.trim().is_empty() {
        return invalid("a group's id is not empty");
    }
    if request.member_id.trim().is_empty() {
        return invalid("a member chooses its id before it joins (KIP-1082)");
    }
    if blank(&request.instance_id) || blank(&request.rack_id) {
        return invalid("where instance id or rack are given they are not empty");
    }
    if !fits_into_records(request) {
        return invalid("ids or topics are too long to be stored");
    }
    if let Some(regex) = &request.subscribed_topic_regex
        && regex.len() > LONGEST
    {
        let message = format!(
            "a regular expression has {LONGEST} bytes at the most, not {}; subscribe by names, or by a prefix that they have",
            regex.len()
        );
        return Err(CodedError::new(
            ErrorCode::InvalidRegularExpression,
            message,
        ));
    }
    match request.member_epoch {
        JOINS => {
            if request.rebalance_timeout_ms == -1 {
                return invalid("a member that joins says its rebalance timeout");
            }
            if !request.topic_partitions.as_ref().is_some_and(Vec::is_empty) {
                return invalid("a member that joins owns no partitions");
            }
            if request.subscribed_topic_names.is_none() && request.subscribed_topic_regex.is_none()
            {
                return invalid("a member that joins says what it subscribes to");
            }
        }
        AWAY if request.instance_id.is_none() => {
            return invalid("only static members leave for a while");
        }
        ..AWAY => return invalid("a member epoch is -2, -1, 0 or larger"),
        _ => {}
    }
    let known = |name: &String| {
        name.parse::<Assignor>()
            .is_ok_and(|assignor| rules.assignors.contains(&assignor))
    };
    match &request.server_assignor {
        Some(name) if !known(name) => {
            let known: Vec<_> = rules.assignors.iter().map(ToString::to_string).collect();
            let message = format!("there is no assignor '{name}', only {}", known.join(", "));
            Err(CodedError::new(ErrorCode::UnsupportedAssignor, message))
        }
        _ => Ok(()),
    }
}

impl Consumer {
    /// A member is heard of. Its request was [`check`]ed, and comes with what its regular expression stands for if it has one.
    pub fn heartbeat(
        &mut self,
        request: ConsumerGroupHeartbeatRequest,
        matched: Option<Matched>,
        sender: Sender,
        topics: &dyn Topology,
        rules: &ConsumerRules,
        now: Now,
    ) -> Result<ConsumerGroupHeartbeatResponse, CodedError> {
        if matches!(request.member_epoch, LEAVES | AWAY) {
            return self.leave(&request, topics);
        }
        let id = request.member_id.clone();
        let regex = request.subscribed_topic_regex.clone();
        let regex = regex.filter(|regex| !regex.is_empty());
        if let Some(regex) = &regex {
            self.check_regex(&id, regex)?;
        }
        let owned = request.topic_partitions.as_deref().map(places::owned);
        let is_full = request.member_epoch == JOINS
            || (request.rebalance_timeout_ms != -1
                && owned.is_some()
                && (request.subscribed_topic_names.is_some()
                    || request.subscribed_topic_regex.is_some()));
        let is_new = if request.member_epoch == JOINS {
            self.admit(&id, request.instance_id.as_deref(), topics, rules)?
        } else {
            self.check_present(&request, owned.as_ref())?;
            false
        };
        let changed = self.take(&id, request, sender);
        if let Some(regex) = regex {
            self.use_regex(&regex, matched);
        }
        if is_new || changed {
            self.resubscribe(topics);
            let does = if is_new {
                "joins"
            } else {
                "subscribes to something else"
            };
            self.grow(&format!("{id} {does}"));
        }
        self.update_targets(topics, rules);
        let moved = self.reconcile(&id, owned.as_ref(), now);
        let Some(member) = self.members.get_mut(&id) else {
            return Err(unknown(&id));
        };
        member.renew(rules, now);
        let expires = member.expires;
        let response = ConsumerGroupHeartbeatResponse {
            member_epoch: member.assignment.epoch,
            heartbeat_interval_ms: rules.heartbeat_interval_ms,
            assignment: (is_full || moved).then(|| places::to_answer(&member.assignment.assigned)),
            member_id: Some(id),
            ..Default::default()
        };
        self.wake_by(expires);
        Ok(response)
    }

    /// Lets a member in that holds nothing. Whether the group has not known it.
    fn admit(
        &mut self,
        id: &str,
        instance: Option<&str>,
        topics: &dyn Topology,
        rules: &ConsumerRules,
    ) -> Result<bool, CodedError> {
        if let Some(instance) = instance
            && let Some(current) = self.statics.get(instance).cloned()
            && current != id
        {
            self.check_released(&current, instance)?;
            // It may have been a member of another name, or of none, which is out now.
            let was_other = self.members.contains_key(id);
            self.remove(id, topics);
            self.replace(&current, id);
            return Ok(was_other);
        }
        if let Some(other) = self
            .members
            .get(id)
            .and_then(|member| member.instance_id.as_deref())
            && Some(other) != instance
        {
            // It has become a dynamic member, or somebody else's.
            self.remove(id, topics);
        }
        if self.members.contains_key(id) {
            self.begin_anew(id);
            return Ok(false);
        }
        if self.members.len() >= rules.max_size {
            let members = counted(self.members.len(), "member");
            let message = format!("the group is full: it has {members}");
            return Err(CodedError::new(ErrorCode::GroupMaxSizeReached, message));
        }
        self.insert(id.to_owned(), Member::new());
        self.store(ConsumerKey::Member(id.to_owned()));
        self.store(ConsumerKey::Current(id.to_owned()));
        Ok(true)
    }

    /// Forgets what a member held: it says that it holds nothing any more.
    pub(super) fn begin_anew(&mut self, id: &str) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        member.assignment.begin_anew(&mut self.occupied);
        (member.revoke_by, member.join_by, member.sync_by) = (NEVER, NEVER, NEVER);
        self.store(ConsumerKey::Current(id.to_owned()));
    }

    fn check_present(
        &self,
        request: &ConsumerGroupHeartbeatRequest,
        owned: Option<&places::Places>,
    ) -> Result<(), CodedError> {
        let id = &request.member_id;
        let member = self.named(id, request.instance_id.as_deref())?;
        let (is, says) = (member.assignment.epoch, request.member_epoch);
        member.assignment.check_epoch(says, owned).map_err(|wrong| {
            let what = match wrong {
                WrongEpoch::Ahead => "which has not come yet",
                WrongEpoch::Over => "which is over",
            };
            let message = format!("{id} is in epoch {is} and says {says}, {what}");
            CodedError::new(ErrorCode::FencedMemberEpoch, message)
        })
    }

    /// Takes over what a member says about itself. Whether it subscribes to something else than before.
    fn take(&mut self, id: &str, request: ConsumerGroupHeartbeatRequest, sender: Sender) -> bool {
        let Some(member) = self.members.get_mut(id) else {
            return false;
        };
        let is_same = member.client_id == sender.client_id
            && member.client_host == sender.client_host
            && member.classic.is_none();
        if is_same && says_nothing_new(&request) {
            return false;
        }
        let before = member.to_record();
        let Sender {
            client_id,
            client_host,
        } = sender;
        (member.client_id, member.client_host) = (client_id, client_host);
        member.classic = None;
        if let Some(instance) = request.instance_id {
            self.statics.insert(instance.clone(), id.to_owned());
            member.instance_id = Some(instance);
        }
        if request.rack_id.is_some() {
            member.rack_id = request.rack_id;
        }
        if request.rebalance_timeout_ms != -1 {
            member.rebalance_timeout_ms = request.rebalance_timeout_ms;
        }
        if request.server_assignor.is_some() {
            member.assignor = request.server_assignor;
        }
        if let Some(names) = request.subscribed_topic_names {
            member.topics = names.into_iter().collect::<BTreeSet<_>>();
        }
        if let Some(regex) = request.subscribed_topic_regex {
            member.regex = Some(regex).filter(|regex| !regex.is_empty());
        }
        let after = member.to_record();
        if before != after {
            self.store(ConsumerKey::Member(id.to_owned()));
        }
        (before.topics, before.regex) != (after.topics, after.regex)
    }
}

/// What stands in keys is a string of the old kind, and a record fits into a batch of `__consumer_offsets`: otherwise one
/// member could keep the group from being stored.
fn fits_into_records(request: &ConsumerGroupHeartbeatRequest) -> bool {
    let in_keys = [&request.group_id, &request.member_id];
    let in_values = [&request.instance_id, &request.rack_id]
        .into_iter()
        .flatten();
    let names = request.subscribed_topic_names.iter().flatten();
    let bytes: usize = in_values.chain(names).map(|text| text.len() + 4).sum();
    bytes <= MAX_RECORD && in_keys.iter().all(|text| text.len() <= MAX_IN_KEY)
}

/// Whether a heartbeat is but a sign of life, as nearly all are.
fn says_nothing_new(request: &ConsumerGroupHeartbeatRequest) -> bool {
    request.instance_id.is_none()
        && request.rack_id.is_none()
        && request.rebalance_timeout_ms == -1
        && request.subscribed_topic_names.is_none()
        && request.subscribed_topic_regex.is_none()
        && request.server_assignor.is_none()
}

pub(super) fn unknown(id: &str) -> CodedError {
    CodedError::new(
        ErrorCode::UnknownMemberId,
        format!("{id} is no member of the group"),
    )
}
