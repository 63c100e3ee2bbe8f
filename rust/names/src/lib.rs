//! Names: which ones topics may have, how Kafka writes ids, and how sentences repeat names and numbers.
//!
//! Everybody has to do with names, so this knows nobody.

mod counted;
pub mod ids;
mod nearest;
mod shown;
mod topic;
mod topic_partition;

pub use counted::counted;
pub use nearest::nearest;
pub use shown::shown;
pub use topic::{InvalidName, check_topic_name};
pub use topic_partition::TopicPartition;
