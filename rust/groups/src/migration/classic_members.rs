//! Members of the classic protocol in a group of KIP-848.
//!
//! Their generation is their member epoch. Nobody waits for anybody: a `JoinGroup` is answered at once with what can be
//! given now, and who can be given more later hears from its heartbeats that it shall join again.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::join_group::{JoinGroupRequest, JoinGroupResponse};
use kafkalite_wire::api::leave_group::{LeavingMember, LeftMember};
use kafkalite_wire::api::sync_group::{SyncGroupRequest, SyncGroupResponse};
use kafkalite_wire::consumer_protocol::ConsumerProtocolSubscription;

use super::named_partitions::{named, places_of};
use crate::classic::{CONSUMER, Joiner};
use crate::consumer::{
    ClassicRecord, Consumer, ConsumerKey, ConsumerRules, MAX_IN_KEY, MAX_RECORD, Member, NEVER,
    Now, ProtocolRecord, Topology,
};
use crate::epochs::Progress;

impl Consumer {
    /// A member of the classic protocol joins, or comes back for more.
    pub fn join(
        &mut self,
        request: JoinGroupRequest,
        joiner: Joiner,
        topics: &dyn Topology,
        rules: &ConsumerRules,
        now: Now,
    ) -> Result<JoinGroupResponse, ErrorCode> {
        let is_known = self.members.contains_key(&request.member_id);
        let is_back = request
            .group_instance_id
            .as_ref()
            .is_some_and(|instance| self.statics.contains_key(instance));
        if !is_known && !is_back && self.members.len() >= rules.max_size {
            return Err(ErrorCode::GroupMaxSizeReached);
        }
        let subscription = self.supported(&request)?;
        let owned = &subscription.owned_partitions;
        let works = owned.iter().any(|topic| !topic.partitions.is_empty());
        if !is_known && !is_back && (works || request.member_id.len() > MAX_IN_KEY) {
            // It was removed without knowing, and others may have what it works with: it must first hear of that. And no
            // broker has ever given out an id so long that it cannot be stored.
            return Err(ErrorCode::UnknownMemberId);
        }
        if request.member_id.is_empty()
            && request.group_instance_id.is_none()
            && joiner.returns_with_id
        {
            return Ok(JoinGroupResponse {
                error_code: ErrorCode::MemberIdRequired,
                member_id: joiner.fresh_id,
                ..Default::default()
            });
        }
        let (id, is_new) = self.admit_classic(&request, &joiner)?;
        let owned = places_of(&subscription.owned_partitions, topics);
        if self.take_classic(&id, request, joiner, subscription) || is_new {
            self.resubscribe(topics);
            self.grow(&format!("{id} joins by the classic protocol"));
        }
        self.update_targets(topics, rules);
        self.reconcile(&id, Some(&owned), now);
        let Some(member) = self.members.get_mut(&id) else {
            return Err(ErrorCode::UnknownMemberId);
        };
        member.renew(rules, now);
        member.join_by = NEVER;
        member.sync_by = now.ms.saturating_add(member.rebalance_ms());
        let response = JoinGroupResponse {
            generation_id: member.assignment.epoch,
            protocol_type: Some(CONSUMER.to_owned()),
            protocol_name: member.protocol().map(|protocol| protocol.name.clone()),
            member_id: id,
            ..Default::default()
        };
        let deadline = member.next_deadline();
        self.wake_by(deadline);
        Ok(response)
    }

