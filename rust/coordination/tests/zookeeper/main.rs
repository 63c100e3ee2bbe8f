//! Sessions with a real ZooKeeper, through `tests/peers/zookeeper`. Where this machine cannot have it the tests say so and end;
//! with `KAFKALITE_REQUIRE_PEERS=1` in the environment they fail instead.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod beside_kafka;
mod connecting;
mod electing;
mod expiring;
mod kafka;
mod network;
mod server;
mod suspending;
mod watching;
mod writing;
