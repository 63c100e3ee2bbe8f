//! What this broker is to the partition. Whoever appends says in which epoch it was to lead, and is refused under the lock under
//! which it would write if that has passed: a leader that was demoted a moment ago writes nothing more.

use super::Log;
use super::options::AppendOptions;
use crate::producers::Origin;
use crate::{LogError, Result, Role};

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
