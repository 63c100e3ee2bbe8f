//! Settings that every client has.

use std::time::Duration;

use kafkalite_link::LinkConfig;
use kafkalite_settings::INT_MAX;
use kafkalite_settings::ValueKind::{Boolean, Bytes, List, Millis, Text};
use kafkalite_wire::ApiKey;

use super::settings;

settings! {
    /// Settings that producer, consumer and admin client share.
    ClientConfig {
        bootstrap_servers: Vec<String> = "bootstrap.servers", "", List(&[]),
            "Where to find the cluster: host:port of one or more of its brokers.";
        client_id: String = "client.id", "kafkalite", Text,
            "The name that brokers' logs, metrics and quotas know this client by.";
        request_timeout: Duration = "request.timeout.ms", "30000", Millis(1, INT_MAX),
            "How long a request may take before its connection is given up.";
        connect_timeout: Duration = "socket.connection.setup.timeout.ms", "10000", Millis(1, INT_MAX),
            "How long a TCP connection may take to come up.";
        reconnect_backoff: Duration = "reconnect.backoff.ms", "50", Millis(0, INT_MAX),
            "Pause before the second attempt to reach a broker; doubles with each further failure.";
        reconnect_backoff_max: Duration = "reconnect.backoff.max.ms", "1000", Millis(0, INT_MAX),
            "The longest pause between attempts to reach a broker.";
        retry_backoff: Duration = "retry.backoff.ms", "100", Millis(0, INT_MAX),
            "Pause before a failed request is sent again; doubles with each further failure.";
        retry_backoff_max: Duration = "retry.backoff.max.ms", "1000", Millis(0, INT_MAX),
            "The longest pause before a failed request is sent again.";
        metadata_max_age: Duration = "metadata.max.age.ms", "300000", Millis(1, INT_MAX),
            "How old the knowledge about brokers, leaders and partitions may become before it is refreshed.";
        cluster_check: bool = "metadata.cluster.check.enable", "true", Boolean,
            "Whether to tell a broker which cluster and node are meant, so that another one that has its address says so.";
        max_response_bytes: usize = "receive.message.max.bytes", "104857600", Bytes(1000, INT_MAX),
            "The largest response taken from a broker; a longer one closes the connection.";
        send_buffer: i32 = "send.buffer.bytes", "-1", Bytes(-1, INT_MAX),
            "SO_SNDBUF of the sockets; -1 leaves it to the system.";
        receive_buffer: i32 = "receive.buffer.bytes", "-1", Bytes(-1, INT_MAX),
            "SO_RCVBUF of the sockets; -1 leaves it to the system.";
        allow_auto_create_topics: bool = "allow.auto.create.topics", "true", Boolean,
            "Whether sending to a topic that does not exist, or subscribing to it by name, may make the broker create it.";
    }
}

/// The highest versions that this client asks in, where it could read and write higher ones. Offsets are committed and fetched
/// by the topic's name: from version 10 on they go by its id, which a deleted topic no longer has, though groups still have
/// offsets there.
const HIGHEST: &[(ApiKey, i16)] = &[(ApiKey::OffsetCommit, 9), (ApiKey::OffsetFetch, 9)];

impl ClientConfig {
    /// How connections are made.
    pub(crate) fn link(&self) -> LinkConfig {
        LinkConfig {
            client_id: self.client_id.clone(),
            connect_timeout: self.connect_timeout,
            request_timeout: self.request_timeout,
            reconnect_backoff: self.reconnect_backoff,
            reconnect_backoff_max: self.reconnect_backoff_max,
            max_response_bytes: self.max_response_bytes,
            send_buffer: self.send_buffer,
            receive_buffer: self.receive_buffer,
            highest: HIGHEST,
        }
    }
}
