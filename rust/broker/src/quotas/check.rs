//! Which quotas make sense: the rules of Apache Kafka.

use std::net::ToSocketAddrs;

use kafkalite_wire::ErrorCode;

use super::{Entity, QuotaChange};
use crate::refusal::Refusal;

/// Users, as they have logged in.
pub(crate) const USER: &str = "user";
/// What clients call themselves.
pub(crate) const CLIENT_ID: &str = "client-id";
/// Where clients connect from.
pub(crate) const IP: &str = "ip";

/// What a limit counts.
#[derive(Clone, Copy, PartialEq)]
enum Unit {
    /// Whole things a second.
    Whole,
    /// Anything.
    Fraction,
}

/// The limits of users and client ids, and those of addresses.
const OF_CLIENTS: [(&str, Unit); 4] = [
    ("producer_byte_rate", Unit::Whole),
    ("consumer_byte_rate", Unit::Whole),
    ("request_percentage", Unit::Fraction),
    ("controller_mutation_rate", Unit::Fraction),
];
const OF_ADDRESSES: [(&str, Unit); 1] = [("connection_creation_rate", Unit::Whole)];

/// The first number that a 64-bit integer cannot hold: 2 to the power of 63.
const TOO_MUCH: f64 = 9_223_372_036_854_775_808.0;

/// Whether a change can be made.
pub(super) fn check(change: &QuotaChange) -> Result<(), Refusal> {
    check_entity(&change.entity)?;
    if let Some(Some(host)) = change.entity.get(IP)
        && (host.as_str(), 0).to_socket_addrs().is_err()
    {
        return Err(invalid(format!(
            "'{host}' is neither an address nor a known host"
        )));
    }
    for (key, value) in &change.limits {
        check_limit(&change.entity, key, *value)?;
    }
    Ok(())
}

/// Whether there can be quotas for such an entity.
pub(super) fn check_entity(entity: &Entity) -> Result<(), Refusal> {
    if entity.is_empty() {
        return Err(invalid(
            "a quota is for a user, a client-id or an ip; none is named".to_owned(),
        ));
    }
    for (kind, name) in entity {
        if ![USER, CLIENT_ID, IP].contains(&kind.as_str()) {
            return Err(invalid(format!(
                "there are quotas for user, client-id and ip, not for '{kind}'"
            )));
        }
        if name.as_deref() == Some("") {
            return Err(invalid(format!(
                "the name of the {kind} is empty; null is the default"
            )));
        }
    }
    if entity.contains_key(IP) && entity.len() > 1 {
        return Err(invalid(
            "a quota for an ip cannot be for a user or a client-id as well".to_owned(),
        ));
    }
    Ok(())
}

/// Whether an entity can have such a limit; without a value, whether it can be taken away.
pub(super) fn check_limit(entity: &Entity, key: &str, value: Option<f64>) -> Result<(), Refusal> {
    let known: &[(&str, Unit)] = if entity.contains_key(IP) {
        &OF_ADDRESSES
    } else {
        &OF_CLIENTS
    };
    let Some((_, unit)) = known.iter().find(|(name, _)| *name == key) else {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        return Err(invalid(format!(
            "there is no quota '{key}' for that; there is {names}"
        )));
    };
    let Some(value) = value else { return Ok(()) };
    if !value.is_finite() || value <= 0.0 {
        return Err(invalid(format!("{key} must be above 0, not {value}")));
    }
    // Kafka keeps them as 64-bit integers.
    if *unit == Unit::Whole && (value.fract() != 0.0 || value >= TOO_MUCH) {
        return Err(invalid(format!(
            "{key} must be a whole number of 64 bits, not {value}"
        )));
    }
    Ok(())
}

fn invalid(message: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(parts: &[(&str, Option<&str>)]) -> Entity {
        let owned =
            |&(kind, name): &(&str, Option<&str>)| (kind.to_owned(), name.map(str::to_owned));
        parts.iter().map(owned).collect()
    }

    #[test]
    fn an_entity_is_a_user_a_client_both_or_an_address() {
        for right in [
            entity(&[(USER, Some("u"))]),
            entity(&[(USER, None), (CLIENT_ID, Some("c"))]),
            entity(&[(IP, None)]),
        ] {
            assert_eq!(check_entity(&right), Ok(()));
        }
        for wrong in [
            entity(&[]),
            entity(&[(USER, Some(""))]),
            entity(&[("host", Some("h"))]),
            entity(&[(USER, Some("u")), (IP, Some("127.0.0.1"))]),
        ] {
            assert!(check_entity(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn limits_are_positive_and_whole_where_they_count_things() {
        let user = entity(&[(USER, None)]);
        let limit = |key, value| check_limit(&user, key, Some(value)).is_ok();
        assert!(limit("producer_byte_rate", 1024.0) && limit("request_percentage", 0.5));
        for wrong in [0.5, 0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(!limit("producer_byte_rate", wrong), "{wrong}");
        }
        assert!(!limit("connection_creation_rate", 1.0) && !limit("flux", 1.0));
        let address = entity(&[(IP, None)]);
        assert!(check_limit(&address, "connection_creation_rate", Some(1.0)).is_ok());
        assert!(check_limit(&user, "producer_byte_rate", None).is_ok());
    }
}
