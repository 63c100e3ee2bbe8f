//! What ZooKeeper lets a node be called.

/// Why no node can have this name; `None` if one can.
pub(crate) fn objection(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("it is empty"),
        "." | ".." => Some("'.' and '..' are ZooKeeper's own"),
        _ if !name.chars().all(is_legal) => {
            Some("it has a '/' or another character that no node's name can have")
        }
        _ => None,
    }
}

/// Whether a name may have this letter.
pub(crate) fn is_legal(letter: char) -> bool {
    !(letter == '/'
        || letter.is_control()
        || ('\u{e000}'..='\u{f8ff}').contains(&letter)
        || ('\u{fff0}'..='\u{ffff}').contains(&letter))
}
