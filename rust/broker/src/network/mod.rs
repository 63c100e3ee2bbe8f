//! Sockets: accepting, reading frames, writing answers. It knows frames and not what is in them.
//!
//! What a peer can make us hold is bounded: one frame being read a connection, large ones together at most
//! `queued.max.request.bytes`, one answer being written, whose records stay in their files.

mod connection;
mod frames;
mod listening;
mod quota;
mod sending;

pub(crate) use connection::Outcome;
pub(crate) use listening::{bind, serve};
pub(crate) use sending::Answer;
