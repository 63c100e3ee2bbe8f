//! Several members against a registry that keeps ZooKeeper's rules, in any order of what can happen.

mod consumer;
mod interleavings;
mod quiet;
mod registry;
mod sentences;
mod world;
