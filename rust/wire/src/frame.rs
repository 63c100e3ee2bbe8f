//! Frames: every message travels behind four bytes that say its length.

use crate::{Error, Reader, Result, Value, Version};

/// Bytes of the length prefix.
pub const PREFIX_LEN: usize = 4;

/// The length of the frame that follows `prefix`, in bytes, if it is between 0 and `limit`.
///
/// # Errors
/// [`Error::FrameTooLarge`] if it is not. A length within the limit is still only a claim: read as bytes arrive.
pub fn length(prefix: [u8; PREFIX_LEN], limit: usize) -> Result<usize> {
    let length = i32::from_be_bytes(prefix);
    match usize::try_from(length) {
        Ok(bytes) if bytes <= limit => Ok(bytes),
        _ => Err(Error::FrameTooLarge { length, limit }),
    }
}

/// The correlation id of a response (its first four bytes after the prefix), which tells the request that it answers.
pub fn correlation_id(response: &bytes::Bytes) -> Result<i32> {
    i32::read(&mut Reader::new(response.clone(), Version::INFLEXIBLE))
}
