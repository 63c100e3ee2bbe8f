//! Which topics members want: by name, and by regular expression.

use std::collections::{BTreeMap, BTreeSet};

use kafkalite_wire::{CodedError, ErrorCode};

use super::expression::Expression;
use super::patterns::{MOST, Matched, Pattern};
use super::records::ConsumerKey;
use super::{Consumer, Member, Topology};

impl Consumer {
    /// Topics have been created, deleted or grown since the last look. If that concerns the group its epoch grows: not before it
    /// is known what the group subscribes to, or it would grow again then. So what its regular expressions stand for now is
    /// [handed in](Self::set_matched) before.
    pub fn look_at(&mut self, topics: &dyn Topology) {
        if self.regexes.values().any(|it| it.pattern.is_none()) {
            return;
        }
        let hash = self.hash(topics);
        if hash != self.topics_hash && !self.is_empty() {
            self.topics_hash = hash;
            self.grow("topics that it subscribes to have changed");
        }
    }

    /// The regular expressions of the members, each with its compiled form unless only its text is known, as after a restart.
    pub fn patterns(&self) -> impl Iterator<Item = (&str, Option<&Pattern>)> {
        let expressions = self.regexes.iter();
        expressions.map(|(regex, expression)| (regex.as_str(), expression.pattern.as_ref()))
    }

    /// What a regular expression that members use stands for, if that is known and it is valid.
    pub fn matched(&self, regex: &str) -> Option<Matched> {
        let expression = self.regexes.get(regex)?;
        let pattern = expression.pattern.as_ref().filter(|it| it.is_valid())?;
        Some(Matched {
            pattern: pattern.clone(),
            topics: expression.topics.clone()?,
        })
    }

    /// Hands in what a regular expression stands for now, if members still use it.
    pub fn set_matched(&mut self, regex: &str, matched: Matched) {
        let Some(expression) = self.regexes.get_mut(regex) else {
            return;
        };
        expression.pattern = Some(matched.pattern);
        if expression.topics.as_ref() != Some(&matched.topics) {
            expression.topics = Some(matched.topics);
            self.store(ConsumerKey::Regex(regex.to_owned()));
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

    /// Takes note of a member's regular expression, with what it stands for where the request came with that.
    pub(super) fn use_regex(&mut self, regex: &str, matched: Option<Matched>) {
        self.regexes.entry(regex.to_owned()).or_default();
        if let Some(matched) = matched {
            self.set_matched(regex, matched);
        }
    }

    /// Takes note that subscriptions have changed.
    pub(crate) fn resubscribe(&mut self, topics: &dyn Topology) {
        let used = self.used_regexes();
        let unused: Vec<String> = self.regexes.keys().cloned().collect();
        for regex in unused.into_iter().filter(|regex| !used.contains(regex)) {
            self.regexes.remove(&regex);
            self.store(ConsumerKey::Regex(regex));
        }
        self.topics_hash = self.hash(topics);
    }

    fn used_regexes(&self) -> BTreeSet<String> {
        let members = self.members.values();
        members.filter_map(|member| member.regex.clone()).collect()
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
