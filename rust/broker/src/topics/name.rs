//! Which names a topic may have. The name becomes part of a directory's name, so these rules are also what keeps `../`
//! out of the data directory.

/// Longest name, in bytes: with `-<partition>` and the suffix of a deletion it stays below the 255 of file systems.
const MAX_LENGTH: usize = 249;

/// Topics that the broker keeps for itself. Clients read them, but do not create, write or delete them.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// The log of Kafka's controllers: never a topic of clients.
const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Says what is wrong with a name, as the end of a sentence that begins with "topic name".
pub(crate) fn check(name: &str) -> Result<(), String> {
    match name {
        "" => return Err("is empty".to_owned()),
        "." | ".." => return Err(format!("must not be '{name}'")),
        _ => {}
    }
    if name.len() > MAX_LENGTH {
        return Err(format!("has {} bytes, more than {MAX_LENGTH}", name.len()));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name.chars().find(|&c| !legal(c)) {
        Some(c) => Err(format!("contains {c:?}; allowed are ASCII letters, digits, '.', '_' and '-'")),
        None => Ok(()),
    }
}

/// Does the broker itself keep this topic?
pub(crate) fn is_internal(name: &str) -> bool {
    INTERNAL.contains(&name)
}

/// Is this a name that clients may not create?
pub(crate) fn is_reserved(name: &str) -> bool {
    is_internal(name) || name == CLUSTER_METADATA
}

/// The name under which metrics know a topic: `.` and `_` fall together there, so Kafka keeps such topics apart.
pub(super) fn metric_name(name: &str) -> String {
    name.replace('.', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        for name in ["a", "clicks", "A.b_c-9", "...", "_", &"x".repeat(MAX_LENGTH), "-1", "a-delete"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_could_leave_the_directory_or_confuse_it_do_not() {
        let long = "x".repeat(MAX_LENGTH + 1);
        for name in ["", ".", "..", "../etc", "a/b", "a\\b", "a b", "a\0", "ä", "a\n", "a:b", &long] {
            assert!(check(name).is_err(), "{name:?}");
        }
    }
}
