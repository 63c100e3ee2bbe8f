//! What happens between a dispatcher and the brokers, and to these.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use kafkalite_link::LinkError;
use kafkalite_records::BatchOrigin;
use kafkalite_wire::ErrorCode;
use tokio::time::Instant;

use super::brokers::{LEADERS, Of, PARTITIONS, TOPICS, address};
use super::wires::{Spoilt, Wire};
use super::world::{REQUEST_TIMEOUT, World};
use super::{DispatcherEffect, DispatcherEvent, ProducerIdentity};
use crate::cluster::Metadata;
use crate::error::ClientError;

impl World {
    /// A broker looks at a request.
    pub(super) fn serve(&mut self, spoils: bool) {
        let busy = self
            .wires
            .iter()
            .filter(|(_, (_, wire))| !wire.requests.is_empty());
        let busy: Vec<_> = busy.map(|(leader, _)| *leader).collect();
        let Some(&leader) = self.dice.choice(&busy) else {
            return;
        };
        let (_, wire) = self.wires.get_mut(&leader).expect("it is busy");
        let dice = &mut self.dice;
        let mut is_confused = false;
        wire.serve(leader, &mut self.brokers, || {
            let mishap = if spoils { mishap_of(dice) } else { Spoilt::No };
            is_confused |= matches!(mishap, Spoilt::Refused(code) if !code.is_retriable());
            mishap
        });
        let answer = &wire.answers.back().expect("it was served").2;
        let partitions = answer
            .responses
            .iter()
            .flat_map(|topic| &topic.partition_responses);
        is_confused |= partitions.into_iter().any(|partition| {
            matches!(
                partition.error_code,
                ErrorCode::OutOfOrderSequenceNumber
                    | ErrorCode::UnknownProducerId
                    | ErrorCode::InvalidProducerEpoch
            )
        });
        if is_confused {
            // What is sent again in a new epoch because it was refused in the old one must not have been in flight in that:
            // no client can keep a broker from taking both.
            self.strays.clear();
        }
        if self.plan.config.acks.code() == 0 {
            let (_, wire) = self.wires.get_mut(&leader).expect("it is busy");
            let answer = wire.answers.pop_back().expect("it was served");
            self.arrivals.push((answer.0, Ok(None)));
        }
    }

    /// An answer reaches the client.
    pub(super) fn answer(&mut self) {
        let ready = self
            .wires
            .iter()
            .filter(|(_, (_, wire))| !wire.answers.is_empty());
        let ready: Vec<_> = ready.map(|(leader, _)| *leader).collect();
        if let Some(leader) = self.dice.choice(&ready) {
            let (_, wire) = self.wires.get_mut(leader).expect("it is ready");
            let (number, _, response) = wire.answers.pop_front().expect("it is ready");
            self.arrivals.push((number, Ok(Some(response))));
        }
    }

    /// The dispatcher is told of an answer, in any order: each is waited for by another task.
    pub(super) fn tell(&mut self) {
        if self.arrivals.is_empty() {
            return;
        }
        let place = self.dice.usize(..self.arrivals.len());
        let (number, answer) = self.arrivals.swap_remove(place);
        let mut written = Vec::new();
        if let Ok(Some(response)) = &answer {
            for topic in &response.responses {
                let name = self.brokers.name(&topic.name, topic.topic_id);
                for partition in &topic.partition_responses {
                    if partition.error_code == ErrorCode::None {
                        written.push((name, partition.index as usize));
                    }
                }
            }
        }
        self.watch.answered(number, written);
        let event = DispatcherEvent::Answered {
            request: number,
            answer,
            now_ms: 0,
        };
        self.dispatcher.on(event, self.now);
        self.carry_out();
    }

    /// Something that the dispatcher wants to know is found out, or cannot be.
    pub(super) fn resolve(&mut self, fails: bool) {
        if self.questions.is_empty() {
            return;
        }
        let place = self.dice.usize(..self.questions.len());
        let fails = fails && self.one_in(5);
        let event = match self.questions.swap_remove(place) {
            DispatcherEffect::Connect(leader) if fails => {
                DispatcherEvent::Connected(leader, Err(disconnected()))
            }
            DispatcherEffect::Connect(leader) => {
                self.connections += 1;
                let wire = (self.connections, Wire::default());
                self.wires.insert(leader, wire);
                DispatcherEvent::Connected(leader, Ok(()))
            }
            DispatcherEffect::Refresh(_) if fails => {
                DispatcherEvent::Refreshed(Err(disconnected()))
            }
            DispatcherEffect::Refresh(_) => {
                self.look();
                DispatcherEvent::Refreshed(Ok(()))
            }
            DispatcherEffect::Identify if fails => {
                let code = match self.dice.usize(..4) {
                    0 => ErrorCode::ClusterAuthorizationFailed,
                    _ => ErrorCode::CoordinatorNotAvailable,
                };
                DispatcherEvent::Identified(Err(refused(code)))
            }
            DispatcherEffect::Identify => {
                self.ids += 1;
                DispatcherEvent::Identified(Ok(ProducerIdentity {
                    id: self.ids,
                    epoch: self.plan.first_epoch,
                }))
            }
            DispatcherEffect::Compress(lane, _) if fails && self.one_in(4) => {
                DispatcherEvent::Compressed(lane, None)
            }
            DispatcherEffect::Compress(lane, mut records) => {
                let bytes = self.compressors.build(&mut records, BatchOrigin::ANONYMOUS);
                DispatcherEvent::Compressed(lane, Some((bytes, records)))
            }
            other => unreachable!("{other:?} is no question"),
        };
        self.dispatcher.on(event, self.now);
        self.carry_out();
    }

