//! Producer ids come in blocks, of which each broker takes another from ZooKeeper: no two producers of a cluster have the same.

use std::ops::Range;

use kafkalite_coordination::registries::{ProducerIdsZnode, Znode, paths};
use kafkalite_coordination::session::ZooKeeperError;
use kafkalite_wire::ErrorCode;

use super::Membership;
use super::membership::unwritten;
use crate::refusal::Refusal;
use crate::registry::turns::Changed;

/// Brokers may come between as often as this.
const TRIES: usize = 20;

impl Membership {
    /// Takes the next block of so many, not below `unused_from`.
    pub(in crate::registry) async fn take_producer_ids(
        &self,
        broker_id: i32,
        count: i64,
        unused_from: i64,
    ) -> Changed<Range<i64>> {
        let session = self.session()?;
        for _ in 0..TRIES {
            let found = session
                .get(paths::PRODUCER_IDS)
                .await
                .map_err(|error| unwritten(&error))?;
            // It is there and empty before the first.
            let last = match &found {
                Some(node) if !node.data.is_empty() => {
                    let last = node.value::<ProducerIdsZnode>();
                    Some(last.map_err(|garbage| unwritten(&garbage.into()))?.last)
                }
                _ => None,
            };
            let first = last
                .map_or(0, |last| last.saturating_add(1))
                .max(unused_from);
            let Some(end) = first.checked_add(count) else {
                let message = "all producer ids have been used";
                return Err(Refusal::new(ErrorCode::UnknownServerError, message));
            };
            let node = ProducerIdsZnode {
                broker_id,
                first,
                last: end - 1,
            };
            let written = match found {
                Some(found) => {
                    let version = found.version;
                    session
                        .set(paths::PRODUCER_IDS, &node.write(), version)
                        .await
                        .map(drop)
                }
                None => session.create(paths::PRODUCER_IDS, &node.write()).await,
            };
            match written {
                Ok(()) => return Ok(first..end),
                Err(ZooKeeperError::BadVersion { .. } | ZooKeeperError::NodeExists { .. }) => {}
                Err(error) => return Err(unwritten(&error)),
            }
        }
        let message = "other brokers were always first to take producer ids; try again";
        Err(Refusal::new(ErrorCode::RequestTimedOut, message))
    }
}
