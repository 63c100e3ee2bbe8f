//! How brokers and consumers find each other over ZooKeeper, as the paper has it (P14 to P17): what stands in the registries
//! ([`registries`]), who of a group gets which partition ([`assignment`]), sessions with the servers ([`session`]), and which broker
//! decides for all ([`election`]).
//!
//! It decides for nobody what to do about it: consumers and brokers ask it. Where no ZooKeeper is used nothing of it is, either.

pub mod assignment;
pub mod election;
pub mod registries;
pub mod session;
