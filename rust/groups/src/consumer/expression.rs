//! One regular expression that members subscribe by.

use std::collections::BTreeSet;

use super::patterns::Pattern;

/// A regular expression in use.
#[derive(Debug, Default)]
pub(super) struct Expression {
    /// Not there while only its text is known, as after a restart.
    pub(super) pattern: Option<Pattern>,
    /// What it stood for when it was last matched; without its pattern, what is stored of that, if anything is.
    pub(super) topics: Option<BTreeSet<String>>,
}

impl Expression {
    pub(super) fn topics(&self) -> Option<&BTreeSet<String>> {
        self.topics.as_ref()
    }
}
