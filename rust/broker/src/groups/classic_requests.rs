//! Requests of members: they go into the state machine, and may wait for its answer.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::join_group::{JoinGroupRequest, JoinGroupResponse};
use kafkalite_wire::api::leave_group::{LeavingMember, LeftMember};
use kafkalite_wire::api::sync_group::{SyncGroupRequest, SyncGroupResponse};
use tokio::sync::oneshot;

use super::group::GroupKind;
use super::member_client::MemberClient;
use super::{Groups, Held};
use kafkalite_groups::classic::{Effects, Joiner, MemberAnswer, Ticket};

/// Longest part of a client's name that its member ids begin with.
const NAME_IN_ID: usize = 200;

/// So many of the largest subscriptions may a member have, one for each protocol that it offers.
const MOST_SUBSCRIPTIONS: usize = 8;
/// What a protocol costs besides its name and subscription.
const PER_PROTOCOL: usize = 128;

/// First version of `JoinGroup` in which a new member comes back with its id (KIP-394).
const RETURNS_WITH_ID: i16 = 4;
/// First version in which a leader can be told not to assign (KIP-814).
const CAN_SKIP_ASSIGNMENT: i16 = 9;

impl Groups {
    /// Enters a group; returns when the generation is formed, or when `over` does: nobody is there any more to answer.
    pub(crate) async fn join(
        &self,
        request: JoinGroupRequest,
        client: MemberClient,
        over: impl Future<Output = ()>,
    ) -> JoinGroupResponse {
        let member_id = request.member_id.clone();
        let refused = |error_code| JoinGroupResponse {
            error_code,
            member_id: member_id.clone(),
            ..Default::default()
        };
        if let Err(code) = self.check_join(&request) {
            return refused(code);
        }
        if let Err(refusal) = self.ready(&request.group_id).await {
            return refused(refusal.code);
        }
        if let Err(code) = self.check_subscriptions(&request) {
            return refused(code);
        }
        let group_id = request.group_id.clone();
        let joiner = self.joiner(&request, client);
        let is_new = request.member_id.is_empty();
        let ticket = self.ticket();
        let join =
            |id: &Arc<str>, held: &mut Held| self.join_any(id, held, request, joiner, ticket);
        let waiting = if is_new {
            self.begin_with_new(&group_id, ticket, join)
        } else {
            // A member of a group that is not there: it was forgotten, with all its members.
            match self.begin(&group_id, ticket, join) {
                Some(waiting) => waiting,
                None => return refused(ErrorCode::UnknownMemberId),
            }
        };
        match self.wait(&group_id, ticket, waiting, over).await {
            Some(MemberAnswer::Join(response)) => response,
            _ => refused(ErrorCode::CoordinatorNotAvailable),
        }
    }

    /// Asks for an assignment; returns when the leader has handed it in, or when `over` does.
    pub(crate) async fn sync(
        &self,
        request: SyncGroupRequest,
        over: impl Future<Output = ()>,
    ) -> SyncGroupResponse {
        let refused = |error_code| SyncGroupResponse {
            error_code,
            ..Default::default()
        };
        let group_id = request.group_id.clone();
        if group_id.is_empty() {
            return refused(ErrorCode::InvalidGroupId);
        }
        let ticket = self.ticket();
        let assigned = request.assignments.iter();
        let assigned: usize = assigned.map(|given| given.assignment.len()).sum();
        let too_much = assigned > self.log.max_record();
        let sync = |_: &Arc<str>, held: &mut Held| match &mut held.kind {
            GroupKind::Classic(classic) if too_much => {
                classic.sync_too_much(request, ticket, self.now())
            }
            GroupKind::Classic(classic) => classic.sync(request, ticket, self.now()),
            GroupKind::Consumer(consumer) => self.sync_mixed(consumer, &request, ticket),
        };
        let Some(waiting) = self.begin(&group_id, ticket, sync) else {
            return refused(ErrorCode::UnknownMemberId);
        };
        match self.wait(&group_id, ticket, waiting, over).await {
            Some(MemberAnswer::Sync(response)) => response,
            _ => refused(ErrorCode::CoordinatorNotAvailable),
        }
    }

    /// Notes that a member lives; answers whether its generation still stands.
    pub(crate) fn heartbeat(&self, request: &HeartbeatRequest) -> ErrorCode {
        if request.group_id.is_empty() {
            return ErrorCode::InvalidGroupId;
        }
        let heartbeat = self.with(&request.group_id, |id, held| {
            held.look_at(&self.registry.image());
            let code = match &mut held.kind {
                GroupKind::Classic(classic) => classic.heartbeat(request, self.now()),
                GroupKind::Consumer(consumer) => self.heartbeat_mixed(consumer, request),
            };
            // Only news of topics: the member is told of them again if they are not stored.
            let _ = self.store(id, held, false);
            self.downgrade_if_due(id, held);
            self.reschedule(id, held);
            code
        });
        heartbeat.unwrap_or(ErrorCode::UnknownMemberId)
    }

