//! A Kafka broker: listens, hands each request to its handler, answers.
//!
//! It does not store (that is `kafkalite-log`), does not know the wire's bytes (`kafkalite-wire`) and never ends
//! the process it lives in: whatever a peer sends costs that peer its connection at the most.
//!
//! ```no_run
//! # async fn example() -> Result<(), kafkalite_broker::BrokerError> {
//! use kafkalite_broker::{Broker, BrokerConfig};
//!
//! let mut config = BrokerConfig::new();
//! config.set("log.dirs", "./clicks-data")?;
//! let broker = Broker::start(config).await?;
//! println!("{}", broker.bootstrap_servers());
//! broker.stop().await
//! # }
//! ```

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod answer;
mod broker;
mod cluster;
pub mod config;
mod down_conversion;
mod embedded;
mod error;
mod fetch_sessions;
mod groups;
mod handlers;
mod housekeeping;
mod internal_log;
mod network;
#[cfg(test)]
mod one_of_two;
mod opening;
mod page_cache;
mod producer_ids;
mod quotas;
mod refusal;
mod registry;
mod replicas;
mod state;
mod warnings;

pub use broker::Broker;
pub use config::BrokerConfig;
pub use embedded::{PartitionSummary, TopicSummary};
pub use error::BrokerError;
pub use refusal::Refusal;
