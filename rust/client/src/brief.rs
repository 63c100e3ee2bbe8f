//! What errors repeat of what they were given.

use std::borrow::Cow;

/// What errors repeat of a text that somebody gave: of one that is longer than any topic's name, only the beginning.
pub(crate) fn brief(text: &str) -> Cow<'_, str> {
    const MOST: usize = 255;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}