    /// Takes members out of a group.
    pub(crate) fn leave(
        &self,
        group_id: &str,
        members: Vec<LeavingMember>,
    ) -> Result<Vec<LeftMember>, ErrorCode> {
        if group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let unknown = |LeavingMember {
                           member_id,
                           group_instance_id,
                           ..
                       }: &LeavingMember| LeftMember {
            member_id: member_id.clone(),
            group_instance_id: group_instance_id.clone(),
            error_code: ErrorCode::UnknownMemberId,
        };
        let strangers: Vec<_> = members.iter().map(unknown).collect();
        let left = self.with(group_id, |id, held| {
            let (left, effects) = match &mut held.kind {
                GroupKind::Classic(classic) => classic.leave(members, self.now()),
                GroupKind::Consumer(consumer) => self.leave_mixed(consumer, members),
            };
            self.carry_out(id, held, effects);
            self.downgrade_if_due(id, held);
            self.forget_if_nothing(id, held);
            left
        });
        Ok(left.unwrap_or(strangers))
    }

    fn check_join(&self, request: &JoinGroupRequest) -> Result<(), ErrorCode> {
        if request.group_id.is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let settings = self.configs.settings();
        let allowed = settings.group_min_session_timeout_ms..=settings.group_max_session_timeout_ms;
        if allowed.contains(&request.session_timeout_ms) {
            Ok(())
        } else {
            Err(ErrorCode::InvalidSessionTimeout)
        }
    }

    /// What a record cannot hold is refused before it is kept. A record holds one subscription of each member.
    fn check_subscriptions(&self, request: &JoinGroupRequest) -> Result<(), ErrorCode> {
        let most = self.log.max_record();
        let protocols = request.protocols.iter();
        let sizes = protocols.map(|own| own.name.len() + own.metadata.len() + PER_PROTOCOL);
        let (largest, all) = sizes.fold((0, 0), |(largest, all), size| {
            (largest.max(size), all + size)
        });
        if largest > most || all > MOST_SUBSCRIPTIONS * most {
            self.complain(&format!(
                "group {}: a member's subscription of {largest} bytes, {all} in all its protocols, is refused; a record of {} holds {most}",
                request.group_id,
                super::TOPIC
            ));
            return Err(ErrorCode::UnknownServerError);
        }
        Ok(())
    }

    fn ticket(&self) -> Ticket {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    fn begin(
        &self,
        group_id: &str,
        ticket: Ticket,
        act: impl FnOnce(&Arc<str>, &mut Held) -> Effects,
    ) -> Option<oneshot::Receiver<MemberAnswer>> {
        self.with(group_id, |id, held| self.hand_in(id, held, ticket, act))
    }

    fn begin_with_new(
        &self,
        group_id: &str,
        ticket: Ticket,
        act: impl FnOnce(&Arc<str>, &mut Held) -> Effects,
    ) -> oneshot::Receiver<MemberAnswer> {
        self.with_or_new(group_id, |id, held| self.hand_in(id, held, ticket, act))
    }

    fn hand_in(
        &self,
        id: &Arc<str>,
        held: &mut Held,
        ticket: Ticket,
        act: impl FnOnce(&Arc<str>, &mut Held) -> Effects,
    ) -> oneshot::Receiver<MemberAnswer> {
        let (send, receive) = oneshot::channel();
        held.waiting.insert(ticket, send);
        let effects = act(id, held);
        self.carry_out(id, held, effects);
        receive
    }

    async fn wait(
        &self,
        group_id: &str,
        ticket: Ticket,
        waiting: oneshot::Receiver<MemberAnswer>,
        over: impl Future<Output = ()>,
    ) -> Option<MemberAnswer> {
        let _waits = Waits {
            groups: self,
            group_id,
            ticket,
        };
        tokio::select! {
            biased;
            answer = waiting => answer.ok(),
            () = over => None,
        }
    }

    fn joiner(&self, request: &JoinGroupRequest, client: MemberClient) -> Joiner {
        let name = request.group_instance_id.as_deref().unwrap_or(&client.id);
        let name = &name[..name.floor_char_boundary(NAME_IN_ID)];
        Joiner {
            fresh_id: format!("{name}-{}", self.world.dice.id().hyphenated()),
            returns_with_id: client.api_version >= RETURNS_WITH_ID,
            can_skip_assignment: client.api_version >= CAN_SKIP_ASSIGNMENT,
            client_id: client.id,
            client_host: client.host,
        }
    }
}

/// Gives a ticket back when nobody waits for its answer any more: the client has gone, or the broker stops.
struct Waits<'a> {
    groups: &'a Groups,
    group_id: &'a str,
    ticket: Ticket,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.groups.with(self.group_id, |id, held| {
            if held.waiting.remove(&self.ticket).is_some()
                && let GroupKind::Classic(classic) = &mut held.kind
            {
                let effects = classic.abandon(self.ticket, self.groups.now());
                self.groups.carry_out(id, held, effects);
            }
        });
    }
}
