//! Groups: list, describe, delete; and [`offsets`]: what they have committed.

mod describing;
mod offsets;

use std::collections::BTreeMap;

use kafkalite_link::{Connection, LinkError};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::delete_groups::DeleteGroupsRequest;
use kafkalite_wire::api::list_groups::ListGroupsRequest;

use super::{Admin, check, only};
use crate::cluster::{Purpose, shown};
use crate::error::Result;
pub use describing::{GroupDescription, GroupMember};
pub use offsets::CommittedOffset;
pub(crate) use offsets::{fetched, whole};

/// A group, as the list of groups has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupListing {
    /// The group's id.
    pub id: String,
    /// Kafka's word for its kind: `classic`, `consumer` (KIP-848), `share`; empty if the broker doesn't say (before 3.8).
    pub kind: String,
    /// Kafka's word for its state: `Stable`, `Empty` …; empty if the broker doesn't say (before 2.6).
    pub state: String,
    /// What its members agree on: `consumer`, `connect`; empty where only offsets are kept.
    pub protocol_type: String,
}

/// From these versions on `ListGroups` filters by state (KIP-518) and by kind (KIP-848).
const BY_STATE: i16 = 4;
const BY_KIND: i16 = 5;

impl Admin {
    /// The groups of all brokers, by id; only those of one of these states and kinds, where any are named.
    ///
    /// # Errors
    /// [`LinkError::Unsupported`](crate::LinkError::Unsupported) if a broker is too old for a filter.
    pub async fn groups(&self, states: &[String], kinds: &[String]) -> Result<Vec<GroupListing>> {
        let found = self
            .retrying("listing groups", || async {
                let metadata = self.cluster.current().await?;
                let mut groups = BTreeMap::new();
                for broker in metadata.brokers.keys() {
                    let connection = self.cluster.connection(*broker, Purpose::Ask).await?;
                    for group in self.groups_of(&connection, states, kinds).await? {
                        groups.insert(group.id.clone(), group);
                    }
                }
                Ok(groups)
            })
            .await?;
        Ok(found.into_values().collect())
    }

    async fn groups_of(
        &self,
        connection: &Connection,
        states: &[String],
        kinds: &[String],
    ) -> Result<Vec<GroupListing>> {
        let version = connection.version::<ListGroupsRequest>()?;
        for (asked, name, since) in [(states, "state", BY_STATE), (kinds, "type", BY_KIND)] {
            if !asked.is_empty() && version < since {
                return Err(LinkError::Unsupported {
                    api: "ListGroups",
                    address: connection.address().clone(),
                    detail: format!("filtering by {name} needs version {since}").into(),
                }
                .into());
            }
        }
        let request = ListGroupsRequest {
            states_filter: states.to_vec(),
            types_filter: kinds.to_vec(),
        };
        let response = connection
            .call(&request, self.config.client.request_timeout)
            .await?;
        let broker = connection.address().to_string();
        check("ListGroups", &broker, response.error_code, None)?;
        let groups = response.groups.into_iter().map(|group| GroupListing {
            id: group.group_id,
            kind: group.group_type,
            state: group.group_state,
            protocol_type: group.protocol_type,
        });
        Ok(groups.collect())
    }

    /// Deletes a group and all that it has committed.
    ///
    /// # Errors
    /// `NON_EMPTY_GROUP` while it has members, `GROUP_ID_NOT_FOUND` if there is no such group.
    pub async fn delete_group(&self, group: &str) -> Result<()> {
        let subject = shown(group);
        self.retrying(&format!("deleting {subject}"), || async {
            let request = |_| DeleteGroupsRequest {
                groups_names: vec![group.to_owned()],
            };
            let first = |response: &kafkalite_wire::api::delete_groups::DeleteGroupsResponse| {
                let result = response.results.first();
                result.map_or(ErrorCode::None, |result| result.error_code)
            };
            let response = self.cluster.ask_coordinator(group, request, first).await?;
            let result = only("DeleteGroups", &subject, response.results)?;
            check("DeleteGroups", &subject, result.error_code, None)
        })
        .await
    }
}
