//! What can be wrong with bytes that claim to be records.

use crate::Compression;

/// Why bytes could not be read as records, or records not be written as bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordsError {
    /// The bytes end before the batch does. A reader of a fetch response or of a log's tail stops here;
    /// a broker that was sent this by a producer refuses it.
    #[error("{have} bytes where {needed} are needed")]
    Incomplete {
        /// Bytes that the whole would take, as far as is known.
        needed: usize,
        /// Bytes that are there.
        have: usize,
    },
    /// Not format v2. Read magic 0 and 1 with [`legacy`](crate::legacy); refuse anything else.
    #[error("record format {magic} where 2 is expected")]
    UnsupportedMagic {
        /// The format that the bytes claim.
        magic: i8,
    },
    /// A field contradicts another or its own range. Refuse the batch (Kafka's `CORRUPT_MESSAGE` or
    /// `INVALID_RECORD`); in a log after a crash, cut here.
    #[error("corrupt records: {0}")]
    Corrupt(&'static str),
    /// The checksum says that the bytes are not those that were written. As for `Corrupt`.
    #[error("checksum is {computed:#010x}, the batch says {stored:#010x}")]
    Checksum {
        /// What the bytes hold.
        stored: u32,
        /// What the bytes add up to.
        computed: u32,
    },
    /// A compression code that Kafka does not define (Kafka's `UNSUPPORTED_COMPRESSION_TYPE`).
    #[error("unknown compression code {0}")]
    UnknownCompression(u8),
    /// An older format has no code for the codec (Kafka's `UNSUPPORTED_COMPRESSION_TYPE`).
    #[error("record format {magic} has no {codec}; it has gzip, snappy and lz4")]
    CompressionNotInFormat {
        /// How the records are compressed.
        codec: Compression,
        /// The format that they should be written in.
        magic: i8,
    },
    /// The compressed bytes are not what their codec writes. As for `Corrupt`.
    #[error("{codec} cannot decompress: {detail}")]
    Decompress {
        /// The codec that the batch names.
        codec: Compression,
        /// What the codec says.
        detail: String,
    },
    /// Decompressed, the records would be larger than the caller allows. Raise the limit or refuse.
    #[error("records decompress to more than {limit} bytes")]
    TooLarge {
        /// The caller's limit, in bytes.
        limit: usize,
    },
}

/// `Result` with this crate's error.
pub type Result<T, E = RecordsError> = std::result::Result<T, E>;
