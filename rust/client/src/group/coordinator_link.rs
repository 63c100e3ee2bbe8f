//! A member's connection to its coordinator: its own, because a `JoinGroup` waits there for the others.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_link::Connection;
use kafkalite_wire::{ErrorCode, Request};
use tokio::sync::Mutex;

use crate::cluster::{Cluster, GroupCoordinator, is_elsewhere};
use crate::error::Result;

#[derive(Debug)]
pub(super) struct CoordinatorLink {
    cluster: Arc<Cluster>,
    group: Arc<str>,
    open: Mutex<Option<(Arc<GroupCoordinator>, Arc<Connection>)>>,
}

impl CoordinatorLink {
    pub(super) fn new(cluster: Arc<Cluster>, group: Arc<str>) -> Self {
        Self {
            cluster,
            group,
            open: Mutex::default(),
        }
    }

    /// Asks the coordinator. If it can't be reached, or if the answer (`code` finds the error in it) says that it is another
    /// broker now, the next question looks for it again.
    pub(super) async fn ask<R: Request>(
        &self,
        request: impl Fn(i16) -> R,
        timeout: Duration,
        code: impl Fn(&R::Response) -> ErrorCode,
    ) -> Result<R::Response> {
        let (coordinator, connection) = self.connected().await?;
        let answer = connection.call_in_version(request, timeout).await;
        let wrong = match &answer {
            Ok(response) => is_elsewhere(code(response)),
            Err(_) => !connection.is_open(),
        };
        if wrong {
            self.cluster.forget_coordinator(&self.group, &coordinator);
            self.hang_up().await;
        }
        Ok(answer?)
    }

    async fn connected(&self) -> Result<(Arc<GroupCoordinator>, Arc<Connection>)> {
        let mut open = self.open.lock().await;
        if let Some((coordinator, connection)) = &*open
            && connection.is_open()
        {
            return Ok((Arc::clone(coordinator), Arc::clone(connection)));
        }
        let coordinator = self.cluster.coordinator(&self.group).await?;
        match self.cluster.dedicated_to(&coordinator).await {
            Ok(connection) => {
                let connected = (coordinator, Arc::new(connection));
                *open = Some(connected.clone());
                Ok(connected)
            }
            Err(error) => {
                self.cluster.forget_coordinator(&self.group, &coordinator);
                Err(error)
            }
        }
    }

    /// Ends the connection; what waits there fails.
    pub(super) async fn hang_up(&self) {
        if let Some((_, connection)) = self.open.lock().await.take() {
            connection.close();
        }
    }
}
