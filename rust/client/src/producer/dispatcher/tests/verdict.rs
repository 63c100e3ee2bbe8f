//! How a run ends, and what holds of it then.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use kafkalite_wire::ErrorCode;

use super::brokers::{LEADERS, all};
use super::network::disconnected;
use super::world::{BUFFER, World};
use super::{DispatcherEffect, DispatcherEvent};
use crate::error::ClientError;

impl World {
    /// Waits as long as the dispatcher wants to. Up to then it has nothing to do.
    pub(super) fn sleep(&mut self) {
        let wake_at = self.wake_at;
        let part = (wake_at - self.now).mul_f64(self.dice.f64());
        // Of a nanosecond the part may be all.
        if self.now + part < wake_at {
            self.wait(self.now + part);
            self.dispatcher.dispatch(self.now, self.is_hurried);
            let effect = self.dispatcher.next_effect();
            assert!(
                effect.is_none(),
                "it would have slept too long for {effect:?}"
            );
        }
        self.wait(wake_at);
    }

    /// Nothing is sent for so long that topics are forgotten.
    pub(super) fn rest(&mut self) {
        self.settle();
        for _ in 0..4 {
            self.wait(self.now + self.plan.config.metadata_max_idle / 2);
            self.dispatch();
        }
    }

    /// Nothing breaks any more: everything is settled, and what is new is delivered.
    pub(super) fn calm_down(&mut self) {
        for of in all() {
            let leader = self.brokers.partitions[&of].leader;
            self.lead(of, leader.or(Some(0)));
        }
        self.settle();
        // Only the first attempts to connect again fail.
        for leader in 0..LEADERS {
            self.cut(leader);
        }
        let before = self.records.len();
        for _ in 0..3 {
            for of in all() {
                self.send(of, 0);
            }
        }
        self.dispatch();
        for question in std::mem::take(&mut self.questions) {
            match question {
                DispatcherEffect::Connect(leader) => {
                    let event = DispatcherEvent::Connected(leader, Err(disconnected()));
                    self.dispatcher.on(event, self.now);
                }
                other => self.questions.push(other),
            }
        }
        self.settle();
        for record in &self.records[before..] {
            let result = record.delivery.result().unwrap();
            let is_due = self.plan.config.retries > 9;
            assert!(
                !is_due || result.is_ok(),
                "{:?}: {result:?}",
                record.numbers
            );
        }
    }

    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.dispatch();
            if !self.arrivals.is_empty() {
                self.tell();
            } else if self
                .wires
                .values()
                .any(|(_, wire)| !wire.answers.is_empty())
            {
                self.answer();
            } else if self
                .wires
                .values()
                .any(|(_, wire)| !wire.requests.is_empty())
            {
                self.serve(false);
            } else if !self.questions.is_empty() {
                self.resolve(false);
            } else if self.records.iter().all(|record| record.delivery.is_done()) {
                return;
            } else {
                self.sleep();
            }
        }
        panic!("somebody waits for ever");
    }

    /// The producer is closed, whatever is under way.
    pub(super) fn end(&mut self) {
        self.adopt_fresh();
        self.dispatcher.on(DispatcherEvent::Ended, self.now);
        self.carry_out();
        self.has_ended = true;
    }

    /// Whether a flush would end.
    pub(super) fn is_drained(&self) -> bool {
        let drained = pin!(self.intake.ledger.drained());
        let mut context = Context::from_waker(Waker::noop());
        drained.poll(&mut context) == Poll::Ready(())
    }

    /// Whether a delivery may fail for this: only for what trying again does not mend.
    pub(super) fn may_be(&self, error: &ClientError) -> bool {
        let is_final = match error {
            ClientError::TimedOut { .. } | ClientError::Closed(_) => true,
            ClientError::Broker { code, .. } => matches!(
                code,
                ErrorCode::TopicAuthorizationFailed
                    | ErrorCode::ClusterAuthorizationFailed
                    | ErrorCode::MessageTooLarge
            ),
            _ => false,
        };
        is_final || self.plan.config.retries < 9
    }

    /// What holds of everything when all is over.
    pub(super) fn check(&mut self) {
        while !self.strays.is_empty() {
            self.serve_strays();
        }
        for record in &self.records {
            let log = |written: &dyn Fn(&[u64]) -> bool| {
                let partition = &self.brokers.partitions[&record.of];
                partition.logs.iter().any(|log| written(&log.records))
            };
            let numbers = &record.numbers[..];
            let is_there = match record.delivery.result().expect("everything is settled") {
                Ok(_) if self.plan.config.acks.code() == 0 => true,
                Ok(written) => match written.offset {
                    Some(at) => {
                        log(&|all| all[at.min(all.len() as i64) as usize..].starts_with(numbers))
                    }
                    None => log(&|all| all.windows(numbers.len()).any(|some| some == numbers)),
                },
                Err(error) => {
                    assert!(self.may_be(&error), "{numbers:?}: {error}");
                    true
                }
            };
            assert!(is_there, "{numbers:?} was acknowledged and is lost");
        }
        if self.plan.config.idempotent().unwrap() {
            for (of, partition) in &self.brokers.partitions {
                for log in &partition.logs {
                    let all = &log.records;
                    let wrong = all.windows(2).find(|two| two[0] >= two[1]);
                    assert_eq!(wrong, None, "{of:?} is out of order: {all:?}");
                }
            }
        }
        assert!(self.is_drained(), "a flush would wait");
        assert!(self.budget.reserve(BUFFER), "memory is not given back");
        if !self.has_ended {
            let mut links = self.dispatcher.links.values();
            assert!(links.all(|link| link.in_flight == 0));
            let mut lanes = self.dispatcher.lanes.values();
            assert!(lanes.all(super::super::Lane::is_settled));
        }
    }
}
