//! Looks at every request of a dispatcher: what has to hold of each.

use std::collections::BTreeMap;

use kafkalite_records::BatchHeader;

use super::brokers::{Brokers, Of, numbers};
use super::wires::Posted;

/// What was sent, and what is in flight as far as the dispatcher knows.
#[derive(Debug, Default)]
pub(super) struct Watch {
    is_idempotent: bool,
    max_in_flight: usize,
    max_bytes: usize,
    requests: BTreeMap<u64, Request>,
    /// Whether the last that was heard of a partition is that something was written.
    proven: BTreeMap<Of, bool>,
    /// Id, epoch and sequence that records were last sent with, by the first and how many.
    stamps: BTreeMap<(u64, usize), (i64, i16, i32)>,
}

#[derive(Debug)]
struct Request {
    leader: i32,
    connection: u64,
    partitions: Vec<Of>,
    /// What was written, once it is told.
    written: Option<Vec<Of>>,
}

impl Watch {
    pub(super) fn new(is_idempotent: bool, max_in_flight: usize, max_bytes: usize) -> Self {
        Self {
            is_idempotent,
            max_in_flight,
            max_bytes,
            ..Self::default()
        }
    }

    pub(super) fn sent(
        &mut self,
        posted: &Posted,
        (leader, connection): (i32, u64),
        brokers: &Brokers,
    ) {
        let batches = posted.batches(brokers);
        assert!(!batches.is_empty(), "a request of nothing");
        assert!(
            batches.len() == 1 || posted.bytes() <= self.max_bytes,
            "a request of {} bytes",
            posted.bytes()
        );
        let there = self.requests.values().filter(|it| it.leader == leader);
        assert!(there.count() < self.max_in_flight, "more in flight");
        let mut partitions = Vec::new();
        for (of, batch) in batches {
            assert!(!partitions.contains(&of), "two batches of {of:?} in one");
            let numbers = numbers(&batch);
            let header = BatchHeader::parse(&batch).unwrap();
            let stamp = (
                header.producer_id,
                header.producer_epoch,
                header.base_sequence,
            );
            assert_eq!(stamp.0 >= 0, self.is_idempotent);
            let key = (numbers[0], numbers.len());
            let before = self.stamps.insert(key, stamp);
            let others = self.requests.values();
            let mut others = others.filter(|it| it.partitions.contains(&of)).peekable();
            if others.peek().is_some() {
                assert!(before.is_none(), "{key:?} of {of:?} again beside others");
                let proven = self.proven.get(&of).copied().unwrap_or(false);
                assert!(!self.is_idempotent || proven, "{of:?} is not proven");
            }
            assert!(
                others.all(|it| it.connection == connection),
                "{of:?} is in flight elsewhere"
            );
            if let Some(before) = before.filter(|it| (it.0, it.1) == (stamp.0, stamp.1)) {
                assert_eq!(before, stamp, "{key:?} of {of:?} has another sequence");
            }
            partitions.push(of);
        }
        let request = Request {
            leader,
            connection,
            partitions,
            written: None,
        };
        self.requests.insert(posted.number, request);
    }

    /// The dispatcher is told what was written, of what a request asked for. It counts in the order of sending.
    pub(super) fn answered(&mut self, number: u64, written: Vec<Of>) {
        let told = self.requests.get_mut(&number).expect("it was sent");
        told.written = Some(written);
        let connection = told.connection;
        loop {
            let mut requests = self.requests.iter();
            let first = requests.find(|(_, request)| request.connection == connection);
            let Some((number, Some(written))) =
                first.map(|(number, request)| (*number, request.written.clone()))
            else {
                return;
            };
            let request = self.requests.remove(&number).expect("it is the first");
            for of in request.partitions {
                self.proven.insert(of, written.contains(&of));
            }
        }
    }

    pub(super) fn is_in_flight(&self, of: Of) -> bool {
        let mut requests = self.requests.values();
        requests.any(|request| request.partitions.contains(&of))
    }
}
