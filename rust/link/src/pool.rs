//! Connections by what they are for, made when they are needed and again after they broke.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use kafkalite_world::Dice;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::address::Address;
use crate::backoff::Backoff;
use crate::config::LinkConfig;
use crate::connection::{Connection, Destination};
use crate::error::Result;

/// One connection for each `Key`: a broker, and what is asked of it there. A broker works on one request of a connection at a
/// time, so what waits for long has a key of its own.
#[derive(Debug)]
pub struct Pool<Key> {
    config: LinkConfig,
    dice: Dice,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

type Slot = tokio::sync::Mutex<Entry>;

#[derive(Debug)]
struct Entry {
    connection: Option<Arc<Connection>>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl<Key: Eq + Hash> Pool<Key> {
    /// An empty one, whose pauses have their jitter from these dice.
    pub fn new(config: LinkConfig, dice: Dice) -> Self {
        Self {
            config,
            dice,
            slots: Mutex::default(),
        }
    }

    /// The pauses between attempts to reach one broker.
    pub fn backoff(&self) -> Backoff {
        let (first, longest) = (
            self.config.reconnect_backoff,
            self.config.reconnect_backoff_max,
        );
        Backoff::new(first, longest, self.dice.rng())
    }

    /// How connections are made.
    pub fn config(&self) -> &LinkConfig {
        &self.config
    }

    /// The open connection, or a new one. After a failure the next attempt waits (`reconnect.backoff.ms`).
    pub async fn connection(
        &self,
        key: Key,
        address: &Address,
        destination: Option<Destination>,
    ) -> Result<Arc<Connection>> {
        let slot = Arc::clone(self.slots.lock().entry(key).or_insert_with(|| {
            Arc::new(Slot::new(Entry {
                connection: None,
                backoff: self.backoff(),
                not_before: None,
            }))
        }));
        let mut entry = slot.lock().await;
        if let Some(connection) = &entry.connection
            && connection.is_open()
            && connection.address() == address
        {
            return Ok(Arc::clone(connection));
        }
        entry.connection = None;
        if let Some(moment) = entry.not_before {
            sleep_until(moment).await;
        }
        match Connection::open(address, destination, &self.config).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                entry.connection = Some(Arc::clone(&connection));
                entry.backoff.succeeded();
                entry.not_before = None;
                Ok(connection)
            }
            Err(error) => {
                entry.not_before = Some(Instant::now() + entry.backoff.failed());
                Err(error)
            }
        }
    }

    /// An open connection for something of the kind, if there is one.
    pub fn open(&self, of_kind: impl Fn(&Key) -> bool) -> Option<Arc<Connection>> {
        let slots = self.slots.lock();
        let mut fitting = slots.iter().filter(|(key, _)| of_kind(key));
        fitting.find_map(|(_, slot)| {
            slot.try_lock()
                .ok()?
                .connection
                .clone()
                .filter(|c| c.is_open())
        })
    }

    /// Forgets the connections for all else; those in use live on until their users are done.
    pub fn retain(&self, wanted: impl Fn(&Key) -> bool) {
        self.slots.lock().retain(|key, _| wanted(key));
    }

    /// Closes every connection.
    pub fn clear(&self) {
        let slots = std::mem::take(&mut *self.slots.lock());
        for slot in slots.values() {
            if let Ok(entry) = slot.try_lock()
                && let Some(connection) = &entry.connection
            {
                connection.close();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    fn config() -> LinkConfig {
        LinkConfig {
            client_id: "test".to_owned(),
            connect_timeout: Duration::from_hours(1),
            request_timeout: Duration::from_hours(1),
            reconnect_backoff: Duration::from_secs(1),
            reconnect_backoff_max: Duration::from_mins(1),
            max_response_bytes: 1000,
            send_buffer: -1,
            receive_buffer: -1,
            highest: &[],
        }
    }

    /// The moments of some attempts to reach a port where nobody listens.
    async fn attempts(seed: u64) -> Vec<Duration> {
        let pool = Pool::new(config(), Dice::seeded(seed));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::parse(&listener.local_addr().unwrap().to_string()).unwrap();
        drop(listener);
        let (begun, mut moments) = (Instant::now(), Vec::new());
        for _ in 0..5 {
            pool.connection((), &address, None).await.unwrap_err();
            moments.push(begun.elapsed());
        }
        moments
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_come_at_the_same_moments_again_from_the_seed() {
        let first = attempts(7).await;
        assert!(
            first.is_sorted_by(|one, next| one < next),
            "a pause before each but the first: {first:?}"
        );
        assert_eq!(attempts(7).await, first);
        assert_ne!(attempts(8).await, first);
    }
}
