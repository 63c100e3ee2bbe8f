//! What a row of the tables says, and what may be written in it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::reset::is_reset;
use crate::error::BrokerError;

/// Kafka's least size of a segment, in bytes (KIP-1030).
pub(crate) const LEAST_SEGMENT_BYTES: i32 = 1 << 20;

/// The type of a setting, in Kafka's words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueKind {
    /// `true` or `false`.
    Boolean,
    /// `true` or `false`, but `true` needs what is not there: this.
    False(&'static str),
    /// A whole number of 32 bits, at least the one given.
    Int(i32),
    /// A whole number within one of these ranges.
    IntIn(&'static [RangeInclusive<i32>]),
    /// Bytes of a segment: a whole number of 32 bits, 1 MiB at least (KIP-1030).
    SegmentBytes,
    /// A whole number of 64 bits, at least the one given.
    Long(i64),
    /// A number between the two, both included.
    Double(f64, f64),
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// None or more words with commas between them; only these, or any where the list is empty.
    List(&'static [&'static str]),
    /// One or more of these words.
    NonEmptyList(&'static [&'static str]),
    /// None or more words of any kind, none of them empty or twice.
    DistinctList,
    /// Where a share group begins: `earliest`, `latest`, `by_duration:PT1H`.
    OffsetReset,
    /// A topic that is not one of the broker's own.
    UserTopic,
    /// Numbers of connections as `address:number` with commas between them.
    AddressLimits,
    /// Replicas as `partition:broker` with commas between them, or `*` for all.
    Replicas,
}

/// Where a setting may be changed while the broker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedWhen {
    /// Only by starting the broker again.
    Restart,
    /// By `IncrementalAlterConfigs` on the broker; kept across restarts.
    Dynamic,
}

/// One setting: everything that parsing, `DescribeConfigs` and the printed tables need to know.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Kafka's spelling.
    pub name: &'static str,
    /// What may be written.
    pub kind: ValueKind,
    /// What holds when nothing is written; `None` where that depends on other settings.
    pub default: Option<&'static str>,
    /// Whether it can change at run time. Topic settings always can.
    pub change: ChangedWhen,
    /// Other settings that stand in when this one is not set, the first that is set wins. For a topic setting these
    /// are broker settings.
    pub synonyms: &'static [Synonym],
    /// One sentence, with the unit.
    pub doc: &'static str,
}

/// A setting that stands in for another one, in its own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synonym {
    /// The name of the setting that stands in.
    pub name: &'static str,
    /// How many of our units one of its units is; 1 where the unit is the same.
    pub factor: i64,
}

impl ValueKind {
    /// The name that `DescribeConfigs` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean | Self::False(_) => "boolean",
            Self::Int(_) | Self::IntIn(_) | Self::SegmentBytes => "int",
            Self::Long(_) => "long",
            Self::Double(..) => "double",
            Self::Text
            | Self::Choice(_)
            | Self::OffsetReset
            | Self::UserTopic
            | Self::AddressLimits => "string",
            Self::List(_) | Self::NonEmptyList(_) | Self::DistinctList | Self::Replicas => "list",
        }
    }
}

/// What is allowed, for error messages and the printed tables.
impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("true or false"),
            Self::False(missing) => write!(f, "false; kafkalite has no {missing}"),
            Self::Int(i32::MIN) => f.write_str("a 32-bit whole number"),
            Self::Int(least) => write!(f, "a 32-bit whole number from {least}"),
            Self::IntIn(ranges) => {
                let range = |range: &RangeInclusive<i32>| match range.clone().into_inner() {
                    (only, most) if only == most => only.to_string(),
                    (least, most) => format!("{least} to {most}"),
                };
                let ranges: Vec<String> = ranges.iter().map(range).collect();
                write!(f, "a whole number: {}", ranges.join(", or "))
            }
            Self::SegmentBytes => write!(
                f,
                "{}; only a topic's internal.segment.bytes may be less",
                Self::Int(LEAST_SEGMENT_BYTES)
            ),
            Self::Long(i64::MIN) => f.write_str("a whole number"),
            Self::Long(least) => write!(f, "a whole number from {least}"),
            Self::Double(least, f64::MAX) => write!(f, "a number from {least}"),
            Self::Double(least, most) => write!(f, "a number from {least} to {most}"),
            Self::Text => f.write_str("text"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::List([]) => f.write_str("words separated by commas"),
            Self::List(words) => write!(
                f,
                "none or more of {}, separated by commas",
                words.join(", ")
            ),
            Self::NonEmptyList(words) => write!(
                f,
                "one or more of {}, separated by commas",
                words.join(", ")
            ),
            Self::DistinctList => f.write_str("different words separated by commas"),
            Self::OffsetReset => {
                f.write_str("earliest, latest, or by_duration: and a duration that is not negative, like PT1H30M")
            }
            Self::UserTopic => f.write_str("the name of a topic, not beginning with __"),
            Self::AddressLimits => {
                f.write_str("IP address:number, separated by commas, each address once")
            }
            Self::Replicas => f.write_str("partition:broker, separated by commas, or *"),
        }
    }
}