    /// Somebody looks at the cluster, and may see what it was before.
    pub(super) fn look(&mut self) {
        self.images.push(self.brokers.image(self.now));
        let place = match self.dice.usize(..4) {
            0 => self.images.len().saturating_sub(2),
            _ => self.images.len() - 1,
        };
        let image = Metadata {
            taken: self.now,
            ..Metadata::clone(&self.images[place])
        };
        let event = DispatcherEvent::Image(Arc::new(image));
        self.dispatcher.on(event, self.now);
    }

    /// So many milliseconds pass.
    pub(super) fn pass(&mut self, millis: Range<u64>) {
        let until = self.now + Duration::from_millis(self.dice.u64(millis));
        self.wait(until);
    }

    pub(super) fn wait(&mut self, until: Instant) {
        self.now = self.now.max(until);
        let late = |(_, wire): &(u64, Wire)| wire.oldest().map(|it| it + REQUEST_TIMEOUT);
        let late = self
            .wires
            .iter()
            .filter(|(_, it)| late(it).is_some_and(|at| at <= self.now));
        for leader in late.map(|(leader, _)| *leader).collect::<Vec<_>>() {
            self.cut(leader);
        }
    }

    /// A connection ends. Of what is not answered nobody knows what becomes of it.
    pub(super) fn cut(&mut self, leader: i32) {
        let Some((_, wire)) = self.wires.remove(&leader) else {
            return;
        };
        for number in wire.unanswered() {
            self.arrivals.push((number, Err(disconnected())));
        }
        self.lost.push(leader);
        if self.plan.has_strays && !wire.requests.is_empty() {
            self.strays.push((leader, wire));
        }
    }

    pub(super) fn serve_strays(&mut self) {
        for (leader, wire) in &mut self.strays {
            wire.serve(*leader, &mut self.brokers, || Spoilt::No);
        }
        self.strays.retain(|(_, wire)| !wire.requests.is_empty());
    }

    /// Something breaks, or the cluster changes.
    pub(super) fn disturb(&mut self) {
        let of = (
            TOPICS[self.dice.usize(..TOPICS.len())],
            self.dice.usize(..PARTITIONS),
        );
        let leader = self.dice.i32(0..LEADERS);
        let theme = self.plan.theme;
        match self.dice.choice([0, 1, 2, 3, 4, 5, theme, theme, theme]) {
            Some(0 | 1) => self.cut(leader),
            Some(2) => self.lead(of, Some(leader)),
            Some(3) => self.lead(of, None),
            Some(4) if self.plan.is_strict && self.is_quiet(of) => self.brokers.forget(of),
            // By its name alone nobody could tell it from the one before.
            Some(5) if self.plan.version >= 13 => self.brokers.recreate(of.0),
            _ => self.look(),
        }
    }

    pub(super) fn lead(&mut self, of: Of, leader: Option<i32>) {
        self.brokers.partitions.get_mut(&of).unwrap().leader = leader;
    }

    /// Whether all that was sent to a partition is known to be there, or not.
    pub(super) fn is_quiet(&self, of: Of) -> bool {
        let mut records = self.records.iter().filter(|record| record.of == of);
        let all_done = records.all(|record| record.delivery.is_done());
        all_done && !self.watch.is_in_flight(of) && self.strays.is_empty()
    }
}

/// Mostly nothing.
fn mishap_of(dice: &mut Rng) -> Spoilt {
    match dice.usize(..50) {
        0..=2 => Spoilt::Refused(ErrorCode::NotEnoughReplicas),
        3..=4 => Spoilt::Appended(ErrorCode::NotEnoughReplicasAfterAppend),
        5 => Spoilt::Appended(ErrorCode::RequestTimedOut),
        6 => Spoilt::Refused(ErrorCode::NotLeaderOrFollower),
        7 => Spoilt::Refused(ErrorCode::TopicAuthorizationFailed),
        _ => Spoilt::No,
    }
}

pub(super) fn disconnected() -> ClientError {
    LinkError::Disconnected {
        address: address(),
        reason: "a test".into(),
    }
    .into()
}

fn refused(code: ErrorCode) -> ClientError {
    ClientError::broker("InitProducerId", "a producer id", code, None)
}
