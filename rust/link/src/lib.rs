//! What who asks a Kafka broker needs, be it a client or another broker: connections that are dialled, negotiate versions and
//! pipeline requests ([`Connection`]); one of each kind to each broker, made again after it broke ([`Pool`]).
//!
//! It does not know which brokers there are, sends nothing twice and decides nothing about what was asked: a request that was
//! in flight when its connection ended is an error for who asked.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod address;
mod backoff;
mod config;
mod connection;
mod error;
mod pool;

pub use address::{Address, InvalidAddress, NamedBy};
pub use backoff::Backoff;
pub use config::LinkConfig;
pub use connection::{Connection, Destination, PendingReply, PendingWrite};
pub use error::LinkError;
pub use pool::Pool;
