//! Everything that can go wrong in this room, and what the caller should do about it.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::Role;

/// What a failed flush of a file or a directory says that was tried.
const FSYNC: &str = "fsync";

/// The result of every fallible call of this crate.
pub type Result<T, E = LogError> = std::result::Result<T, E>;

/// What went wrong.
///
/// Nothing here is fatal to the process. Errors of a *request* (a batch that is corrupt, an offset out of range) concern
/// the one who asked; [`Io`](LogError::Io) on a write and [`Failed`](LogError::Failed) concern the whole partition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The operating system refused. A failed append left the log as it was, so it may be tried again (after making
    /// room, when the disk was full); if that could not be ensured, the next call says [`LogError::Failed`].
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb phrase: "open", "append to".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },

    /// This log refuses writes because an earlier fsync or clean-up of a torn write failed: what the disk holds is no
    /// longer known. Reads go on. Open the log again (which recovers it) once the cause is gone. Kafka: `KAFKA_STORAGE_ERROR`.
    #[error("{} takes no more writes since {reason}; open it again to recover", path.display())]
    Failed {
        /// The partition's directory.
        path: PathBuf,
        /// The failure that came first.
        reason: String,
    },

    /// The log was closed or deleted while the call was made. Look the partition up again. Kafka: `NOT_LEADER_OR_FOLLOWER`.
    #[error("{} is closed", path.display())]
    Closed {
        /// The partition's directory.
        path: PathBuf,
    },

    /// The bytes are not a sound sequence of record batches (CRC, length, counts). Tell the producer; nothing was
    /// written. Kafka: `CORRUPT_MESSAGE`.
    #[error("corrupt record batch: {reason}")]
    CorruptBatch {
        /// What does not fit.
        reason: String,
    },

    /// A sound batch that this log must not take: records that are not what the header says, a control batch from a client,
    /// no key where the log is compacted. Tell the producer. Kafka: `INVALID_RECORD`.
    #[error("record batch refused: {reason}")]
    InvalidRecord {
        /// Which rule it breaks.
        reason: String,
        /// The records that are to blame, where it is not the batch as a whole.
        records: Vec<RecordFault>,
    },

    /// What the batch's codec cannot read. Tell the producer, who must not try again. Kafka: `UNKNOWN_SERVER_ERROR`.
    #[error("compressed records cannot be read: {reason}")]
    Undecodable {
        /// The codec, and what it says.
        reason: String,
    },

    /// The records of one batch are more bytes than are decompressed at a time. The producer can split the batch. Kafka, which
    /// has no such limit: `MESSAGE_TOO_LARGE`.
    #[error(
        "record batch decompresses to more than {limit} bytes; send smaller batches (batch.size)"
    )]
    DecompressedTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },

    /// A batch in message format 0 or 1, which is read but never written. Kafka: `UNSUPPORTED_FOR_MESSAGE_FORMAT`.
    #[error("message format {magic} is not accepted any more; the producer must send format 2")]
    UnsupportedFormat {
        /// The batch's magic byte.
        magic: i8,
    },

    /// One batch is larger than `max.message.bytes`. Tell the producer. Kafka: `MESSAGE_TOO_LARGE`.
    #[error("record batch of {size} bytes is larger than max.message.bytes = {limit}")]
    BatchTooLarge {
        /// The batch, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },

    /// The batches of one append are together larger than a segment. Kafka: `RECORD_LIST_TOO_LARGE`.
    #[error("append of {size} bytes does not fit into a segment of segment.bytes = {limit}")]
    AppendTooLarge {
        /// All batches, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },

    /// A record is older than `message.timestamp.before.max.ms` or further in the future than
    /// `message.timestamp.after.max.ms` allows. Tell the producer. Kafka: `INVALID_TIMESTAMP`.
    #[error(
        "timestamp {timestamp} is outside of [{earliest}, {latest}] (message.timestamp.before.max.ms, message.timestamp.after.max.ms)"
    )]
    InvalidTimestamp {
        /// The first offending timestamp, milliseconds since 1970.
        timestamp: i64,
        /// Earliest accepted.
        earliest: i64,
        /// Latest accepted.
        latest: i64,
        /// The records that are to blame, for this or for another fault.
        records: Vec<RecordFault>,
    },

    /// The offset asked for is not in the log any more, or not yet. Reset to one of the two ends. Kafka:
    /// `OFFSET_OUT_OF_RANGE`.
    #[error("offset {offset} is outside of the log's [{start}, {end}]")]
    OffsetOutOfRange {
        /// Asked for.
        offset: i64,
        /// First offset of the log.
        start: i64,
        /// The end (or high watermark) that was asked about; exclusive.
        end: i64,
    },

    /// An idempotent producer skipped a batch or sent an older one again. The producer retries in order or gives up.
    /// Kafka: `OUT_OF_ORDER_SEQUENCE_NUMBER`.
    #[error("producer {producer_id} sent sequence {sequence} where {expected} was expected")]
    OutOfOrderSequence {
        /// Who.
        producer_id: i64,
        /// First sequence number of the batch.
        sequence: i32,
        /// The one that continues what the log holds.
        expected: i32,
    },

    /// What is appended was meant for a leader that this broker is not, or not any more: ask for the leader, and send it there.
    /// Kafka: `NOT_LEADER_OR_FOLLOWER`.
    #[error("not appended in the leader's epoch {epoch}: {}", now_is(*role))]
    NotLeader {
        /// The epoch in which it was to be appended.
        epoch: i32,
        /// What the broker is now.
        role: Option<Role>,
    },

    /// A role is older than the present one: it came late. Kafka: `FENCED_LEADER_EPOCH`.
    #[error("a role of epoch {epoch} comes too late: epoch {current} has begun")]
    StaleRole {
        /// The epoch of the role that came.
        epoch: i32,
        /// The present one.
        current: i32,
    },

    /// A producer with the same id and a later epoch has written since: this one is a zombie and must stop. Kafka:
    /// `INVALID_PRODUCER_EPOCH`.
    #[error("producer {producer_id} has epoch {epoch}, but epoch {current} has written already")]
    ProducerFenced {
        /// Who.
        producer_id: i64,
        /// The batch's epoch.
        epoch: i16,
        /// The epoch that fenced it.
        current: i16,
    },

    /// A batch outside of a transaction from a producer that has one open here. Kafka: `INVALID_TXN_STATE`.
    #[error(
        "producer {producer_id} writes outside of the transaction that it has open since offset {open_since}"
    )]
    OutsideOfTransaction {
        /// Who.
        producer_id: i64,
        /// First offset of its open transaction.
        open_since: i64,
    },

    /// A transaction marker from a coordinator that another one has followed. Kafka: `TRANSACTION_COORDINATOR_FENCED`.
    #[error(
        "coordinator epoch {epoch} of producer {producer_id}'s transaction is older than {current}"
    )]
    CoordinatorFenced {
        /// Whose transaction.
        producer_id: i64,
        /// The marker's epoch.
        epoch: i32,
        /// The newest epoch seen.
        current: i32,
    },

    /// Compaction was told to stop, or the log was closed or shortened under it. Nothing has changed that was not finished;
    /// try again when there is time.
    #[error("compaction of {} was given up half-way", path.display())]
    CompactionStopped {
        /// The partition's directory.
        path: PathBuf,
    },

    /// This log cannot be compacted, and goes on without. The reason says what is in the way.
    #[error("{} cannot be compacted: {reason}", path.display())]
    Uncleanable {
        /// The partition's directory.
        path: PathBuf,
        /// What was found.
        reason: String,
    },

    /// Another broker has this data directory open. Stop it, or use another directory.
    #[error("data directory {} is in use by {holder}; stop that broker, or choose another directory", path.display())]
    DirectoryInUse {
        /// The data directory.
        path: PathBuf,
        /// Who, as far as the system tells: "process 4242 (java)".
        holder: String,
    },

    /// The data directory cannot be created, or not be written in. Choose another, or correct its permissions.
    #[error("cannot keep data in {}: {source}; choose a directory that this user may write in", path.display())]
    UnusableDirectory {
        /// The data directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },

    /// `meta.properties` names another broker or cluster than the configuration. Correct whichever is wrong.
    #[error("data directory {} belongs to another broker: {reason}", path.display())]
    ForeignDirectory {
        /// The data directory.
        path: PathBuf,
        /// Which of the two ids differs.
        reason: String,
    },

    /// Something in the data directory is not a partition. Move it elsewhere, or correct the path of the data directory.
    #[error(
        "{} is not of the form topic-partition; a data directory holds nothing else, so move it elsewhere or choose another data directory",
        path.display()
    )]
    StrangeDirectory {
        /// What is in the way.
        path: PathBuf,
    },

    /// A small file beside the segments (checkpoint, snapshot, `meta.properties`) does not say what its format wants.
    /// The reason says which line; mend or remove the file.
    #[error("{} is malformed: {reason}", path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A record that its batch is refused for (KIP-467).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFault {
    /// Its position in the batch, from 0.
    pub index: usize,
    /// Which rule it breaks.
    pub reason: String,
}

