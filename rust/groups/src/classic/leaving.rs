//! Members that go: by `LeaveGroup`, or because their connection did.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::leave_group::{LeavingMember, LeftMember};

use super::{Classic, Effects, Now, Ticket};

impl Classic {
    /// Members go, or are made to: an administrator names static members by their static name alone.
    pub fn leave(&mut self, leaving: Vec<LeavingMember>, now: Now) -> (Vec<LeftMember>, Effects) {
        let (mut gone, mut pending) = (Vec::new(), false);
        let mut left = Vec::with_capacity(leaving.len());
        for LeavingMember {
            member_id,
            group_instance_id,
            reason,
        } in leaving
        {
            let error_code = match self.leave_one(&member_id, group_instance_id.as_deref()) {
                Ok(None) => {
                    pending = true;
                    ErrorCode::None
                }
                Ok(Some(id)) => {
                    gone.push(match reason.filter(|reason| !reason.is_empty()) {
                        Some(reason) => format!("{id} ({reason})"),
                        None => id,
                    });
                    ErrorCode::None
                }
                Err(error) => error,
            };
            left.push(LeftMember {
                member_id,
                group_instance_id,
                error_code,
            });
        }
        if !gone.is_empty() {
            self.prepare_or_complete(&format!("{} left", gone.join(", ")), now);
        } else if pending {
            self.complete_join_if_all_are_here(now);
        }
        (left, self.take_effects())
    }

    /// The member that was taken out; `None` if it was an id that had not joined yet.
    fn leave_one(
        &mut self,
        member_id: &str,
        instance: Option<&str>,
    ) -> Result<Option<String>, ErrorCode> {
        let id = if member_id.is_empty() {
            let current = instance.and_then(|instance| self.statics.get(instance));
            current.cloned().ok_or(ErrorCode::UnknownMemberId)?
        } else if self.pending.remove(member_id).is_some() {
            return Ok(None);
        } else {
            self.check_member(member_id, instance)?;
            member_id.to_owned()
        };
        self.remove(&id);
        Ok(Some(id))
    }

    /// The client behind a waiting request has gone. A new member cannot come back: nobody was ever told that it is one. The
    /// others may return over another connection, and are given their session timeout for that.
    pub fn abandon(&mut self, ticket: Ticket, now: Now) -> Effects {
        let waiting = self
            .members
            .values()
            .find(|member| member.joining == Some(ticket));
        let ghost = waiting.filter(|member| member.is_new && member.instance_id.is_none());
        if let Some(id) = ghost.map(|member| member.id.clone()) {
            self.remove(&id);
            self.prepare_or_complete(&format!("{id} disconnected before it was answered"), now);
        }
        self.take_effects()
    }
}
