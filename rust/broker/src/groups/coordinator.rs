//! Which broker coordinates a group: the one that [keeps](crate::internal_log) it.

use kafkalite_wire::ErrorCode;

use super::Groups;

impl Groups {
    /// The broker that coordinates a group. Creates the topic of groups first where that decides it.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<i32, ErrorCode> {
        if self.log.is_undecided() {
            let ready = self.ready(group).await;
            ready.map_err(|refusal| refusal.code)?;
        }
        let coordinator = self.log.keeper(group);
        coordinator.ok_or(ErrorCode::CoordinatorNotAvailable)
    }

    /// Refuses who asks this broker about a group that another one coordinates.
    pub(crate) fn check_coordinator(&self, group: &str) -> Result<(), ErrorCode> {
        match self.log.keeper(group) {
            Some(broker) if broker == self.registry.node_id() => Ok(()),
            _ => Err(ErrorCode::NotCoordinator),
        }
    }
}
