//! A partition that has an owner's node of this consumer's, or that its readers still have.

use kafkalite_coordination::registries::ThreadId;

#[derive(Debug)]
pub(super) struct Held {
    /// The stream that reads it, as its owner's node says.
    pub(super) thread: ThreadId,
    pub(super) stage: Stage,
    pub(super) offset: OffsetNode,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its node is there; where to go on is not known yet.
    Claimed,
    /// Readers read it.
    Read,
    /// Readers have it and get no more of it, for it may be another's.
    Lost,
    /// Readers have let go of it.
    Stopped,
}

/// Its offset's node, as far as this consumer knows.
#[derive(Debug, Default)]
pub(super) struct OffsetNode {
    /// `None`: there is none.
    pub(super) version: Option<i32>,
    /// What it holds.
    pub(super) committed: Option<i64>,
    /// What is being written. One after the other: each names the version that the one before has made.
    pub(super) writing: Option<i64>,
    /// What is to be written next.
    pub(super) wanted: Option<i64>,
    /// How often in a row somebody else had written meanwhile.
    pub(super) overtaken: u32,
}

impl Held {
    pub(super) fn new(thread: ThreadId) -> Self {
        Self {
            thread,
            stage: Stage::Claimed,
            offset: OffsetNode::default(),
        }
    }

    pub(super) fn is_read(&self) -> bool {
        self.stage == Stage::Read
    }

    /// Whether readers have it.
    pub(super) fn is_with_readers(&self) -> bool {
        matches!(self.stage, Stage::Read | Stage::Lost)
    }
}
