//! What can be wrong with bytes, or with a message that shall become bytes.

/// The result of reading or writing a message.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a message could not be read or written.
///
/// After a decoding error the position in the stream is still known (frames carry their length), but nothing else about
/// the peer is: a broker answers what it can and closes the connection, a client closes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end before the message does. Close the connection: the peer sent a wrong length or a wrong message.
    #[error("message ends early: {needed} bytes needed at byte {at}, {left} left")]
    Truncated {
        /// Bytes that the next value takes at the least.
        needed: usize,
        /// Where the value starts, in bytes from the start of the frame.
        at: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// The message ends before the bytes do. Close the connection: the peer follows another schema.
    #[error("{0} bytes left over after the message")]
    TrailingBytes(usize),
    /// A length or a count is negative where null is not allowed. Close the connection.
    #[error("length {length} at byte {at} is not allowed")]
    BadLength {
        /// The length as sent.
        length: i64,
        /// Where it stands, in bytes from the start of the frame.
        at: usize,
    },
    /// A variable-length integer does not end within five bytes or exceeds 32 bits. Close the connection.
    #[error("variable-length integer at byte {at} exceeds 32 bits")]
    BadVarint {
        /// Where it starts, in bytes from the start of the frame.
        at: usize,
    },
    /// A string is not UTF-8. Close the connection.
    #[error("string at byte {at} is not UTF-8")]
    BadString {
        /// Where its first character stands, in bytes from the start of the frame.
        at: usize,
    },
    /// A tagged field's value is shorter than the size it was sent with. Close the connection.
    #[error("tagged field {tag} leaves {left} of its bytes unread")]
    BadTaggedField {
        /// The field's tag.
        tag: u32,
        /// Bytes left over.
        left: usize,
    },
    /// An array's elements, which the message is long enough to hold, don't fit into memory. Close the connection.
    #[error("no memory for {elements} elements")]
    OutOfMemory {
        /// How many were sent.
        elements: usize,
    },
    /// A request's arrays and strings together take more memory than [`MAX_REQUEST_MEMORY`](crate::MAX_REQUEST_MEMORY).
    /// Close the connection; the peer can ask for less at a time.
    #[error("the request takes too much memory from byte {at} on; ask for less at a time")]
    TooMuchMemory {
        /// Where the limit was reached, in bytes from the start of the frame.
        at: usize,
    },
    /// An array of a request has more elements than [`MAX_REQUEST_ELEMENTS`](crate::MAX_REQUEST_ELEMENTS). Close the
    /// connection, as Apache Kafka does; the peer can ask for less at a time.
    #[error("{elements} elements in one array; the limit is {limit}, ask for less at a time")]
    TooManyElements {
        /// How many it claims to have.
        elements: usize,
        /// The most there may be.
        limit: usize,
    },
    /// A frame's length is negative or beyond the limit. Close the connection; raise the limit if the peer is honest.
    #[error("frame of {length} bytes; the limit is {limit}")]
    FrameTooLarge {
        /// The length as sent.
        length: i32,
        /// The largest length that is accepted, in bytes.
        limit: usize,
    },
    /// What consumers tell each other begins with a version, and this is none. Ignore what was told.
    #[error("{0} is not a version")]
    BadVersion(i16),
    /// No such API, or not in this version. A broker answers `UNSUPPORTED_VERSION` to `ApiVersions` and closes the
    /// connection for all else; a client chooses another version.
    #[error("API {key} version {version} is not supported")]
    UnsupportedVersion {
        /// The API's key.
        key: i16,
        /// The version asked for.
        version: i16,
    },
    /// A field holds a value that this version can't carry and that may not be dropped. Choose a newer version or leave
    /// the field at its default.
    #[error("field {field} can't be sent in version {version}")]
    FieldNotInVersion {
        /// The field's name.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// A field is null (to be written, or as read) in a version that has no null there. Writing: give it a value.
    /// Reading: close the connection.
    #[error("field {field} can't be null in version {version}")]
    NotNullable {
        /// The field's name.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// A string or a message is larger than its length field can say. Send less.
    #[error("{length} bytes are too long to be sent; {limit} is the most")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The largest length there is.
        limit: usize,
    },
}
