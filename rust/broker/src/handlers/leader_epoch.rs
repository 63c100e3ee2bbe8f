//! Does this broker lead the partition, in the epoch that the client thinks of (KIP-320)?

use std::cmp::Ordering;

use kafkalite_log::Role;
use kafkalite_wire::ErrorCode;

use crate::replicas::partition::Partition;

/// A client that does not know the epoch.
pub(super) const UNKNOWN: i32 = -1;

/// Refuses who asks a broker that does not lead the partition, or believes in an earlier or a later leader.
pub(super) fn check(partition: &Partition, claimed: i32) -> Result<(), ErrorCode> {
    let Role::Leader { epoch } = partition.role() else {
        return Err(ErrorCode::NotLeaderOrFollower);
    };
    if claimed == UNKNOWN {
        return Ok(());
    }
    match claimed.cmp(&epoch) {
        Ordering::Less => Err(ErrorCode::FencedLeaderEpoch),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(ErrorCode::UnknownLeaderEpoch),
    }
}
