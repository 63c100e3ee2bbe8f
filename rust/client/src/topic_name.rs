//! What can be the name of a topic. Asked before anything is sent: a name that is too long for the protocol would spoil every
//! request that it is part of, and with it what is asked about other topics.

use crate::brief::brief;
use crate::error::{ClientError, Result};

/// The longest name in bytes.
const MOST: usize = 249;

/// Kafka's rule: 1 to 249 of `a-z A-Z 0-9 . _ -`, but not `.` or `..`. The sentences are those of kafkalite's broker.
pub fn check_topic_name(name: &str) -> Result<()> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let reason = match name {
        "" => "is empty, so no topic name",
        "." | ".." => "is a name of the file system's own, so no topic name",
        _ if name.len() > MOST => "is longer than the 249 bytes of a topic name",
        _ if !name.bytes().all(legal) => {
            "has other characters than a topic name's: a-z, A-Z, 0-9, '.', '_' and '-'"
        }
        _ => return Ok(()),
    };
    let name = brief(name).into();
    Err(ClientError::InvalidTopic { name, reason })
}
