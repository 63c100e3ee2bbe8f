//! Where a partition's role stands.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::Role;

/// The role, for those who ask without a lock. Nobody has said: then appends of every leader are taken.
#[derive(Debug)]
pub(super) struct RoleCell(AtomicI64);

const UNSAID: i64 = -1;

impl RoleCell {
    pub(super) fn unsaid() -> Self {
        Self(AtomicI64::new(UNSAID))
    }

    pub(super) fn get(&self) -> Option<Role> {
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

    pub(super) fn set(&self, role: Role) {
        let leads = i64::from(matches!(role, Role::Leader { .. }));
        let said = i64::from(role.epoch()) << 1 | leads;
        self.0.store(said, Ordering::Release);
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
