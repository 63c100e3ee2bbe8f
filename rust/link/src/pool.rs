//! Connections by what they are for, made when they are needed and again after they broke.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

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
    /// An empty one.
    pub fn new(config: LinkConfig) -> Self {
        Self {
            config,
            slots: Mutex::default(),
        }
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
            let config = &self.config;
            let backoff = Backoff::new(config.reconnect_backoff, config.reconnect_backoff_max);
            Arc::new(Slot::new(Entry {
                connection: None,
                backoff,
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