impl Row {
    /// Checks `value` and returns it as Kafka would print it: no space around it, words and numbers in one spelling.
    pub fn check(&self, value: &str) -> Result<String, BrokerError> {
        let value = value.trim();
        let checked = match self.kind {
            ValueKind::Boolean => {
                let word = value.to_ascii_lowercase();
                matches!(word.as_str(), "true" | "false").then_some(word)
            }
            ValueKind::False(_) => {
                let word = value.to_ascii_lowercase();
                (word == "false").then_some(word)
            }
            ValueKind::SegmentBytes => value
                .parse()
                .ok()
                .filter(|&n: &i32| n >= LEAST_SEGMENT_BYTES)
                .map(|n| n.to_string()),
            ValueKind::Int(least) => value
                .parse()
                .ok()
                .filter(|&n: &i32| n >= least)
                .map(|n| n.to_string()),
            ValueKind::IntIn(ranges) => value
                .parse()
                .ok()
                .filter(|n: &i32| ranges.iter().any(|range| range.contains(n)))
                .map(|n| n.to_string()),
            ValueKind::Long(least) => value
                .parse()
                .ok()
                .filter(|&n: &i64| n >= least)
                .map(|n| n.to_string()),
            ValueKind::Double(least, most) => value
                .parse()
                .ok()
                .filter(|n: &f64| (least..=most).contains(n))
                .map(spelled),
            ValueKind::Text => Some(value.to_owned()),
            ValueKind::Choice(words) => words.contains(&value).then(|| value.to_owned()),
            ValueKind::List(words) => listed(value, words),
            ValueKind::NonEmptyList(words) => {
                listed(value, words).filter(|listed| !listed.is_empty())
            }
            ValueKind::DistinctList => {
                let words: Vec<&str> = value.split(',').map(str::trim).collect();
                let kept = listed(value, &[]).unwrap_or_default();
                // What was dropped was empty, or there already.
                let complete = value.is_empty() || kept.split(',').count() == words.len();
                complete.then_some(kept)
            }
            ValueKind::OffsetReset => is_reset(value).then(|| value.to_owned()),
            ValueKind::UserTopic => (!value.starts_with("__")).then(|| value.to_owned()),
            ValueKind::AddressLimits => address_limits(value).map(|_| value.to_owned()),
            ValueKind::Replicas if value == "*" => Some(value.to_owned()),
            ValueKind::Replicas => listed(value, &[]).filter(|listed| {
                let replica = |one: &str| {
                    let (partition, broker) = one.split_once(':')?;
                    partition.parse::<u32>().ok()?;
                    broker.parse::<u32>().ok()
                };
                listed.is_empty() || listed.split(',').all(|one| replica(one).is_some())
            }),
        };
        checked.ok_or_else(|| BrokerError::InvalidSetting {
            name: self.name.to_owned(),
            value: value.to_owned(),
            expected: self.kind.to_string(),
        })
    }
}

/// The connections that each address may have; `None` if it is no list of these, or says two things of one address.
pub(super) fn address_limits(value: &str) -> Option<BTreeMap<IpAddr, usize>> {
    let limit = |one: &str| {
        // The last colon: IPv6 has others.
        let (address, limit) = one.trim().rsplit_once(':')?;
        let bare = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = match bare {
            Some(bare) => IpAddr::V6(bare.parse().ok()?),
            None => address.parse().ok()?,
        };
        let limit: u32 = limit.trim().parse().ok()?;
        Some((address.to_canonical(), limit as usize))
    };
    if value.trim().is_empty() {
        return Some(BTreeMap::new());
    }
    let mut limits = BTreeMap::new();
    for one in value.split(',') {
        let (address, limit) = limit(one)?;
        if limits.insert(address, limit).is_some() {
            return None;
        }
    }
    Some(limits)
}

