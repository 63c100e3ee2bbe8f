//! Is the client's idea of the leader's epoch (KIP-320) the broker's?

use std::cmp::Ordering;

use kafkalite_wire::ErrorCode;

use crate::replicas::partition::Partition;

/// A client that does not know the epoch.
const UNKNOWN: i32 = -1;

/// Refuses a client that believes in an earlier or a later leader.
pub(super) fn check(partition: &Partition, claimed: i32) -> Result<(), ErrorCode> {
    if claimed == UNKNOWN {
        return Ok(());
    }
    match claimed.cmp(&partition.leader_epoch) {
        Ordering::Less => Err(ErrorCode::FencedLeaderEpoch),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(ErrorCode::UnknownLeaderEpoch),
    }
}
