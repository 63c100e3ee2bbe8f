//! Groups that go from the classic protocol to KIP-848 and back, and requests of classic members in between.

use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::join_group::{JoinGroupRequest, JoinGroupResponse};
use kafkalite_wire::api::leave_group::{LeavingMember, LeftMember};
use kafkalite_wire::api::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::group::GroupKind;
use super::{Groups, Held};
use kafkalite_groups::classic::{Classic, Effects, Joiner, MemberAnswer, Ticket};
use kafkalite_groups::consumer::{Consumer, ConsumerRules};
use kafkalite_groups::migration::{self, MigrationPolicy};

impl Groups {
    /// A classic member joins a group of whatever kind.
    pub(super) fn join_any(
        &self,
        id: &Arc<str>,
        held: &mut Held,
        request: JoinGroupRequest,
        joiner: Joiner,
        ticket: Ticket,
    ) -> Effects {
        let refused = |error_code, member_id| JoinGroupResponse {
            error_code,
            member_id,
            ..Default::default()
        };
        if let Err(code) = self.give_up_if_empty(id, held) {
            return answered(ticket, MemberAnswer::Join(refused(code, request.member_id)));
        }
        held.look_at(&self.registry.image());
        let (rules, now) = (self.consumer_rules(id), self.now());
        match &mut held.kind {
            GroupKind::Classic(classic) => classic.join(request, joiner, ticket, now),
            GroupKind::Consumer(consumer) => {
                let topics = self.registry.image();
                let member_id = request.member_id.clone();
                let outcome = consumer.join(request, joiner, &**topics, &rules, now);
                let response = outcome.unwrap_or_else(|code| refused(code, member_id));
                answered(ticket, MemberAnswer::Join(response))
            }
        }
    }

    /// A group of KIP-848 without members becomes a classic one when a classic member joins.
    fn give_up_if_empty(&self, id: &str, held: &mut Held) -> Result<(), ErrorCode> {
        match &held.kind {
            GroupKind::Consumer(consumer) if consumer.is_empty() => {
                self.unstore(id, held)?;
                held.kind = GroupKind::new_classic(Classic::new(self.rules(), self.now()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A classic member asks a group of KIP-848 for its assignment.
    pub(super) fn sync_mixed(
        &self,
        consumer: &mut Consumer,
        request: &SyncGroupRequest,
        ticket: Ticket,
    ) -> Effects {
        let topics = self.registry.image();
        let synced = consumer.sync(
            request,
            &**topics,
            &self.consumer_rules(&request.group_id),
            self.now(),
        );
        let refused = |error_code| SyncGroupResponse {
            error_code,
            ..Default::default()
        };
        answered(ticket, MemberAnswer::Sync(synced.unwrap_or_else(refused)))
    }

    /// A classic member of a group of KIP-848 says that it lives.
    pub(super) fn heartbeat_mixed(
        &self,
        consumer: &mut Consumer,
        request: &HeartbeatRequest,
    ) -> ErrorCode {
        let beat = consumer.beat(request, &self.consumer_rules(&request.group_id), self.now());
        beat.err().unwrap_or(ErrorCode::None)
    }

    /// Classic members leave a group of KIP-848.
    pub(super) fn leave_mixed(
        &self,
        consumer: &mut Consumer,
        members: Vec<LeavingMember>,
    ) -> (Vec<LeftMember>, Effects) {
        let topics = self.registry.image();
        (consumer.part(members, &**topics), Effects::default())
    }

    /// The group of KIP-848 that a classic one can become, with its members; `None` if it cannot.
    pub(super) fn upgraded(&self, classic: &Classic, rules: &ConsumerRules) -> Option<Consumer> {
        let topics = self.registry.image();
        migration::upgrade(classic, self.policy(), &**topics, rules, self.now())
    }

    fn policy(&self) -> MigrationPolicy {
        let settings = self.configs.settings();
        let policy = settings.group_consumer_migration_policy.parse();
        policy.unwrap_or_default()
    }

    /// Puts a group of KIP-848 in the place of a classic one. Who waits there is told to join again. On an error nothing has
    /// changed.
    pub(super) fn replace_classic(
        &self,
        id: &str,
        held: &mut Held,
        consumer: Consumer,
    ) -> Result<(), ErrorCode> {
        self.unstore(id, held)?;
        if let GroupKind::Classic(classic) = &mut held.kind {
            let effects = classic.dissolve();
            for (ticket, answer) in effects.answers {
                held.send(ticket, answer);
            }
        }
        held.kind = GroupKind::Consumer(Box::new(consumer));
        (held.seen, held.matched) = (None, None);
        Ok(())
    }

    /// Makes a group of KIP-848 that has only classic members left a classic one.
    pub(super) fn downgrade_if_due(&self, id: &Arc<str>, held: &mut Held) {
        let GroupKind::Consumer(consumer) = &held.kind else {
            return;
        };
        let (topics, rules, now) = (self.registry.image(), self.rules(), self.now());
        let downgraded = migration::downgrade(consumer, self.policy(), &**topics, rules, now);
        let Some((classic, effects)) = downgraded else {
            return;
        };
        if let Err(code) = self.unstore(id, held) {
            tracing::warn!("group {id} stays one of the consumer protocol: {code:?}");
            return;
        }
        held.kind = GroupKind::new_classic(classic);
        self.carry_out(id, held, effects);
    }
}

fn answered(ticket: Ticket, answer: MemberAnswer) -> Effects {
    Effects {
        answers: vec![(ticket, answer)],
        ..Effects::default()
    }
}