/// The words of a list, each once; `None` if one is not of `known`, where that says which there are.
fn listed(value: &str, known: &[&str]) -> Option<String> {
    let mut words: Vec<&str> = Vec::new();
    for word in value.split(',').map(str::trim) {
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    let fits = known.is_empty() || words.iter().all(|word| known.contains(word));
    fits.then(|| words.join(","))
}

/// A number that is too large to be written out is spelled as in Java.
fn spelled(number: f64) -> String {
    const WRITTEN_OUT: f64 = 1e7;
    if number.abs() < WRITTEN_OUT {
        return number.to_string();
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, power)) if !digits.contains('.') => format!("{digits}.0E{power}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn row(kind: ValueKind) -> Row {
        Row {
            name: "some.setting",
            kind,
            default: None,
            change: ChangedWhen::Restart,
            synonyms: &[],
            doc: "",
        }
    }

    #[test]
    fn a_value_is_printed_in_one_spelling() {
        assert_eq!(row(ValueKind::Boolean).check(" TRUE ").unwrap(), "true");
        assert_eq!(row(ValueKind::Int(0)).check("+07").unwrap(), "7");
        assert_eq!(
            row(ValueKind::Double(0.0, 1.0)).check(".50").unwrap(),
            "0.5"
        );
        let large = row(ValueKind::Double(0.0, f64::MAX));
        assert_eq!(large.check("20000000").unwrap(), "2.0E7");
        assert_eq!(large.check("1.25e+9").unwrap(), "1.25E9");
        assert_eq!(
            row(ValueKind::List(&["compact", "delete"]))
                .check("compact , delete, compact")
                .unwrap(),
            "compact,delete"
        );
        assert_eq!(row(ValueKind::List(&["delete"])).check(" ").unwrap(), "");
        assert_eq!(
            row(ValueKind::Replicas).check("0:1, 1:0,").unwrap(),
            "0:1,1:0"
        );
        let limits = address_limits("127.0.0.1:2, ::1:3, [::2]:4").unwrap();
        assert_eq!(limits.into_values().collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn what_does_not_fit_says_what_would() {
        for (kind, value) in [
            (ValueKind::Boolean, "yes"),
            (ValueKind::Int(1), "0"),
            (ValueKind::Int(0), "3000000000"),
            (ValueKind::Long(-1), "-2"),
            (ValueKind::Double(0.0, 1.0), "NaN"),
            (ValueKind::Choice(&["CreateTime"]), "createtime"),
            (ValueKind::List(&["delete"]), "compact"),
            (ValueKind::NonEmptyList(&["uniform"]), ""),
            (ValueKind::False("tiered storage"), "true"),
            (ValueKind::IntIn(&[-1..=-1, 1..=9]), "0"),
            (ValueKind::IntIn(&[-1..=-1, 1..=9]), "10"),
            (ValueKind::Replicas, "0:1,1"),
            (ValueKind::DistinctList, "zone,zone"),
            (ValueKind::DistinctList, "zone,,rack"),
            (ValueKind::OffsetReset, "none"),
            (ValueKind::AddressLimits, "127.0.0.1:-1"),
            (ValueKind::AddressLimits, "host:1"),
            (ValueKind::AddressLimits, "[::1:1"),
            (ValueKind::AddressLimits, "[[::1]]:1"),
            (ValueKind::AddressLimits, "[127.0.0.1]:1"),
            (ValueKind::AddressLimits, "127.0.0.1: "),
            (ValueKind::AddressLimits, "127.0.0.1:1,,::1:1"),
            (ValueKind::AddressLimits, "127.0.0.1:1, ::ffff:127.0.0.1:2"),
            (ValueKind::UserTopic, "__letters"),
        ] {
            let error = row(kind).check(value).unwrap_err().to_string();
            assert!(
                error.contains("some.setting") && error.contains(&kind.to_string()),
                "{error}"
            );
        }
    }
}
