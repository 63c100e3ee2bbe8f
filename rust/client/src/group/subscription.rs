//! What a member wants to read.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use regex::Regex;

use crate::config::ConfigError;
use crate::error::Result;

/// What a member wants to read; of that, the group decides what it gets.
#[derive(Debug, Clone)]
pub enum Subscription {
    /// These topics. One that does not exist yet is read as soon as it does.
    Topics(Vec<Arc<str>>),
    /// Every topic that this matches, those that come later too; see [`pattern`](Self::pattern).
    Pattern(TopicPattern),
}

/// A regular expression for whole names; shows itself as it was given.
#[derive(Debug, Clone)]
pub struct TopicPattern {
    given: Arc<str>,
    whole: Regex,
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

impl Subscription {
    /// Topics by name.
    pub fn topics(names: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        Subscription::Topics(names.into_iter().map(Into::into).collect())
    }

    /// Topics by a regular expression that the whole name has to match; Kafka's internal topics are left out. New topics are
    /// noticed after `metadata.max.age.ms` at the latest.
    pub fn pattern(pattern: &str) -> Result<Self> {
        match Regex::new(&format!("^(?:{pattern})$")) {
            Ok(whole) => Ok(Subscription::Pattern(TopicPattern {
                given: pattern.into(),
                whole,
            })),
            Err(error) => Err(ConfigError::Invalid {
                name: "pattern",
                value: pattern.to_owned(),
                expected: format!("a regular expression: {error}"),
            }
            .into()),
        }
    }

    /// The topics' names; `existing` are those that a pattern chooses from.
    pub(super) fn resolve<'a>(
        &self,
        existing: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<Arc<str>> {
        match self {
            Subscription::Topics(names) => names.iter().cloned().collect(),
            Subscription::Pattern(pattern) => existing
                .into_iter()
                .filter(|name| pattern.whole.is_match(name))
                .map(Arc::from)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        let clicks = Subscription::pattern("clicks|views-.*").unwrap();
        let existing = ["clicks", "clicks2", "my-clicks", "views-", "views-x"];
        let chosen: Vec<_> = clicks.resolve(existing).into_iter().collect();
        assert_eq!(
            chosen,
            ["clicks".into(), "views-".into(), "views-x".into()] as [Arc<str>; 3]
        );
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_what_is_wrong() {
        let error = Subscription::pattern("clicks[").unwrap_err().to_string();
        assert!(
            error.contains("clicks[") && error.contains("unclosed"),
            "{error}"
        );
    }
}
