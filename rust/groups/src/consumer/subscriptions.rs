//! Which topics members want: by name, and by regular expression.

use std::collections::{BTreeMap, BTreeSet};

use kafkalite_wire::{CodedError, ErrorCode};

use super::expression::Expression;
use super::patterns::{MOST, Pattern};
use super::records::Key;
use super::{Consumer, Member, Topology};

impl Consumer {
    /// Topics have been created, deleted or grown since the last look. If that concerns the group its epoch grows: not before it
    /// is known what the group subscribes to, or it would grow again then.
    pub fn look_at(&mut self, topics: &dyn Topology) {
        self.resolve(topics, |_| true);
        if self.uncompiled().is_some() {
            return;
        }
        let hash = self.hash(topics);
        if hash != self.topics_hash && !self.is_empty() {
            self.topics_hash = hash;
            self.grow("topics that it subscribes to have changed");
        }
    }

    /// A regular expression of the members that [`set_pattern`](Self::set_pattern) is to be called for.
    pub fn uncompiled(&self) -> Option<&str> {
        let mut expressions = self.regexes.iter();
        let missing = expressions.find(|(_, expression)| expression.pattern.is_none());
        missing.map(|(regex, _)| regex.as_str())
    }

    /// The compiled form of a regular expression that members use, if it is there and valid.
    pub fn pattern(&self, regex: &str) -> Option<Pattern> {
        let pattern = self.regexes.get(regex)?.pattern.as_ref();
        pattern.filter(|pattern| pattern.is_valid()).cloned()
    }

    /// Hands in the compiled form of a regular expression, if members still use that. Its topics are found at the next
    /// [`look_at`](Self::look_at).
    pub fn set_pattern(&mut self, regex: &str, pattern: Pattern) {
        if let Some(expression) = self.regexes.get_mut(regex) {
            expression.pattern = Some(pattern);
        }
    }

    /// What was stored: the topics of each regular expression, beside the members. Kafka writes them some time after those.
    pub(super) fn restore_regexes(&mut self, stored: BTreeMap<String, Vec<String>>) {
        for regex in self.used_regexes() {
            self.regexes.entry(regex).or_default();
        }
        for (regex, topics) in stored {
            self.regexes.entry(regex).or_default().topics = Some(topics.into_iter().collect());
        }
    }

    /// Whether a member may use a regular expression, beside those that the others do.
    pub(super) fn check_regex(&self, id: &str, regex: &str) -> Result<(), CodedError> {
        if regex.is_empty() || self.regexes.contains_key(regex) {
            return Ok(());
        }
        let others = self.members.iter().filter(|(other, _)| *other != id);
        let used: BTreeSet<_> = others
            .filter_map(|(_, member)| member.regex.as_deref())
            .collect();
        if used.len() < MOST {
            return Ok(());
        }
        let message = format!(
            "the group's members use {} regular expressions, {MOST} is the most; subscribe by one of theirs, or by names",
            used.len()
        );
        Err(CodedError::new(
            ErrorCode::InvalidRegularExpression,
            message,
        ))
    }

    /// Takes note of a member's regular expression, with its compiled form where the request came with one.
    pub(super) fn use_regex(&mut self, regex: String, pattern: Option<Pattern>) {
        let expression = self.regexes.entry(regex).or_default();
        if expression.pattern.is_none() {
            expression.pattern = pattern;
        }
    }

    /// Takes note that subscriptions have changed.
    pub(crate) fn resubscribe(&mut self, topics: &dyn Topology) {
        let used = self.used_regexes();
        let unused: Vec<String> = self.regexes.keys().cloned().collect();
        for regex in unused.into_iter().filter(|regex| !used.contains(regex)) {
            self.regexes.remove(&regex);
            self.store(Key::Regex(regex));
        }
        self.resolve(topics, |expression| expression.topics.is_none());
        self.topics_hash = self.hash(topics);
    }

    fn used_regexes(&self) -> BTreeSet<String> {
        let members = self.members.values();
        members.filter_map(|member| member.regex.clone()).collect()
    }

    /// Finds the topics of these regular expressions, as far as they are compiled.
    fn resolve(&mut self, topics: &dyn Topology, which: impl Fn(&Expression) -> bool) {
        let due = |expression: &Expression| expression.pattern.is_some() && which(expression);
        if !self.regexes.values().any(due) {
            return;
        }
        let names = topics.names();
        let mut changed = Vec::new();
        for (regex, expression) in &mut self.regexes {
            let Some(pattern) = expression.pattern.as_ref().filter(|_| which(expression)) else {
                continue;
            };
            let matching = names.iter().filter(|name| pattern.matches(name));
            let found: BTreeSet<String> = matching.map(ToString::to_string).collect();
            if expression.topics.as_ref() != Some(&found) {
                expression.topics = Some(found);
                changed.push(regex.clone());
            }
        }
        for regex in changed {
            self.store(Key::Regex(regex));
        }
    }

    /// The names of the topics that a member wants, whether they exist or not.
    pub(super) fn wanted<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = &'a str> {
        let matched = member
            .regex
            .as_ref()
            .and_then(|regex| self.regexes.get(regex)?.topics());
        let matched = matched.into_iter().flatten();
        member.topics.iter().chain(matched).map(String::as_str)
    }

    /// Whether anybody wants the topic.
    pub fn consumes(&self, topic: &str) -> bool {
        let named = |member: &Member| member.topics.contains(topic);
        let mut matched = self.regexes.values().filter_map(Expression::topics);
        self.members.values().any(named) || matched.any(|topics| topics.contains(topic))
    }

    /// The names of the topics that anybody wants. What a regular expression stands for is looked at once, however many use it.
    pub(super) fn all_wanted(&self) -> BTreeSet<&str> {
        let named = self.members.values().flat_map(|member| &member.topics);
        let matched = self.regexes.values().filter_map(Expression::topics);
        named.chain(matched.flatten()).map(String::as_str).collect()
    }

    /// Changes when a topic does that somebody wants. FNV-1a: the same in every version, as it is stored.
    fn hash(&self, topics: &dyn Topology) -> i64 {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for name in self.all_wanted() {
            if let Some((id, partitions)) = topics.topic(name) {
                add(name.as_bytes());
                add(id.as_bytes());
                add(&partitions.to_be_bytes());
            }
        }
        hash as i64
    }
}
