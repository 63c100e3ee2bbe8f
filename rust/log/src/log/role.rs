//! What this broker is to the partition. Whoever appends says in which epoch it was to lead, and is refused under the lock under
//! which it would write if that has passed: a leader that was demoted a moment ago writes nothing more.

use std::sync::atomic::{AtomicI64, Ordering};

use super::Log;
use super::options::AppendOptions;
use crate::producers::Origin;
use crate::{LogError, Result, Role};

/// The role, for those who ask without a lock. Nobody has said: then appends of every leader are taken.
#[derive(Debug)]
pub(super) struct RoleCell(AtomicI64);

const UNSAID: i64 = -1;

impl RoleCell {
    pub(super) fn unsaid() -> Self {
        Self(AtomicI64::new(UNSAID))
    }

    fn get(&self) -> Option<Role> {
        match self.0.load(Ordering::Acquire) {
            UNSAID => None,
            said => {
                let epoch = (said >> 1) as i32;
                let leads = said & 1 == 1;
                Some(if leads {
                    Role::Leader { epoch }
                } else {
                    Role::Follower { epoch }
                })
            }
        }
    }

    fn set(&self, role: Role) {
        let leads = i64::from(matches!(role, Role::Leader { .. }));
        let said = i64::from(role.epoch()) << 1 | leads;
        self.0.store(said, Ordering::Release);
    }
}

impl Log {
    /// What this broker is to the partition; `None` before anybody has [said](Log::take_role).
    pub fn role(&self) -> Option<Role> {
        self.role.get()
    }

    /// Has the broker be this to the partition. When this returns, nothing more is appended in an earlier role. A role of an
    /// earlier epoch than the present one, or than the newest in the log, is refused, as is another one of the same: news can
    /// come late. So is a negative epoch, which no leader has.
    pub fn take_role(&self, role: Role) -> Result<()> {
        let _appended = self.appender.lock();
        self.check_open()?;
        let written = self.written.lock().epochs.latest();
        let newest = written.map_or(0, |latest| latest.epoch.max(0));
        let now = self.role.get();
        let is_late = role.epoch() < newest
            || now.is_some_and(|now| now != role && now.epoch() >= role.epoch());
        if is_late {
            return Err(LogError::StaleRole {
                epoch: role.epoch(),
                current: now.map_or(newest, |now| now.epoch().max(newest)),
            });
        }
        self.role.set(role);
        Ok(())
    }

    /// Refuses what is appended in another role than the present one: for good if the appends' lock is held, else as things are.
    pub(super) fn check_role(&self, options: &AppendOptions) -> Result<()> {
        let may = match (self.role.get(), options.origin) {
            (None, _) | (Some(Role::Follower { .. }), Origin::Replica) => true,
            (Some(Role::Leader { epoch }), Origin::Client | Origin::Coordinator) => {
                epoch == options.leader_epoch
            }
            _ => false,
        };
        if may {
            return Ok(());
        }
        Err(LogError::NotLeader {
            epoch: options.leader_epoch,
            role: self.role.get(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_what_was_set() {
        let cell = RoleCell::unsaid();
        assert_eq!(cell.get(), None);
        for epoch in [0, 7, i32::MAX] {
            for role in [Role::Leader { epoch }, Role::Follower { epoch }] {
                cell.set(role);
                assert_eq!(cell.get(), Some(role));
            }
        }
    }
}