    /// What the member subscribes to, if it and the other classic members could agree.
    fn supported(
        &self,
        request: &JoinGroupRequest,
    ) -> Result<ConsumerProtocolSubscription, ErrorCode> {
        let offered = &request.protocols;
        let names = offered.iter().map(|own| (own.name.as_str(), 0));
        let mut supporters: HashMap<&str, usize> = names.collect();
        let others = self
            .members
            .iter()
            .filter(|(id, _)| **id != request.member_id)
            .filter_map(|(_, member)| member.classic.as_ref());
        let mut count = 0;
        for other in others {
            count += 1;
            for own in &other.protocols {
                if let Some(supporters) = supporters.get_mut(own.name.as_str()) {
                    *supporters += 1;
                }
            }
        }
        let has_common = supporters.values().any(|&supporters| supporters == count);
        if request.protocol_type != CONSUMER || !has_common {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        if offered
            .iter()
            .map(|own| own.metadata.len() + own.name.len())
            .sum::<usize>()
            > MAX_RECORD
        {
            return Err(ErrorCode::UnknownServerError);
        }
        let first = offered.first().map(|first| &first.metadata);
        first
            .and_then(|metadata| ConsumerProtocolSubscription::decode(metadata).ok())
            .ok_or(ErrorCode::InconsistentGroupProtocol)
    }

    fn admit_classic(
        &mut self,
        request: &JoinGroupRequest,
        joiner: &Joiner,
    ) -> Result<(String, bool), ErrorCode> {
        let instance = request.group_instance_id.as_deref();
        let current = instance
            .and_then(|instance| self.statics.get(instance))
            .cloned();
        let id = match (request.member_id.as_str(), current) {
            ("", Some(current)) => {
                self.replace(&current, &joiner.fresh_id);
                return Ok((joiner.fresh_id.clone(), false));
            }
            ("", None) => joiner.fresh_id.clone(),
            (id, _) => {
                if instance.is_some() {
                    self.named(id, instance).map_err(|refusal| refusal.code)?;
                }
                id.to_owned()
            }
        };
        if self.members.contains_key(&id) {
            return Ok((id, false));
        }
        self.insert(id.clone(), Member::new());
        self.store(ConsumerKey::Current(id.clone()));
        Ok((id, true))
    }

    /// Takes over what a member says about itself. Whether it subscribes to something else than before.
    fn take_classic(
        &mut self,
        id: &str,
        request: JoinGroupRequest,
        joiner: Joiner,
        subscription: ConsumerProtocolSubscription,
    ) -> bool {
        let Some(member) = self.members.get_mut(id) else {
            return false;
        };
        let before = member.to_record();
        (member.client_id, member.client_host) = (joiner.client_id, joiner.client_host);
        if let Some(instance) = request.group_instance_id {
            self.statics.insert(instance.clone(), id.to_owned());
            member.instance_id = Some(instance);
        }
        member.rack_id = subscription.rack_id.or(member.rack_id.take());
        member.rebalance_timeout_ms = match request.rebalance_timeout_ms {
            ..0 => request.session_timeout_ms,
            timeout => timeout,
        };
        member.topics = subscription.topics.into_iter().collect();
        member.regex = None;
        let mut protocols: Vec<ProtocolRecord> = Vec::new();
        let mut known = HashSet::new();
        for offered in request.protocols {
            // Each name once: a classic group counts who supports it.
            if known.insert(offered.name.clone()) {
                let metadata = Bytes::copy_from_slice(&offered.metadata);
                let name = offered.name;
                protocols.push(ProtocolRecord { name, metadata });
            }
        }
        member.classic = Some(ClassicRecord {
            session_timeout_ms: request.session_timeout_ms,
            protocols,
        });
        let after = member.to_record();
        if before != after {
            self.store(ConsumerKey::Member(id.to_owned()));
        }
        (before.topics, before.regex) != (after.topics, after.regex)
    }

    /// A member of the classic protocol asks for what it may have now.
    pub fn sync(
        &mut self,
        request: &SyncGroupRequest,
        topics: &dyn Topology,
        rules: &ConsumerRules,
        now: Now,
    ) -> Result<SyncGroupResponse, ErrorCode> {
        let (id, instance) = (&request.member_id, request.group_instance_id.as_deref());
        let protocol = self.classic(id, instance, request.generation_id)?.clone();
        let differs =
            |said: &Option<String>, is: &str| said.as_ref().is_some_and(|said| said != is);
        if differs(&request.protocol_type, CONSUMER)
            || differs(&request.protocol_name, &protocol.name)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        let epoch = self.epochs.group;
        let member = self.members.get_mut(id).ok_or(ErrorCode::UnknownMemberId)?;
        let assignment = &member.assignment;
        if epoch > assignment.epoch && assignment.progress != Progress::Revoking {
            self.call_back(id, now);
            return Err(ErrorCode::RebalanceInProgress);
        }
        member.sync_by = NEVER;
        member.renew(rules, now);
        let assignment = named(&member.assignment.assigned, topics)
            .encode()
            .map_err(|_| ErrorCode::UnknownServerError)?;
        let expires = member.expires;
        self.wake_by(expires);
        Ok(SyncGroupResponse {
            protocol_type: request.protocol_type.clone(),
            protocol_name: request.protocol_name.clone(),
            assignment,
            ..Default::default()
        })
    }

    /// A member of the classic protocol says that it lives, and hears whether it shall join again.
    pub fn beat(
        &mut self,
        request: &HeartbeatRequest,
        rules: &ConsumerRules,
        now: Now,
    ) -> Result<(), ErrorCode> {
        let (id, instance) = (&request.member_id, request.group_instance_id.as_deref());
        self.classic(id, instance, request.generation_id)?;
        let member = self.members.get_mut(id).ok_or(ErrorCode::UnknownMemberId)?;
        member.renew(rules, now);
        let expires = member.expires;
        let assignment = &member.assignment;
        let shall_join = match assignment.progress {
            _ if assignment.epoch < self.epochs.group => true,
            Progress::Revoking => true,
            Progress::Waiting => !assignment.waits_for_others(&self.occupied),
            Progress::Stable => false,
        };
        self.wake_by(expires);
        if shall_join {
            self.call_back(id, now);
            return Err(ErrorCode::RebalanceInProgress);
        }
        Ok(())
    }

    /// A member is told to join again, and has its rebalance timeout for that.
    fn call_back(&mut self, id: &str, now: Now) {
        if let Some(member) = self.members.get_mut(id)
            && member.join_by == NEVER
        {
            member.join_by = now.ms.saturating_add(member.rebalance_ms());
            let deadline = member.join_by;
            self.wake_by(deadline);
        }
    }

    /// Members of the classic protocol leave.
    pub fn part(&mut self, leaving: Vec<LeavingMember>, topics: &dyn Topology) -> Vec<LeftMember> {
        let mut gone = Vec::new();
        let left = leaving.into_iter().map(|leaving| {
            let instance = leaving.group_instance_id.as_deref();
            let id = match (leaving.member_id.as_str(), instance) {
                // An administrator names static members by their static name alone.
                ("", Some(instance)) => self.statics.get(instance).cloned().unwrap_or_default(),
                (id, _) => id.to_owned(),
            };
            let outcome = match self.named(&id, instance) {
                Ok(member) if member.classic.is_some() => Ok(()),
                Ok(_) => Err(ErrorCode::UnknownMemberId),
                Err(refusal) => Err(refusal.code),
            };
            if outcome.is_ok() {
                self.remove(&id, topics);
                gone.push(id);
            }
            LeftMember {
                member_id: leaving.member_id,
                group_instance_id: leaving.group_instance_id,
                error_code: outcome.err().unwrap_or(ErrorCode::None),
            }
        });
        let left = left.collect();
        if !gone.is_empty() {
            self.grow(&format!("{} leaves", gone.join(", ")));
        }
        left
    }

    /// The protocol that a classic member was told, if it is one and in this generation.
    fn classic(
        &self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<&ProtocolRecord, ErrorCode> {
        let member = self.named(id, instance).map_err(|refusal| refusal.code)?;
        let protocol = member.protocol().ok_or(ErrorCode::UnknownMemberId)?;
        if member.assignment.epoch == generation {
            Ok(protocol)
        } else {
            Err(ErrorCode::IllegalGeneration)
        }
    }
}

impl Member {
    /// What a classic member likes best.
    fn protocol(&self) -> Option<&ProtocolRecord> {
        self.classic.as_ref()?.protocols.first()
    }
}
