//! The dispatcher against brokers that keep Kafka's rules, in any order of events.

mod brokers;
mod interleavings;
mod network;
mod verdict;
mod watch;
mod wires;
mod world;

use super::super::accumulator::Intake;
use super::super::budget::Budget;
use super::super::compressors::Compressors;
use super::super::delivery::Delivery;
use super::super::record::ProducerRecord;
use super::super::sequences::ProducerIdentity;
use super::super::topics::KnownTopics;
use super::{Dispatcher, DispatcherEffect, DispatcherEvent, Parcel};
