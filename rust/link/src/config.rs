//! How connections are made.

use std::time::Duration;

use kafkalite_wire::ApiKey;

/// What all connections of one owner have in common.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// The name that brokers know the owner by (`client.id`).
    pub client_id: String,
    /// How long a TCP connection may take to come up (`socket.connection.setup.timeout.ms`).
    pub connect_timeout: Duration,
    /// How long the negotiation of versions may take (`request.timeout.ms`).
    pub request_timeout: Duration,
    /// Pause before the second attempt to reach a broker (`reconnect.backoff.ms`).
    pub reconnect_backoff: Duration,
    /// The longest pause between attempts (`reconnect.backoff.max.ms`).
    pub reconnect_backoff_max: Duration,
    /// The largest response that is taken, in bytes (`receive.message.max.bytes`).
    pub max_response_bytes: usize,
    /// `SO_SNDBUF` in bytes; −1 leaves it to the system (`send.buffer.bytes`).
    pub send_buffer: i32,
    /// `SO_RCVBUF` in bytes; −1 leaves it to the system (`receive.buffer.bytes`).
    pub receive_buffer: i32,
    /// APIs that the owner asks in no higher version than this one.
    pub highest: &'static [(ApiKey, i16)],
}
