//! Kafka's messages: frames, headers, one file an API, the table of versions, the error codes. No I/O.
//!
//! It does not open sockets, does not look into record batches (that is `kafkalite-records`) and decides nothing: a
//! message is a plain struct that knows how it looks in each of its versions.
//!
//! # A broker's use
//!
//! ```
//! use kafkalite_wire::{ApiKey, Request, RequestPrefix, Response, api::metadata::{MetadataRequest, MetadataResponse}};
//!
//! # fn answer(frame: bytes::Bytes) -> kafkalite_wire::Result<kafkalite_wire::Encoded> {
//! let prefix = RequestPrefix::read(&frame)?; // enough to refuse an API or a version that is not served
//! match prefix.key() {
//!     Some(ApiKey::Metadata) => {
//!         let (_header, _request) = MetadataRequest::decode(frame)?;
//!         MetadataResponse::default().encode(prefix.api_version, prefix.correlation_id)
//!     }
//!     _ => Err(prefix.unsupported()),
//! }
//! # }
//! ```
//!
//! # What hostile bytes get
//!
//! An [`Error`]. Every length and count is compared with the bytes that are left before anything is allocated, so that
//! decoding n bytes allocates no more than a small multiple of n, whatever they claim. A request takes no more than
//! [`MAX_REQUEST_MEMORY`] besides its frame, however long that is.

// The derive macro names this crate by its full path, in here too.
extern crate self as kafkalite_wire;

pub mod api;
mod api_key;
mod api_table;
mod coded_error;
pub mod consumer_protocol;
mod encoded;
mod error;
mod error_code;
pub mod frame;
mod header;
mod reader;
mod records;
mod request;
pub mod schema;
mod value;
mod version;
mod writer;

pub use api_key::ApiKey;
pub use coded_error::CodedError;
pub use encoded::{Encoded, Part, Splice};
pub use error::{Error, Result};
pub use error_code::ErrorCode;
pub use header::{RequestHeader, RequestPrefix};
pub use kafkalite_wire_derive::Message;
pub use reader::Reader;
pub use records::Records;
pub use request::{MAX_REQUEST_ELEMENTS, MAX_REQUEST_MEMORY, Request, Response};
pub use value::{Nullable, Optional, Value};
pub use version::Version;
pub use writer::Writer;
