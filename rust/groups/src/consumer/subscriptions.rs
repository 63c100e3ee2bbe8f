//! Which topics members want: by name, and by regular expression.

use std::collections::BTreeSet;

use super::patterns::compile;
use super::records::Key;
use super::{Consumer, Member, Topology};

impl Consumer {
    /// Topics have been created, deleted or grown since the last look. If that concerns the group its epoch grows.
    pub fn look_at(&mut self, topics: &dyn Topology) {
        // Also one that no record is there of: Kafka writes it some time after the member's.
        for regex in self.used_regexes() {
            self.resolve(&regex, topics);
        }
        let hash = self.hash(topics);
        if hash != self.topics_hash && !self.is_empty() {
            self.topics_hash = hash;
            self.grow("topics that it subscribes to have changed");
        }
    }

    /// Takes note that subscriptions have changed.
    pub(super) fn resubscribe(&mut self, topics: &dyn Topology) {
        let used = self.used_regexes();
        let unused: Vec<String> = self.regexes.keys().cloned().collect();
        for regex in unused.into_iter().filter(|regex| !used.contains(regex)) {
            self.regexes.remove(&regex);
            self.store(Key::Regex(regex));
        }
        for regex in used {
            if !self.regexes.contains_key(&regex) {
                self.resolve(&regex, topics);
            }
        }
        self.topics_hash = self.hash(topics);
    }

    fn used_regexes(&self) -> BTreeSet<String> {
        let members = self.members.values();
        members.filter_map(|member| member.regex.clone()).collect()
    }

    fn resolve(&mut self, regex: &str, topics: &dyn Topology) {
        // One that is stored may come from another broker, with another idea of what is valid.
        let found: BTreeSet<String> = compile(regex).map_or_else(
            |_| BTreeSet::new(),
            |compiled| {
                let names = topics.names().into_iter();
                names
                    .filter(|name| compiled.is_match(name))
                    .map(|name| name.to_string())
                    .collect()
            },
        );
        if self.regexes.get(regex) != Some(&found) {
            self.regexes.insert(regex.to_owned(), found);
            self.store(Key::Regex(regex.to_owned()));
        }
    }

    /// The names of the topics that a member wants, whether they exist or not.
    pub(super) fn wanted<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = &'a str> {
        let matched = member
            .regex
            .as_ref()
            .and_then(|regex| self.regexes.get(regex));
        let matched = matched.into_iter().flatten();
        member.topics.iter().chain(matched).map(String::as_str)
    }

    /// Whether anybody wants the topic.
    pub fn consumes(&self, topic: &str) -> bool {
        let named = |member: &Member| member.topics.contains(topic);
        let matched = |topics: &BTreeSet<String>| topics.contains(topic);
        self.members.values().any(named) || self.regexes.values().any(matched)
    }

    /// The names of the topics that anybody wants. What a regular expression stands for is looked at once, however many use it.
    pub(super) fn all_wanted(&self) -> BTreeSet<&str> {
        let named = self.members.values().flat_map(|member| &member.topics);
        let matched = self.regexes.values().flatten();
        named.chain(matched).map(String::as_str).collect()
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
