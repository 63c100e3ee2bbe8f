//! What a membership is told, and what it wants done.

use std::collections::BTreeSet;

use kafkalite_coordination::registries::{ConsumerSubscription, ThreadId};
use kafkalite_names::TopicPartition;

use crate::registries::share::{Share, Threads};

/// What happened. What answers an effect carries the number of the session ([`session`](super::RegistryMembership::session)) that
/// there was when the effect came: what was asked in an earlier one counts for nothing.
#[derive(Debug)]
pub(in crate::registries) enum RegistryEvent {
    /// The consumer reads this from now on; `None`: nothing.
    Subscribed(Option<ConsumerSubscription>),
    /// It goes for good.
    Close,
    /// The answer to [`RegistryEffect::Open`].
    Opened(u64, Result<(), String>),
    /// The session of this number is over, and with it all that it had registered.
    Expired(u64),
    /// Consumers, brokers, topics or partitions have changed, or may have: a watch says so, or could not while there was no connection.
    Changed,
    /// An owner's node that is watched is not what it was any more.
    Yielded(TopicPartition),
    /// The answer to [`RegistryEffect::Register`].
    Registered(u64, Result<(), String>),
    /// The answer to [`RegistryEffect::Look`].
    Looked(u64, Result<Share, String>),
    /// The answer to [`RegistryEffect::Claim`].
    Claimed(u64, Vec<(TopicPartition, ClaimAnswer)>),
    /// The answer to [`RegistryEffect::ReadOffsets`]; the error is what is wrong with the node.
    OffsetsRead(
        u64,
        Vec<(TopicPartition, Result<Option<StoredOffset>, String>)>,
    ),
    /// What was consumed of partitions: the answer to [`RegistryEffect::Collect`], or somebody wants it committed.
    Consumed(Vec<(TopicPartition, i64)>),
    /// The answer to [`RegistryEffect::Commit`].
    Committed(u64, TopicPartition, CommitAnswer),
    /// The answer to [`RegistryEffect::Verify`].
    Verified(u64, TopicPartition, Result<Verdict, String>),
    /// [`RegistryEffect::Stop`] is done, and this was consumed.
    Stopped(Vec<(TopicPartition, i64)>),
    /// The answer to [`RegistryEffect::Disown`].
    Disowned(u64, Result<(), String>),
    /// [`RegistryEffect::Leave`] is done.
    Left,
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(in crate::registries) enum RegistryEffect {
    /// Begin a session.
    Open,
    /// Put the consumer into the registry of its group, and watch consumers, brokers, topics and partitions.
    Register(ConsumerSubscription),
    /// Read who is there and what there is, and compute this consumer's share.
    Look,
    /// Create owners' nodes, one by one, each of which may be another's.
    Claim(Threads),
    /// Read how far the group is with these. They are owned by now, so nobody else goes on with them.
    ReadOffsets(BTreeSet<TopicPartition>),
    /// Have readers read these.
    Begin(Vec<Beginning>),
    /// Ask readers what they have consumed.
    Collect,
    /// Write an offset, if its node is still at this version; without one, if there is no node.
    Commit {
        partition: TopicPartition,
        offset: i64,
        version: Option<i32>,
    },
    /// Look who owns a partition, and then at its offset: somebody else has written that.
    Verify(TopicPartition, ThreadId),
    /// Let nothing more of these be handed out, at once. Readers have them until they are stopped.
    Revoke(BTreeSet<TopicPartition>),
    /// Have readers let go of these: fetch no more, hand out no more, tell the listener, say what was consumed. What is lost may be
    /// another's already.
    Stop {
        revoked: BTreeSet<TopicPartition>,
        lost: BTreeSet<TopicPartition>,
    },
    /// Delete owners' nodes, as far as they are this session's.
    Disown(Threads),
    /// Tell when these owners' nodes are gone or others, and of no others any more.
    Watch(BTreeSet<TopicPartition>),
    /// End the session, if there is one.
    Leave,
    /// What is owned is what shall be, as far as that can be.
    Settled { owned: usize },
    /// Say it.
    Report(RegistryTrouble),
}

/// A partition that is owned, and where the group goes on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registries) struct Beginning {
    pub(in crate::registries) partition: TopicPartition,
    /// The stream that reads it.
    pub(in crate::registries) stream: u32,
    /// `None`: where `auto.offset.reset` says (P17).
    pub(in crate::registries) offset: Option<i64>,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registries) enum ClaimAnswer {
    /// The node is there, in this session.
    Owned,
    /// Another consumer has it, which will give it up or die.
    Contested,
    /// A session has it that was this consumer's own, and is over. It goes when ZooKeeper notices.
    Earlier,
    /// There is a node that is nobody's: it stays until somebody mends that.
    Stuck(String),
    /// It could not be asked, or ZooKeeper does not want to.
    Failed(String),
}

/// An offset's node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::registries) struct StoredOffset {
    pub(in crate::registries) offset: i64,
    pub(in crate::registries) version: i32,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registries) enum CommitAnswer {
    /// It is written, and the node has this version.
    Written(i32),
    /// Somebody else has written, made or deleted the node.
    Moved,
    /// ZooKeeper does not want to.
    Failed(String),
}

/// Who owns a partition whose offset somebody else has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registries) enum Verdict {
    /// This consumer does. The node holds that now; garbage counts as less than any offset.
    Ours(Option<StoredOffset>),
    /// Another does, or nobody.
    Gone,
}

/// What goes wrong and is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registries) enum RegistryTrouble {
    /// No session can be begun.
    Unreachable(String),
    /// The session is over before its time.
    SessionLost,
    /// The consumer cannot be registered.
    NotRegistered(String),
    /// The registries cannot be read.
    Unreadable(String),
    /// Nodes hold what does not belong there.
    Garbage(String),
    /// So many tries were not enough to own these, which others hold.
    NotOwned {
        tries: u32,
        partitions: BTreeSet<TopicPartition>,
    },
    /// This cannot be owned before somebody mends something.
    Stuck(TopicPartition, String),
    /// Nobody knows where to go on with this.
    NoStart(TopicPartition, String),
    /// An offset is not written.
    NotCommitted(TopicPartition, String),
    /// Another owns this.
    Robbed(TopicPartition),
    /// Owners' nodes cannot be deleted.
    NotDisowned(String),
}
