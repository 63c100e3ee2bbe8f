//! How many connections each address has: `max.connections.per.ip` and its overrides.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// Counts the connections of each address that has any.
#[derive(Debug, Default)]
pub(super) struct Addresses(Counts);

/// One connection of an address; not counted any more when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    address: IpAddr,
    counts: Counts,
}

impl Addresses {
    /// Counts one more connection; `None` if the address has `limit` already.
    pub(super) fn seat(&self, address: IpAddr, limit: usize) -> Option<Seat> {
        let mut counts = self.0.lock();
        let open = counts.get(&address).copied().unwrap_or(0);
        if open >= limit {
            return None;
        }
        counts.insert(address, open + 1);
        Some(Seat {
            address,
            counts: Arc::clone(&self.0),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        match counts.get_mut(&self.address) {
            Some(open) if *open > 1 => *open -= 1,
            _ => drop(counts.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_counted_apart_and_forgotten_when_they_have_no_connection() {
        let (addresses, [one, other]) = (
            Addresses::default(),
            [1, 2].map(|n| IpAddr::from([127, 0, 0, n])),
        );
        let seats: Vec<Seat> = (0..2).filter_map(|_| addresses.seat(one, 2)).collect();
        assert!(addresses.seat(one, 2).is_none() && addresses.seat(other, 0).is_none());
        let apart = addresses.seat(other, 1);
        assert!(apart.is_some());
        drop(seats);
        drop(apart);
        assert!(addresses.0.lock().is_empty());
    }
}
