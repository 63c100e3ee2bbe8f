//! One file an API, each with the same header: API, key, versions, behaviour, version notes.
//!
//! A handler is a plain async function:
//!
//! ```ignore
//! pub(crate) async fn handle(context: &Context, request: FetchRequest) -> Reply<FetchResponse>
//! ```
//!
//! The rules that the connection relies on:
//! - Requests of one connection are handled one at a time, in the order they came; so are their answers.
//! - A handler that parks (Fetch) ends early when [`Context::parking_over`] resolves, and then answers with what it has.
//! - A handler's future may be dropped at any `await` (the peer went away): what it has begun must be complete, or undone, there.
//! - A handler answers with Kafka's error codes; it never fails. What is wrong with one topic is that topic's error.
//! - What blocks for long (fsync, deleting files) goes to `spawn_blocking`; an append into the page cache does not.

mod context;

pub(crate) use context::{Connection, Context, Reply};
