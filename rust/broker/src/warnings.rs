//! What the operator is told of peers, and of what they have the broker do in vain: each thing once, and then only how often.
//!
//! An outdated client knocks for as long as it runs. Said each time, that would bury everything else in the log.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How often it is said what was repeated.
pub(crate) const SUMMARY_EVERY: Duration = Duration::from_mins(10);
/// What was not repeated for this long is said anew.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);
/// Most things that are remembered; what comes beyond is only counted.
const MOST: usize = 1000;
/// Most things that are remembered of one of them: who is wrong in ever new ways must not take the place of others.
const MOST_OF_ONE: usize = 8;
/// Most bytes of a sentence that are remembered: it may repeat what a peer has sent.
const MOST_BYTES: usize = 256;
/// How many things a summary names.
const NAMED: usize = 5;

/// Whom a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum About {
    Peer(IpAddr),
    /// All groups together, for clients choose how many there are.
    Groups,
    /// All logs together: what befalls the disk befalls each of thousands.
    Logs,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(peer) => peer.fmt(f),
            Self::Groups => f.write_str("groups"),
            Self::Logs => f.write_str("logs"),
        }
    }
}

/// Decides what is said.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Said>);

impl Warnings {
    /// Whether to say this: no if it was said already, or there is no room to remember that it was.
    pub(crate) fn is_new(&self, about: About, sentence: &str) -> bool {
        self.0.lock().note(about, sentence, Instant::now())
    }

    /// Says what was repeated since the last summary, if anything was.
    pub(crate) fn summarize(&self) {
        let summary = self.0.lock().summary(Instant::now());
        if let Some(summary) = summary {
            tracing::warn!("{summary}");
        }
    }
}

#[derive(Debug, Default)]
struct Said {
    by_whom: HashMap<About, HashMap<String, Repeats>>,
    /// Things in all of them.
    known: usize,
    /// What there was no room for.
    others: u64,
}

#[derive(Debug)]
struct Repeats {
    /// Since the last summary.
    count: u64,
    last: Instant,
}

impl Said {
    fn note(&mut self, about: About, sentence: &str, now: Instant) -> bool {
        let sentence = beginning(sentence);
        let of_it = self.by_whom.get_mut(&about);
        let room = of_it
            .as_ref()
            .map_or(MOST_OF_ONE, |known| MOST_OF_ONE.saturating_sub(known.len()));
        if let Some(repeats) = of_it.and_then(|known| known.get_mut(sentence)) {
            *repeats = Repeats {
                count: repeats.count + 1,
                last: now,
            };
            return false;
        }
        if room == 0 || self.known >= MOST {
            self.others += 1;
            return false;
        }
        let first = Repeats {
            count: 0,
            last: now,
        };
        let known = self.by_whom.entry(about).or_default();
        known.insert(sentence.to_owned(), first);
        self.known += 1;
        true
    }

    fn summary(&mut self, now: Instant) -> Option<String> {
        let others = std::mem::take(&mut self.others);
        let mut repeated: Vec<(u64, About, String)> = Vec::new();
        for (about, known) in &mut self.by_whom {
            for (sentence, repeats) in &mut *known {
                let count = std::mem::take(&mut repeats.count);
                if count > 0 {
                    repeated.push((count, *about, sentence.clone()));
                }
            }
            known.retain(|_, repeats| now.duration_since(repeats.last) < FORGOTTEN_AFTER);
        }
        self.by_whom.retain(|_, known| !known.is_empty());
        self.known = self.by_whom.values().map(HashMap::len).sum();

        let all: u64 = others + repeated.iter().map(|(count, ..)| count).sum::<u64>();
        if all == 0 {
            return None;
        }
        repeated.sort_unstable_by_key(|(count, about, _)| (Reverse(*count), *about));
        let named: Vec<String> = repeated
            .iter()
            .take(NAMED)
            .map(|(count, about, sentence)| format!("{count} of {about}: {sentence}"))
            .collect();
        let rest = all
            - repeated
                .iter()
                .take(NAMED)
                .map(|(count, ..)| count)
                .sum::<u64>();
        let rest = match (rest, named.is_empty()) {
            (0, _) => String::new(),
            (rest, true) => format!("{rest} that differ"),
            (rest, false) => format!("; {rest} more"),
        };
        Some(format!("{all} more warnings: {}{rest}", named.join("; ")))
    }
}

fn beginning(sentence: &str) -> &str {
    &sentence[..sentence.floor_char_boundary(MOST_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u32) -> About {
        About::Peer(IpAddr::V4(number.into()))
    }

    #[test]
    fn a_thing_is_said_once_of_each_peer_and_then_counted() {
        let (mut said, now) = (Said::default(), Instant::now());
        assert!(said.note(peer(1), "too old", now));
        assert!(said.note(peer(2), "too old", now));
        assert!(said.note(peer(1), "too large", now));
        assert_eq!(said.summary(now), None, "nothing was repeated");
        for _ in 0..16_700 {
            assert!(!said.note(peer(2), "too old", now));
        }
        assert!(!said.note(peer(1), "too large", now));
        assert_eq!(
            said.summary(now).unwrap(),
            "16701 more warnings: 16700 of 0.0.0.2: too old; 1 of 0.0.0.1: too large"
        );
        assert_eq!(said.summary(now), None, "each is counted once");
    }

    #[test]
    fn what_was_not_repeated_for_long_is_said_anew() {
        let (mut said, begin) = (Said::default(), Instant::now());
        assert!(said.note(peer(1), "too old", begin));
        let later = begin + FORGOTTEN_AFTER / 2;
        assert!(!said.note(peer(1), "too old", later));
        said.summary(begin + FORGOTTEN_AFTER);
        assert!(!said.note(peer(1), "too old", later), "heard of since");
        said.summary(later + FORGOTTEN_AFTER);
        assert!(said.by_whom.is_empty());
        assert!(said.note(peer(1), "too old", later + FORGOTTEN_AFTER));
    }

    #[test]
    fn neither_a_peer_nor_all_of_them_are_remembered_without_end() {
        let (mut said, now) = (Said::default(), Instant::now());
        let new = (0..100).filter(|number| said.note(peer(1), &format!("{number}"), now));
        assert_eq!(new.count(), MOST_OF_ONE);
        let new = (2..9_000).filter(|&number| said.note(peer(number), "too old", now));
        assert_eq!(new.count(), MOST - MOST_OF_ONE);
        let longest = "ü".repeat(40_000);
        assert_eq!(beginning(&longest).len(), MOST_BYTES);
        assert!(said.by_whom.len() <= MOST);
        let summary = said.summary(now).unwrap();
        let counted = 100 + 8_998 - MOST;
        assert_eq!(
            summary,
            format!("{counted} more warnings: {counted} that differ")
        );
    }
}
