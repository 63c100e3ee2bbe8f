//! What can be configured: one table of broker settings, one of topic settings, one of group settings, in Kafka's spelling.
//!
//! Defaults, parsing, `DescribeConfigs` and the printed documentation all come from the tables. A topic's or
//! group's setting is resolved from what was set on it, then from the broker setting that stands in, then from the table.

mod accepted;
mod broker_config;
mod broker_rows;
mod checked_kinds;
mod group_rows;
mod listener;
mod reset;
mod row_parts;
mod settings;
mod store;
mod stored;
mod topic_rows;
mod values;

pub use broker_config::BrokerConfig;
pub use broker_rows::BROKER;
pub use group_rows::GROUP;
pub use listener::Listener;
pub use topic_rows::TOPIC;
pub use values::nearest_setting;

pub(crate) use checked_kinds::LEAST_SEGMENT_BYTES;
pub(crate) use settings::{Settings, TopicSettings};
pub(crate) use store::Configs;
pub(crate) use values::{Source, ValueOrigin, row};

/// What was set explicitly, by name. Values have been checked and are in one spelling.
pub type Overrides = std::collections::BTreeMap<String, String>;
