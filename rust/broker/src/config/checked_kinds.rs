//! Kinds of values that only a broker's tables have, with their checks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use kafkalite_settings::ValueKind::{self, Checked, Int, List};
use kafkalite_settings::{CheckedKind, INT_MAX, SettingType};

use super::reset::is_reset;

/// Kafka's least size of a segment, in bytes (KIP-1030).
pub(crate) const LEAST_SEGMENT_BYTES: i32 = 1 << 20;

/// Bytes of a segment (KIP-1030).
pub(super) const SEGMENT_BYTES: ValueKind = Checked(&CheckedKind {
    value_type: SettingType::Int,
    allowed: "a whole number from 1048576 to 2147483647; only a topic's internal.segment.bytes may be less",
    check: |value| {
        let bytes = Int(i64::from(LEAST_SEGMENT_BYTES), INT_MAX);
        bytes.check(value).ok()
    },
});

/// Whether segments are tiered, which they cannot be.
pub(super) const NO_TIERED_STORAGE: ValueKind = Checked(&CheckedKind {
    value_type: SettingType::Boolean,
    allowed: "false; kafkalite has no tiered storage",
    check: |value| {
        let word = ValueKind::Boolean.check(value).ok();
        word.filter(|word| word == "false")
    },
});

/// None or more words of any kind, none of them empty or twice.
pub(super) const DIFFERENT_WORDS: ValueKind = Checked(&CheckedKind {
    value_type: SettingType::List,
    allowed: "different words separated by commas",
    check: |value| {
        let kept = List(&[]).check(value).ok()?;
        // What was dropped was empty, or there already.
        let complete = value.is_empty() || kept.split(',').count() == value.split(',').count();
        complete.then_some(kept)
    },
});

/// Where a share group begins.
pub(super) const OFFSET_RESET: ValueKind = Checked(&CheckedKind {
    value_type: SettingType::String,
    allowed: "earliest, latest, or by_duration: and a duration that is not negative, like PT1H30M",
    check: |value| is_reset(value).then(|| value.to_owned()),
});

/// A topic that is not one of the broker's own.
pub(super) const USER_TOPIC: ValueKind = Checked(&CheckedKind {
    value_type: SettingType::String,
    allowed: "the name of a topic, not beginning with __",
    check: |value| (!value.starts_with("__")).then(|| value.to_owned()),
});

/// Numbers of connections by address.
pub(super) const ADDRESS_LIMITS: ValueKind = Checked(&CheckedKind {
    value_type: SettingType::String,
    allowed: "IP address:number, separated by commas, each address once",
    check: |value| address_limits(value).map(|_| value.to_owned()),
});

/// Replicas of partitions, or all of them.
pub(super) const REPLICAS: ValueKind = Checked(&CheckedKind {
    value_type: SettingType::List,
    allowed: "partition:broker, separated by commas, or *",
    check: |value| {
        let replica = |one: &str| {
            let (partition, broker) = one.split_once(':')?;
            partition.parse::<u32>().ok()?;
            broker.parse::<u32>().ok()
        };
        if value == "*" {
            return Some(value.to_owned());
        }
        let listed = List(&[]).check(value).ok()?;
        let fits = listed.is_empty() || listed.split(',').all(|one| replica(one).is_some());
        fits.then_some(listed)
    },
});

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_printed_in_one_spelling() {
        for (kind, value, printed) in [
            (SEGMENT_BYTES, "+1048576", "1048576"),
            (NO_TIERED_STORAGE, "FALSE", "false"),
            (DIFFERENT_WORDS, "zone , rack", "zone,rack"),
            (DIFFERENT_WORDS, " ", ""),
            (REPLICAS, "0:1, 1:0,", "0:1,1:0"),
            (REPLICAS, " * ", "*"),
            (REPLICAS, "", ""),
        ] {
            assert_eq!(
                kind.check(value).as_deref(),
                Ok(printed),
                "{kind}: {value:?}"
            );
        }
        let limits = address_limits("127.0.0.1:2, ::1:3, [::2]:4").unwrap();
        assert_eq!(limits.into_values().collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn what_does_not_fit_is_told_what_would() {
        for (kind, value) in [
            (SEGMENT_BYTES, "1048575"),
            (SEGMENT_BYTES, "2147483648"),
            (NO_TIERED_STORAGE, "true"),
            (DIFFERENT_WORDS, "zone,zone"),
            (DIFFERENT_WORDS, "zone,,rack"),
            (OFFSET_RESET, "none"),
            (USER_TOPIC, "__letters"),
            (ADDRESS_LIMITS, "127.0.0.1:-1"),
            (ADDRESS_LIMITS, "host:1"),
            (ADDRESS_LIMITS, "[::1:1"),
            (ADDRESS_LIMITS, "[[::1]]:1"),
            (ADDRESS_LIMITS, "[127.0.0.1]:1"),
            (ADDRESS_LIMITS, "127.0.0.1: "),
            (ADDRESS_LIMITS, "127.0.0.1:1,,::1:1"),
            (ADDRESS_LIMITS, "127.0.0.1:1, ::ffff:127.0.0.1:2"),
            (REPLICAS, "0:1,1"),
            (REPLICAS, "*,0:1"),
        ] {
            assert_eq!(kind.check(value), Err(kind.to_string()), "{value:?}");
        }
    }
}
