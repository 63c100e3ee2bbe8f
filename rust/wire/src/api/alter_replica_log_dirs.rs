//! `AlterReplicaLogDirs` (key 34): moves partitions to other directories of a broker (KIP-113).

use crate::{ErrorCode, Message};

/// Asks for partitions to be moved.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirsRequest {
    /// What goes where.
    pub dirs: Vec<AlterReplicaLogDir>,
}

/// One directory, and what is to be in it.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDir {
    /// The directory's absolute path.
    pub path: String,
    /// The topics.
    pub topics: Vec<AlterReplicaLogDirTopic>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions' numbers.
    pub partitions: Vec<i32>,
}

/// What is being moved.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterReplicaLogDirsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub results: Vec<AlteredReplicaLogDirTopic>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlteredReplicaLogDirTopic {
    /// The topic's name.
    pub topic_name: String,
    /// The partitions.
    pub partitions: Vec<AlteredReplicaLogDirPartition>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlteredReplicaLogDirPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}
