//! What stands before the body of a request or response.

use bytes::Bytes;

use crate::{ApiKey, Error, Nullable, Optional, Reader, Result, Value, Version, Writer};

/// A request header's fixed start, the same in all versions: enough to refuse what is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestPrefix {
    /// The API's key, known or not.
    pub api_key: i16,
    /// The version of the body.
    pub api_version: i16,
    /// What the response must repeat.
    pub correlation_id: i32,
}

impl RequestPrefix {
    /// Reads the first eight bytes of a request's frame.
    pub fn read(frame: &Bytes) -> Result<RequestPrefix> {
        RequestPrefix::from_reader(&mut Reader::new(frame.clone(), Version::INFLEXIBLE))
    }

    /// The API, if its key is known.
    pub fn key(&self) -> Option<ApiKey> {
        ApiKey::from_code(self.api_key)
    }

    /// The error for an API or a version that is not served.
    pub fn unsupported(&self) -> Error {
        Error::UnsupportedVersion {
            key: self.api_key,
            version: self.api_version,
        }
    }

    pub(crate) fn from_reader(r: &mut Reader) -> Result<RequestPrefix> {
        Ok(RequestPrefix {
            api_key: i16::read(r)?,
            api_version: i16::read(r)?,
            correlation_id: i32::read(r)?,
        })
    }
}

/// A request's header, versions 1 and 2. (Version 0 belonged to a request between brokers that no longer exists.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// The version of the body.
    pub api_version: i16,
    /// What the response must repeat.
    pub correlation_id: i32,
    /// The client's name for itself (`client.id`).
    pub client_id: Option<String>,
}

impl RequestHeader {
    /// Reads what follows the prefix and leaves the reader at the body, in the body's `version`.
    pub(crate) fn read_rest(
        prefix: RequestPrefix,
        r: &mut Reader,
        version: Version,
    ) -> Result<RequestHeader> {
        // The client id keeps its two-byte length in header version 2, so that any broker can read it.
        r.set_version(Version::INFLEXIBLE);
        let client_id = String::read_nullable(r)?;
        r.set_version(version);
        if version.is_flexible() {
            r.skip_tagged_fields()?;
        }
        Ok(RequestHeader {
            api_version: prefix.api_version,
            correlation_id: prefix.correlation_id,
            client_id,
        })
    }

    /// Writes the header and leaves the writer in the body's `version`.
    pub(crate) fn write(&self, key: ApiKey, w: &mut Writer, version: Version) -> Result<()> {
        w.set_version(Version::INFLEXIBLE);
        key.code().write(w)?;
        self.api_version.write(w)?;
        self.correlation_id.write(w)?;
        Optional::write(&self.client_id, w, "client_id", true)?;
        w.set_version(version);
        if version.is_flexible() {
            w.unsigned_varint(0);
        }
        Ok(())
    }
}