/// Whether a file was not opened because the process, or the system, has no descriptor left.
pub(crate) fn is_about_descriptors(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn is_about_room(error: &io::Error) -> bool {
    let no_room = [Errno::NOSPC, Errno::DQUOT]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()));
    no_room || is_about_descriptors(error)
}

fn now_is(role: Option<Role>) -> String {
    match role {
        Some(Role::Leader { epoch }) => format!("this broker leads the partition in epoch {epoch}"),
        Some(Role::Follower { epoch }) => {
            format!("this broker follows the leader of epoch {epoch}")
        }
        None => "this broker has no role".to_owned(),
    }
}

impl LogError {
    /// [`LogError::InvalidRecord`] about the batch as a whole.
    pub(crate) fn invalid(reason: impl Into<String>) -> LogError {
        LogError::InvalidRecord {
            reason: reason.into(),
            records: Vec::new(),
        }
    }

    /// Takes out the records that are to blame; none if it is the batch, the producer or the log.
    pub fn take_records(&mut self) -> Vec<RecordFault> {
        match self {
            LogError::InvalidRecord { records, .. }
            | LogError::InvalidTimestamp { records, .. } => std::mem::take(records),
            _ => Vec::new(),
        }
    }

    /// Whether something could not be done for want of a descriptor, or of room on the disk: it can be tried again. An fsync
    /// cannot, whatever it fails for: the next may report success without having written what this one has lost.
    pub(crate) fn is_about_room(&self) -> bool {
        match self {
            LogError::Io { action, source, .. } => *action != FSYNC && is_about_room(source),
            _ => false,
        }
    }

    /// Says which file or directory could not be flushed; made for `map_err`.
    pub(crate) fn fsync(path: &Path) -> impl FnOnce(io::Error) -> LogError {
        LogError::io(FSYNC, path)
    }

    /// Wraps an I/O error with what was tried on which path; made for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
        move |source| LogError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
