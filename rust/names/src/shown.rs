//! Names as errors repeat them.

use std::borrow::Cow;

/// Characters of the longest name that is repeated in whole; no topic's is longer.
const MOST: usize = 255;

/// What somebody gave as a name, as errors repeat it: whoever sent kilobytes as one need not get them back, perhaps once for each
/// partition.
pub fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &name[..end]).into(),
        None => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_topic_is_called_is_cut() {
        let longest = "x".repeat(MOST);
        assert_eq!(shown(&longest), longest);
        assert_eq!(shown(&"é".repeat(10_000)), "é".repeat(MOST) + "…");
    }
}
