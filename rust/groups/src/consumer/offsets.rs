//! Who may commit offsets, and ask for those of the group.

use kafkalite_wire::ErrorCode;

use super::places::Place;
use super::{Consumer, Member};

/// First version of `OffsetCommit` that carries a member epoch.
const WITH_MEMBER_EPOCH: i16 = 9;

impl Consumer {
    /// May this member commit offsets of these partitions? `api_version` is that of `OffsetCommit`.
    ///
    /// In an earlier epoch it may for what it has held since then (KIP-1251): its commit was on its way when it was given more.
    pub fn check_commit(
        &self,
        id: &str,
        instance: Option<&str>,
        epoch: i32,
        api_version: i16,
        places: impl IntoIterator<Item = Place>,
    ) -> Result<(), ErrorCode> {
        if epoch < 0 && self.is_empty() {
            // Tools, and consumers that assign partitions themselves.
            return Ok(());
        }
        let member = self.named(id, instance).map_err(|refusal| refusal.code)?;
        if member.classic.is_some() {
            return same_epoch(member, epoch);
        }
        if api_version < WITH_MEMBER_EPOCH {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let assignment = &member.assignment;
        let held_then = |place: Place| assignment.given(&place).is_some_and(|given| given <= epoch);
        let is_now = epoch == assignment.epoch;
        if is_now || (epoch < assignment.epoch && places.into_iter().all(held_then)) {
            Ok(())
        } else {
            Err(ErrorCode::StaleMemberEpoch)
        }
    }

    /// May this member ask for the group's offsets? Who does not name itself may.
    pub fn check_fetch(&self, id: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        let Some(id) = id else {
            return if epoch < 0 {
                Ok(())
            } else {
                Err(ErrorCode::UnknownMemberId)
            };
        };
        let member = self.members.get(id).ok_or(ErrorCode::UnknownMemberId)?;
        same_epoch(member, epoch)
    }
}

fn same_epoch(member: &Member, epoch: i32) -> Result<(), ErrorCode> {
    match (epoch == member.assignment.epoch, member.classic.is_some()) {
        (true, _) => Ok(()),
        (false, true) => Err(ErrorCode::IllegalGeneration),
        (false, false) => Err(ErrorCode::StaleMemberEpoch),
    }
}
