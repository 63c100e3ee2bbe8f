//! Nodes that hold something else than they should.

use kafkalite_names::shown;

/// Bytes of a node's data that an error repeats.
const SHOWN: usize = 80;

/// A node holds what nobody of Kafka's would have written there. Whoever wrote it has to mend or to delete it; until then what it
/// is about is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ZooKeeper's node {path} holds {found}, which is not {expected}: {reason}")]
pub struct Garbage {
    /// The node.
    pub path: String,
    /// The beginning of what it holds.
    pub found: String,
    /// What belongs there.
    pub expected: &'static str,
    /// Where the two differ.
    pub reason: String,
}

impl Garbage {
    pub(crate) fn new(path: &str, data: &[u8], expected: &'static str, reason: &str) -> Self {
        Self {
            path: path.to_owned(),
            found: found(data),
            expected,
            // It may repeat what was found.
            reason: shown(reason).into_owned(),
        }
    }
}

fn found(data: &[u8]) -> String {
    if data.is_empty() {
        return "nothing".to_owned();
    }
    let beginning = String::from_utf8_lossy(&data[..data.len().min(SHOWN)]);
    let rest = data.len().saturating_sub(SHOWN);
    if rest == 0 {
        format!("{beginning:?}")
    } else {
        format!("{beginning:?} and {rest} more bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_of_what_was_found_is_repeated() {
        let garbage = Garbage::new("/x", &vec![b'a'; 1_000_000], "an offset", "no digit");
        let said = garbage.to_string();
        assert!(said.len() < 250, "{said}");
        assert!(said.ends_with("more bytes, which is not an offset: no digit"));
        assert_eq!(found(b""), "nothing");
        assert_eq!(found(b"\xff\n"), "\"\u{fffd}\\n\"");
    }
}
