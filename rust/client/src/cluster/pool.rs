//! Connections by broker, made when they are needed and again after they broke.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::address::Address;
use crate::backoff::Backoff;
use crate::config::ClientConfig;
use crate::connection::{Connection, Destination};
use crate::error::Result;

/// What a connection is for. A broker works on one request of a connection at a time, so a fetch that waits for data
/// would hold up everything behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Short questions.
    Ask,
    /// Produce requests.
    Produce,
}

#[derive(Debug, Default)]
pub(super) struct Pool {
    slots: Mutex<HashMap<(Peer, Lane), Arc<Slot>>>,
}

/// A broker, by its id or by its place in `bootstrap.servers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    Bootstrap(usize),
    Broker(i32),
}

type Slot = tokio::sync::Mutex<Entry>;

#[derive(Debug)]
struct Entry {
    connection: Option<Arc<Connection>>,
    backoff: Backoff,
    not_before: Option<Instant>,
}

impl Pool {
    /// The open connection, or a new one. After a failure the next attempt waits (`reconnect.backoff.ms`).
    pub(super) async fn connection(
        &self,
        peer: Peer,
        lane: Lane,
        address: &Address,
        destination: Option<Destination>,
        config: &ClientConfig,
    ) -> Result<Arc<Connection>> {
        let slot = Arc::clone(self.slots.lock().entry((peer, lane)).or_insert_with(|| {
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
        match Connection::open(address, destination, config).await {
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

    /// An open connection for questions, if there is one.
    pub(super) fn open(&self) -> Option<Arc<Connection>> {
        let slots = self.slots.lock();
        let mut asking = slots.iter().filter(|((_, lane), _)| *lane == Lane::Ask);
        asking.find_map(|(_, slot)| {
            slot.try_lock()
                .ok()?
                .connection
                .clone()
                .filter(|c| c.is_open())
        })
    }

    /// Forgets the connections to bootstrap servers; those in use live on until their users are done.
    pub(super) fn drop_bootstrap(&self) {
        self.slots
            .lock()
            .retain(|(peer, _), _| matches!(peer, Peer::Broker(_)));
    }

    pub(super) fn clear(&self) {
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
