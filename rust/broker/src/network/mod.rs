//! Sockets: accepting, reading frames, writing answers. It knows frames and not what is in them.
//!
//! What a peer can make us hold is bounded: for each connection a buffer of two small frames (64 KiB) at the most, one
//! answer being written, whose records stay in their files, and what a request becomes when it is decoded; for all
//! connections together the bytes of large frames, `queued.max.request.bytes`, from their announcement to their last slice.

mod addresses;
mod connection;
mod frames;
mod listening;
mod quota;
mod sending;
mod turn;

pub(crate) use listening::{bind, serve};
