//! Groups of KIP-848: heartbeats go into the state machine, what has changed is stored, and then they are answered.

use std::sync::Arc;

use kafkalite_names::ids;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_describe::DescribedConsumerGroup;
use kafkalite_wire::api::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};

use super::commits::seen;
use super::group::GroupKind;
use super::member_client::MemberClient;
use super::{Groups, Held};
use crate::internal_log::StoredUpTo;
use crate::refusal::Refusal;
use kafkalite_groups::consumer::{ConsumerRules, Sender, check};
use kafkalite_groups::records::group_entry;

/// First version of the heartbeat in which members choose their ids (KIP-1082).
const MEMBERS_CHOOSE_IDS: i16 = 1;

impl Groups {
    /// What the settings say about a group of this kind.
    pub(super) fn consumer_rules(&self, group: &str) -> ConsumerRules {
        let settings = self.configs.settings();
        let own = self.configs.group_settings(group);
        ConsumerRules {
            session_timeout_ms: own.session_timeout_ms,
            heartbeat_interval_ms: own.heartbeat_interval_ms,
            max_size: settings.group_consumer_max_size,
            assignors: settings
                .group_consumer_assignors
                .iter()
                .filter_map(|name| name.parse().ok())
                .collect(),
        }
    }

    /// A member joins, stays or leaves. Returns when a restart would know what it is told.
    pub(crate) async fn consumer_heartbeat(
        &self,
        mut request: ConsumerGroupHeartbeatRequest,
        client: MemberClient,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let joins = request.member_epoch == 0;
        if joins && request.member_id.is_empty() && client.api_version < MEMBERS_CHOOSE_IDS {
            request.member_id = ids::to_text(self.world.dice.id());
        }
        let rules = self.consumer_rules(&request.group_id);
        check(&request, &rules)?;
        self.ready(&request.group_id).await?;
        let group_id = request.group_id.clone();
        self.match_patterns(&group_id).await?;
        let found = match &request.subscribed_topic_regex {
            Some(regex) if !regex.is_empty() => Some(self.found(&group_id, regex).await?),
            _ => None,
        };
        let matched = found.as_ref().map(|found| found.matched.clone());
        let sender = Sender {
            client_id: client.id,
            client_host: client.host,
        };
        let failed = |code| Refusal::new(code, "the group could not be stored; try again");
        let missing = || {
            let message = format!("there is no group '{group_id}' of the consumer protocol");
            Refusal::new(ErrorCode::GroupIdNotFound, message)
        };
        let beat = |id: &Arc<str>, held: &mut Held| {
            let topics = self.registry.image();
            let answer = match &held.kind {
                GroupKind::Classic(classic) => {
                    let upgraded = joins.then(|| self.upgraded(classic, &rules)).flatten();
                    let mut consumer = upgraded.ok_or_else(missing)?;
                    // One that is refused leaves the classic group as it is.
                    let answer = consumer.heartbeat(
                        request,
                        matched,
                        sender,
                        &**topics,
                        &rules,
                        self.now(),
                    )?;
                    self.replace_classic(id, held, consumer).map_err(failed)?;
                    Ok(answer)
                }
                GroupKind::Consumer(_) => {
                    held.look_at(&topics);
                    let GroupKind::Consumer(consumer) = &mut held.kind else {
                        return Err(missing());
                    };
                    consumer.heartbeat(request, matched, sender, &**topics, &rules, self.now())
                }
            };
            if let (Some(found), Ok(_)) = (&found, &answer) {
                held.add_matched(&found.among);
            }
            let stored = self.store_changes(id, held);
            self.downgrade_if_due(id, held);
            self.reschedule(id, held);
            // Where nothing has changed it is told what an earlier request has changed, whose answer may have been lost.
            let written = stored.map_err(failed)?;
            Ok((answer?, written.or_else(|| held.written.clone())))
        };
        let outcome = if joins {
            self.with_or_new(&group_id, beat)
        } else {
            self.with(&group_id, beat).unwrap_or_else(|| Err(missing()))
        };
        drop(found);
        let (answer, written) = outcome?;
        seen(written).await.map_err(failed)?;
        Ok(answer)
    }

    /// Appends what has changed of a group of this kind. On an error it is appended with the next change.
    pub(super) fn store_changes(
        &self,
        id: &str,
        held: &mut Held,
    ) -> Result<Option<StoredUpTo>, ErrorCode> {
        let GroupKind::Consumer(consumer) = &mut held.kind else {
            return Ok(None);
        };
        let changes = consumer.take_changes();
        for sentence in changes.news {
            tracing::info!("group {id} {sentence}");
        }
        let entries = consumer.entries(id, &changes.keys).map_err(|error| {
            self.complain(&format!("group {id} cannot be stored: {error}"));
            ErrorCode::UnknownServerError
        })?;
        let outcome = self.append(id, held, &entries);
        match (&outcome, &mut held.kind) {
            (Ok(Some(_)), _) => held.stored = true,
            (Err(_), GroupKind::Consumer(consumer)) => consumer.keep(changes.keys),
            _ => {}
        }
        outcome
    }

    /// Removes the group's own records, of either kind, from the log.
    pub(super) fn unstore(
        &self,
        id: &str,
        held: &mut Held,
    ) -> Result<Option<StoredUpTo>, ErrorCode> {
        if !held.stored {
            return Ok(None);
        }
        let tombstones = match &held.kind {
            GroupKind::Classic(_) => group_entry(id, None).map(|entry| vec![entry]),
            GroupKind::Consumer(consumer) => consumer.tombstones(id),
        };
        let tombstones = tombstones.map_err(|_| ErrorCode::UnknownServerError)?;
        let written = self.append(id, held, &tombstones)?;
        held.stored = false;
        Ok(written)
    }

    /// A group of this kind and its members; `None` if there is no such group.
    pub(crate) fn describe_consumers(&self, group_id: &str) -> Option<DescribedConsumerGroup> {
        let rules = self.consumer_rules(group_id);
        self.with(group_id, |_, held| match &held.kind {
            GroupKind::Consumer(consumer) => {
                let topics = self.registry.image();
                Some(consumer.view(&**topics, &rules))
            }
            GroupKind::Classic(_) => None,
        })
        .flatten()
    }

    /// Whether a member, if one is named, may ask for the group's offsets.
    pub(crate) fn check_fetch(
        &self,
        group_id: &str,
        member_id: Option<&str>,
        member_epoch: i32,
    ) -> Result<(), ErrorCode> {
        let checked = self.with(group_id, |_, held| match &held.kind {
            GroupKind::Consumer(consumer) => consumer.check_fetch(member_id, member_epoch),
            GroupKind::Classic(_) => Ok(()),
        });
        checked.unwrap_or(Ok(()))
    }
}
