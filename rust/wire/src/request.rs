//! Requests and their responses as frames.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::{
    ApiKey, Encoded, Error, Reader, RequestHeader, RequestPrefix, Result, Value, Version, Writer,
};

/// What the arrays and strings of one request may take in memory, in bytes. Records don't count: they stay slices of the
/// frame. Enough for half a million partitions, and far from what a frame full of empty topics would become.
pub const MAX_REQUEST_MEMORY: usize = 32 << 20;

/// The most elements that one array of a request may have; Apache Kafka's limit.
pub const MAX_REQUEST_ELEMENTS: usize = 1_000_000;

/// A request: binds key, versions and response together. Implemented by the table in [`api`](crate::api).
pub trait Request: Value {
    /// The API's key.
    const KEY: ApiKey;
    /// The versions that are spoken.
    const VERSIONS: RangeInclusive<i16>;
    /// All that this crate reads and writes: the same, and before them those that only consumers of before Kafka 0.11 need.
    const WITH_RETIRED: RangeInclusive<i16>;
    /// The first flexible version (KIP-482); `i16::MAX` if there is none.
    const FLEXIBLE: i16;
    /// What answers it.
    type Response: Response<Request = Self>;

    /// The request as a frame, in the version that the header names.
    fn encode(&self, header: &RequestHeader) -> Result<Encoded> {
        let version = supported::<Self>(header.api_version)?;
        let mut w = Writer::new(version);
        w.put(&[0; crate::frame::PREFIX_LEN]);
        header.write(Self::KEY, &mut w, version)?;
        self.write(&mut w)?;
        w.finish()
    }

    /// A request from its frame (without the length prefix). Bytes behind it are ignored, as Apache Kafka does: librdkafka
    /// leaves three behind when it asks for all topics (2.x, Metadata from version 9).
    /// Takes [`MAX_REQUEST_MEMORY`] at the most, and no array of more than [`MAX_REQUEST_ELEMENTS`].
    fn decode(frame: Bytes) -> Result<(RequestHeader, Self)> {
        let mut r = Reader::new(frame, Version::INFLEXIBLE);
        r.limit_memory(MAX_REQUEST_MEMORY);
        r.limit_elements(MAX_REQUEST_ELEMENTS);
        let prefix = RequestPrefix::from_reader(&mut r)?;
        if prefix.api_key != Self::KEY.code() {
            return Err(prefix.unsupported());
        }
        let version = supported::<Self>(prefix.api_version)?;
        let header = RequestHeader::read_rest(prefix, &mut r, version)?;
        let request = Self::read(&mut r)?;
        Ok((header, request))
    }
}

/// A response.
pub trait Response: Value {
    /// What it answers.
    type Request: Request<Response = Self>;

    /// The response as a frame.
    fn encode(&self, version: i16, correlation_id: i32) -> Result<Encoded> {
        let version = supported::<Self::Request>(version)?;
        let mut w = Writer::new(version);
        w.put(&[0; crate::frame::PREFIX_LEN]);
        correlation_id.write(&mut w)?;
        if has_tagged_header::<Self::Request>(version) {
            w.unsigned_varint(0);
        }
        self.write(&mut w)?;
        w.finish()
    }

    /// A response from its frame (without the length prefix), with its correlation id.
    fn decode(frame: Bytes, version: i16) -> Result<(i32, Self)> {
        let version = supported::<Self::Request>(version)?;
        let mut r = Reader::new(frame, version);
        let correlation_id = i32::read(&mut r)?;
        if has_tagged_header::<Self::Request>(version) {
            r.skip_tagged_fields()?;
        }
        let response = Self::read(&mut r)?;
        r.finish()?;
        Ok((correlation_id, response))
    }
}

fn supported<R: Request>(version: i16) -> Result<Version> {
    if R::WITH_RETIRED.contains(&version) {
        Ok(Version::new(version, R::FLEXIBLE))
    } else {
        Err(Error::UnsupportedVersion {
            key: R::KEY.code(),
            version,
        })
    }
}

/// Whether the response's header is version 1. That of `ApiVersions` is always version 0: it is read by clients that do
/// not know yet which version the broker answered in.
fn has_tagged_header<R: Request>(version: Version) -> bool {
    version.is_flexible() && R::KEY != ApiKey::ApiVersions
}
