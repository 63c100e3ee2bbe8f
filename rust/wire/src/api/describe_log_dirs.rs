//! `DescribeLogDirs` (key 35): which partitions are in which directory, and how large they are (KIP-113).

use crate::{ErrorCode, Message};

/// Asks what is in the log directories.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeLogDirsRequest {
    /// The topics; null asks for all.
    #[wire(nullable = ..)]
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribableLogDirTopic {
    /// The topic's name.
    pub topic: String,
    /// The partitions' numbers.
    pub partitions: Vec<i32>,
}

/// The directories of one broker.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeLogDirsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    #[wire(versions = 3.., ignorable)]
    pub error_code: ErrorCode,
    /// The directories.
    pub results: Vec<DescribedLogDir>,
}

/// One directory.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedLogDir {
    /// What is wrong with the directory, if anything.
    pub error_code: ErrorCode,
    /// Its absolute path.
    pub log_dir: String,
    /// The topics that have partitions in it.
    pub topics: Vec<DescribedLogDirTopic>,
    /// The size of the volume that it is on, in bytes; −1 if unknown.
    #[wire(versions = 4.., default = -1, ignorable)]
    pub total_bytes: i64,
    /// What is left of it, in bytes; −1 if unknown.
    #[wire(versions = 4.., default = -1, ignorable)]
    pub usable_bytes: i64,
    /// Whether no more partitions are placed here (KIP-1066).
    #[wire(versions = 5.., ignorable)]
    pub is_cordoned: bool,
}

/// The partitions of one topic in a directory.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedLogDirTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<DescribedLogDirPartition>,
}

/// One partition in a directory.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedLogDirPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// What its segments' logs take, in bytes.
    pub partition_size: i64,
    /// How many offsets the log is behind the high watermark, or a future log behind the present one.
    pub offset_lag: i64,
    /// Whether this is a copy that will replace one in another directory.
    pub is_future_key: bool,
}
