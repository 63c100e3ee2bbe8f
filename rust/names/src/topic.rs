//! Which names topics may have.

use crate::shown;

/// Longest name, in bytes: with `-<partition>` it still fits into a file name.
const LONGEST: usize = 249;

/// Why a name cannot be that of a topic or partition. Tell whoever chose it; in Kafka's terms `INVALID_TOPIC_EXCEPTION`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} {reason}")]
pub struct InvalidName {
    /// The name, or the beginning of a long one.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl InvalidName {
    /// That the name is wrong for this reason.
    pub fn new(name: &str, reason: &'static str) -> Self {
        let name = shown(name).into_owned();
        Self { name, reason }
    }
}

/// Kafka's rule for topic names: 1 to 249 of `a-z A-Z 0-9 . _ -`, but not `.` or `..`.
pub fn check_topic_name(name: &str) -> Result<(), InvalidName> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let reason = match name {
        "" => "is empty, so no topic name",
        "." | ".." => "is a name of the file system's own, so no topic name",
        _ if name.len() > LONGEST => "is longer than the 249 bytes of a topic name",
        _ if !name.bytes().all(legal) => {
            "has other characters than a topic name's: a-z, A-Z, 0-9, '.', '_' and '-'"
        }
        _ => return Ok(()),
    };
    Err(InvalidName::new(name, reason))
}
