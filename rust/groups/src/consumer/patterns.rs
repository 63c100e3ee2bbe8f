//! Members' regular expressions, compiled, and the topics that they stand for.
//!
//! Either may take long, so the state machine does neither: it is handed what was found out before its group was locked.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafkalite_wire::{CodedError, ErrorCode};
use regex::{Regex, RegexBuilder};

/// Most bytes of a member's regular expression: compiling one takes no longer than a few tenths of a second.
pub(super) const LONGEST: usize = 4 << 10;
/// Most regular expressions that the members of a group use.
pub(super) const MOST: usize = 32;
/// Most bytes that one may take when compiled, where a few characters can stand for as much as anybody likes.
const LARGEST: usize = 2 << 20;
/// Most bytes that one may keep of what it has found out while matching. With less it is slower, not wrong.
const LARGEST_CACHE: usize = 256 << 10;

/// A compiled regular expression that a topic's whole name must match. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pattern(Option<Arc<Regex>>);

impl Pattern {
    /// Stands for no topics: in the place of what is stored and no regular expression here, as another broker may have had
    /// another idea of what is valid.
    pub const NOTHING: Self = Self(None);

    /// Compiles a regular expression: not to be done on a thread that others wait for.
    ///
    /// # Errors
    /// `INVALID_REGULAR_EXPRESSION` if it is none, or becomes too large.
    pub fn compile(regex: &str) -> Result<Self, CodedError> {
        let build = |text: &str| {
            let mut builder = RegexBuilder::new(text);
            let builder = builder.size_limit(LARGEST).dfa_size_limit(LARGEST_CACHE);
            builder.build()
        };
        // First by itself: `a)|(?:b` makes sense only in the parentheses that are put around it.
        let alone = build(regex);
        let whole = alone.and_then(|_| build(&format!("^(?:{regex})$")));
        let compiled = whole.map_err(|error| {
            let message = format!("'{regex}' is no regular expression: {error}");
            CodedError::new(ErrorCode::InvalidRegularExpression, message)
        })?;
        Ok(Self(Some(Arc::new(compiled))))
    }

    /// Whether it is a regular expression here.
    pub(super) fn is_valid(&self) -> bool {
        self.0.is_some()
    }

    /// Those of these topics whose whole names match: not to be asked on a thread that others wait for.
    pub fn among(self, names: &[Arc<str>]) -> Matched {
        let matches = |name: &&Arc<str>| self.0.as_ref().is_some_and(|regex| regex.is_match(name));
        let topics = names.iter().filter(matches);
        Matched {
            topics: topics.map(ToString::to_string).collect(),
            pattern: self,
        }
    }
}

/// A regular expression and the topics that it stands for at one moment.
#[derive(Debug, Clone)]
pub struct Matched {
    pub(super) pattern: Pattern,
    pub(super) topics: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_would_take_much_memory_is_refused() {
        let refused = Pattern::compile(r"(?:\w{100}){100}").unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidRegularExpression);
    }
}
