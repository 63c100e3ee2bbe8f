//! Static members (KIP-345): a name of their own that outlives restarts.

use kafkalite_wire::ErrorCode;

use super::heartbeat::unknown;
use super::member::AWAY;
use super::records::ConsumerKey;
use super::{Consumer, Member};
use kafkalite_wire::CodedError;

impl Consumer {
    /// The member that speaks; under its static name, if it says one, it must be the present one.
    pub(crate) fn named(&self, id: &str, instance: Option<&str>) -> Result<&Member, CodedError> {
        if let Some(instance) = instance {
            match self.statics.get(instance) {
                None => return Err(unknown(instance)),
                Some(current) if current != id => {
                    let message = format!("{instance} is {current} by now, and {id} no longer");
                    return Err(CodedError::new(ErrorCode::FencedInstanceId, message));
                }
                Some(_) => {}
            }
        }
        self.members.get(id).ok_or_else(|| unknown(id))
    }

    /// Whether somebody else may take a static name over: only after its member has left for a while, or if that speaks
    /// the classic protocol, which does not say so.
    pub(super) fn check_released(&self, current: &str, instance: &str) -> Result<(), CodedError> {
        let released =
            |member: &Member| member.assignment.epoch == AWAY || member.classic.is_some();
        if self.members.get(current).is_none_or(released) {
            return Ok(());
        }
        Err(CodedError::new(
            ErrorCode::UnreleasedInstanceId,
            format!("{instance} is still {current}, which has not left"),
        ))
    }

    /// A static member is back under a new id: it takes the place, and the target, of who it was.
    pub(crate) fn replace(&mut self, old: &str, new: &str) {
        let Some(member) = self.members.remove(old) else {
            return;
        };
        for key in [
            ConsumerKey::Member,
            ConsumerKey::Target,
            ConsumerKey::Current,
        ] {
            self.store(key(old.to_owned()));
            self.store(key(new.to_owned()));
        }
        if let Some(instance) = &member.instance_id {
            self.statics.insert(instance.clone(), new.to_owned());
        }
        self.members.insert(new.to_owned(), member);
        self.begin_anew(new);
        self.tell(format!("has {old} back as {new}"));
    }

    /// Puts a member in, with what it holds.
    pub(crate) fn insert(&mut self, id: String, member: Member) {
        for place in member.assignment.held() {
            self.occupied.take(place);
        }
        if let Some(instance) = &member.instance_id {
            self.statics.insert(instance.clone(), id.clone());
        }
        self.wake_by(member.next_deadline());
        self.members.insert(id, member);
    }
}
