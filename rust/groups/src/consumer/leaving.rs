//! Members that go, of themselves or because their time is over.

use kafkalite_wire::api::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};

use super::member::AWAY;
use super::records::ConsumerKey;
use super::{Consumer, NEVER, Now, Topology};
use crate::epochs::Progress;
use kafkalite_wire::CodedError;

impl Consumer {
    /// Time has passed. Removes those whose time is over.
    pub fn tick(&mut self, topics: &dyn Topology, now: Now) {
        let overdue: Vec<(String, &str)> = self
            .members
            .iter()
            .filter_map(|(id, member)| Some((id.clone(), member.overdue(now)?)))
            .collect();
        for (id, reason) in &overdue {
            self.remove(id, topics);
            self.grow(&format!("{id} {reason}"));
        }
        let deadlines = self.members.values().map(super::Member::next_deadline);
        self.wake = deadlines.min().filter(|&deadline| deadline != NEVER);
    }

    /// A member leaves; a static one perhaps only for a while, and then keeps its place until its session ends.
    pub(super) fn leave(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        topics: &dyn Topology,
    ) -> Result<ConsumerGroupHeartbeatResponse, CodedError> {
        let id = &request.member_id;
        self.named(id, request.instance_id.as_deref())?;
        if request.member_epoch == AWAY {
            self.go_away(id);
        } else {
            self.remove(id, topics);
            self.grow(&format!("{id} leaves"));
        }
        Ok(ConsumerGroupHeartbeatResponse {
            member_id: Some(id.clone()),
            member_epoch: request.member_epoch,
            ..Default::default()
        })
    }

    fn go_away(&mut self, id: &str) {
        if let Some(member) = self.members.get_mut(id) {
            let assignment = &mut member.assignment;
            assignment.release_revoking(&mut self.occupied);
            assignment.go(AWAY);
            assignment.progress = Progress::Stable;
            member.revoke_by = NEVER;
            self.store(ConsumerKey::Current(id.to_owned()));
            self.tell(format!("lets {id} go for a while"));
        }
    }

    /// Takes a member out; what it held is free.
    pub(crate) fn remove(&mut self, id: &str, topics: &dyn Topology) {
        let Some(member) = self.members.remove(id) else {
            return;
        };
        self.occupied.release(member.assignment.held());
        if let Some(instance) = &member.instance_id
            && self
                .statics
                .get(instance)
                .is_some_and(|current| current == id)
        {
            self.statics.remove(instance);
        }
        for key in [
            ConsumerKey::Member,
            ConsumerKey::Target,
            ConsumerKey::Current,
        ] {
            self.store(key(id.to_owned()));
        }
        self.resubscribe(topics);
    }
}
