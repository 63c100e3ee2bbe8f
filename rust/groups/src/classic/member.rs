//! One member of a group.

use std::collections::HashSet;

use bytes::Bytes;
use kafkalite_wire::api::join_group::{JoinGroupMember, JoinGroupProtocol, JoinGroupRequest};

use super::effects::{Joiner, Ticket};

/// For a deadline that is not running.
pub(super) const NEVER: u64 = u64::MAX;

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout_ms: i32,
    pub(super) rebalance_timeout_ms: i32,
    /// What it supports, the best liked first, each name once.
    pub(super) protocols: Vec<JoinGroupProtocol>,
    /// What the leader gave it; empty until then.
    pub(super) assignment: Bytes,
    /// Its `JoinGroup` that waits for the others.
    pub(super) joining: Option<Ticket>,
    /// Its `SyncGroup` that waits for the leader.
    pub(super) syncing: Option<Ticket>,
    /// It got a generation and has not asked for its assignment yet.
    pub(super) owes_sync: bool,
    /// It has not been in any generation, and so does not know for sure that it is a member.
    pub(super) is_new: bool,
    /// When its session ends.
    pub(super) expires: u64,
}

impl Member {
    pub(super) fn new(id: String, request: JoinGroupRequest, joiner: Joiner) -> Self {
        let mut member = Self {
            id,
            instance_id: request.group_instance_id.clone(),
            client_id: joiner.client_id,
            client_host: joiner.client_host,
            session_timeout_ms: 0,
            rebalance_timeout_ms: 0,
            protocols: Vec::new(),
            assignment: Bytes::new(),
            joining: None,
            syncing: None,
            owes_sync: false,
            is_new: true,
            expires: NEVER,
        };
        member.take(request);
        member
    }

    /// Takes over what a request says of timeouts and protocols.
    pub(super) fn take(&mut self, request: JoinGroupRequest) {
        self.session_timeout_ms = request.session_timeout_ms;
        // Version 0 has one timeout for both.
        self.rebalance_timeout_ms = match request.rebalance_timeout_ms {
            ..0 => request.session_timeout_ms,
            timeout => timeout,
        };
        self.protocols.clear();
        let mut known = HashSet::new();
        for JoinGroupProtocol { name, metadata } in request.protocols {
            if known.insert(name.clone()) {
                // A copy: the request's frame is not kept for as long as the member lives.
                let metadata = Bytes::copy_from_slice(&metadata);
                self.protocols.push(JoinGroupProtocol { name, metadata });
            }
        }
    }

    /// Whether a request brings nothing new.
    pub(super) fn matches(&self, protocols: &[JoinGroupProtocol]) -> bool {
        self.protocols == protocols
    }

    /// Whether it waits for an answer: then it cannot send heartbeats, and lives all the same.
    pub(super) fn is_parked(&self) -> bool {
        self.joining.is_some() || self.syncing.is_some()
    }

    /// Its subscription in the protocol of this name.
    pub(super) fn metadata(&self, protocol: Option<&str>) -> Bytes {
        self.protocols
            .iter()
            .find(|own| Some(own.name.as_str()) == protocol)
            .map_or_else(Bytes::new, |own| own.metadata.clone())
    }

    /// As its leader sees it.
    pub(super) fn for_leader(&self, protocol: Option<&str>) -> JoinGroupMember {
        JoinGroupMember {
            member_id: self.id.clone(),
            group_instance_id: self.instance_id.clone(),
            metadata: self.metadata(protocol),
        }
    }

    pub(super) fn session_ms(&self) -> u64 {
        u64::try_from(self.session_timeout_ms).unwrap_or(0)
    }
}
