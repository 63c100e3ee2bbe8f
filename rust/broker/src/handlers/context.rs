//! What a handler is given, and what it gives back.

use std::net::SocketAddr;
use std::sync::Arc;

use kafkalite_cluster::{BrokerImage, Endpoint, TopicKey, elsewhere};
use kafkalite_log::LogSlice;
use kafkalite_wire::CodedError;
use tokio::sync::watch;

use crate::config::Listener;
use crate::groups::MemberClient;
use crate::state::BrokerState;

/// The connection that a request came over.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Counts connections since the broker started; log lines carry it.
    pub(crate) id: u64,
    /// Who asks.
    pub(crate) peer: SocketAddr,
    /// The address that the client connected to: what is advertised unless `advertised.listeners` says otherwise.
    pub(crate) local: SocketAddr,
    /// True once the peer has closed its half: nobody else will ask over this connection.
    pub(crate) peer_done: watch::Receiver<bool>,
}

/// Everything that is known about one request besides its body.
#[derive(Clone)]
pub(crate) struct Context {
    /// The broker that answers.
    pub(crate) broker: Arc<BrokerState>,
    /// The connection that the request came over.
    pub(crate) connection: Arc<Connection>,
    /// The client's own name for itself; only for log lines.
    pub(crate) client_id: Option<String>,
    /// The version of the request's API, and so of the answer.
    pub(crate) api_version: i16,
}

impl Context {
    /// Where this client is told to connect: what `advertised.listeners` says, else where it has connected to.
    pub(crate) fn advertised(&self) -> Listener {
        let local = self.connection.local;
        let set = self.broker.configs.settings().advertised_listener.clone();
        set.unwrap_or_else(|| Listener {
            host: local.ip().to_string(),
            port: local.port(),
        })
    }

    /// Where this client reaches a broker of the cluster.
    pub(crate) fn endpoint(&self, broker: &BrokerImage) -> Listener {
        match &broker.endpoint {
            Some(Endpoint { host, port }) => Listener {
                host: host.clone(),
                port: *port,
            },
            None => self.advertised(),
        }
    }

    /// Why a partition does not lie on this broker: there is none, or it is another's to answer for.
    pub(crate) fn elsewhere(&self, topic: &TopicKey, index: i32) -> CodedError {
        elsewhere(&self.broker.registry.image(), topic, index)
    }

    /// Who asks, as groups know their members.
    pub(crate) fn client(&self) -> MemberClient {
        MemberClient {
            id: self.client_id.clone().unwrap_or_default(),
            host: format!("/{}", self.connection.peer.ip()),
            api_version: self.api_version,
        }
    }

    /// Resolves when a parked request should answer with what it has: the broker stops, or the peer has closed its half.
    pub(crate) async fn parking_over(&self) {
        let mut stopping = self.broker.stopping.subscribe();
        let mut peer_done = self.connection.peer_done.clone();
        // A sender that is gone means the same as `true`.
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => {}
            _ = peer_done.wait_for(|done| *done) => {}
        }
    }
}

/// What a handler answers.
pub(crate) enum Reply<Body> {
    /// An answer; `slices[slot]` is what `Records::Spliced { slot, .. }` in the body stands for.
    Answer {
        /// The response's body.
        body: Body,
        /// Views of segment files, sent after one another without entering memory.
        slices: Vec<LogSlice>,
    },
    /// No answer at all: a Produce request with `acks=0`.
    Nothing,
    /// The connection is closed, for want of another way to say that something went wrong: a Produce request with
    /// `acks=0` that failed. The sentence says what.
    Close(String),
}

impl<Body> From<Body> for Reply<Body> {
    fn from(body: Body) -> Self {
        Self::Answer {
            body,
            slices: Vec::new(),
        }
    }
}
