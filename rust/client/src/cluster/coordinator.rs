//! Which broker keeps a group (`FindCoordinator`): asked once, remembered until it proves wrong.

use std::sync::Arc;

use kafkalite_link::{Address, Connection, NamedBy};
use kafkalite_wire::api::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use kafkalite_wire::{ErrorCode, Request};

use super::group_coordinator::GroupCoordinator;
use super::peer::Peer;
use super::{Cluster, Purpose};
use crate::error::{ClientError, Result};

/// From this version on `FindCoordinator` names several groups.
const SEVERAL: i16 = 4;

impl Cluster {
    /// A group's coordinator, as remembered, or as some broker says. One that is not available yet is an error that may
    /// pass.
    pub(crate) async fn coordinator(&self, group: &str) -> Result<Arc<GroupCoordinator>> {
        if let Some(known) = self.coordinators.lock().get(group) {
            return Ok(Arc::clone(known));
        }
        let request = |version| {
            let (key, keys) = match version {
                SEVERAL.. => (String::new(), vec![group.to_owned()]),
                _ => (group.to_owned(), Vec::new()),
            };
            FindCoordinatorRequest {
                key,
                coordinator_keys: keys,
                ..FindCoordinatorRequest::default()
            }
        };
        let found = Arc::new(found(group, self.ask_any_in_version(request).await?)?);
        self.coordinators
            .lock()
            .insert(group.into(), Arc::clone(&found));
        Ok(found)
    }

    /// Has the next [`coordinator`](Self::coordinator) ask again, unless another one than `wrong` is known by now.
    pub(crate) fn forget_coordinator(&self, group: &str, wrong: &Arc<GroupCoordinator>) {
        let mut known = self.coordinators.lock();
        if known.get(group).is_some_and(|it| Arc::ptr_eq(it, wrong)) {
            known.remove(group);
        }
    }

    /// A connection to a coordinator that is not shared: a `JoinGroup` waits there, and holds up what is sent behind it.
    pub(crate) async fn dedicated_to(&self, coordinator: &GroupCoordinator) -> Result<Connection> {
        let destination = self.destination(coordinator.broker);
        let opened = Connection::open(&coordinator.address, destination, self.pool.config());
        Ok(opened.await?)
    }

    /// Asks a group's coordinator, over the connection that short questions share. `request` is given the version, `code`
    /// finds the error in the answer that concerns the whole group. If that says that another broker is the coordinator,
    /// or if this one can't be reached, it is forgotten and the error returned, so that doing the same again asks anew.
    /// Every other answer is returned as it is.
    pub(crate) async fn ask_coordinator<R: Request>(
        &self,
        group: &str,
        request: impl Fn(i16) -> R,
        code: impl Fn(&R::Response) -> ErrorCode,
    ) -> Result<R::Response> {
        let coordinator = self.coordinator(group).await?;
        let answer = self.ask_of(&coordinator, &request).await;
        let error = match answer {
            Ok(response) if is_elsewhere(code(&response)) => {
                ClientError::broker(R::KEY.name(), shown(group), code(&response), None)
            }
            Err(error) if error.stale_metadata() => error,
            settled => return settled,
        };
        self.forget_coordinator(group, &coordinator);
        Err(error)
    }

    async fn ask_of<R: Request>(
        &self,
        coordinator: &GroupCoordinator,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response> {
        let key = (Peer::Broker(coordinator.broker), Purpose::Ask);
        let destination = self.destination(coordinator.broker);
        let connection = self
            .pool
            .connection(key, &coordinator.address, destination)
            .await?;
        let answer = connection.call_in_version(request, self.config.request_timeout);
        Ok(answer.await?)
    }
}

/// Whether the answer means that another broker keeps the group now.
pub(crate) fn is_elsewhere(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable
    )
}

/// A group as errors name it; of an id without measure only the beginning.
pub(crate) fn shown(group: &str) -> String {
    const MOST: usize = 100;
    match group.char_indices().nth(MOST) {
        Some((end, _)) => format!("group {:?}…", &group[..end]),
        None => format!("group {group:?}"),
    }
}

fn found(group: &str, response: FindCoordinatorResponse) -> Result<GroupCoordinator> {
    let (code, detail, broker, host, port) = match response.coordinators.into_iter().next() {
        Some(it) => (
            it.error_code,
            it.error_message,
            it.node_id,
            it.host,
            it.port,
        ),
        None => (
            response.error_code,
            response.error_message,
            response.node_id,
            response.host,
            response.port,
        ),
    };
    let refused = |code, detail| ClientError::broker("FindCoordinator", shown(group), code, detail);
    if code != ErrorCode::None {
        return Err(refused(code, detail));
    }
    let port = u16::try_from(port).ok().filter(|port| *port > 0);
    let Some(port) = port.filter(|_| !host.is_empty()) else {
        let detail = Some("the answer names no address".to_owned());
        return Err(refused(ErrorCode::CoordinatorNotAvailable, detail));
    };
    Ok(GroupCoordinator {
        broker,
        address: Address {
            host,
            port,
            origin: NamedBy::Advertised(broker),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafkalite_wire::api::find_coordinator::Coordinator as Named;

    #[test]
    fn an_id_of_ten_thousand_characters_does_not_fill_the_message() {
        assert_eq!(shown("readers"), "group \"readers\"");
        assert!(shown(&"ä".repeat(10_000)).chars().count() < 120);
    }

    #[test]
    fn both_shapes_of_the_answer_are_understood() {
        let old = FindCoordinatorResponse {
            node_id: 3,
            host: "a".to_owned(),
            port: 9092,
            ..FindCoordinatorResponse::default()
        };
        let new = FindCoordinatorResponse {
            coordinators: vec![Named {
                key: "g".to_owned(),
                node_id: 3,
                host: "a".to_owned(),
                port: 9092,
                ..Named::default()
            }],
            ..FindCoordinatorResponse::default()
        };
        assert_eq!(found("g", old).unwrap(), found("g", new).unwrap());
    }

    #[test]
    fn an_answer_without_an_address_may_pass() {
        let error = found("g", FindCoordinatorResponse::default()).unwrap_err();
        assert!(error.retriable(), "{error}");
        let refused = FindCoordinatorResponse {
            error_code: ErrorCode::GroupAuthorizationFailed,
            ..FindCoordinatorResponse::default()
        };
        let error = found("g", refused).unwrap_err();
        assert!(
            !error.retriable() && error.to_string().contains("group \"g\""),
            "{error}"
        );
    }
}
