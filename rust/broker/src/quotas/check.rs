//! Which quotas make sense: the rules of Apache Kafka.

use std::net::{IpAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

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

/// Hosts that one request may have looked up by their names: each may keep its thread waiting for the system's name service.
const MOST_LOOKUPS: usize = 16;

/// How long the look-ups of one request may take before no further one begins.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether each change can be made.
pub(super) fn check_all(changes: &[QuotaChange]) -> Vec<Result<(), Refusal>> {
    let mut lookups = Lookups {
        left: MOST_LOOKUPS,
        began: Instant::now(),
    };
    let outcomes = changes.iter().map(|change| check(change, &mut lookups));
    outcomes.collect()
}

fn check(change: &QuotaChange, lookups: &mut Lookups) -> Result<(), Refusal> {
    check_entity(&change.entity)?;
    for (key, value) in &change.limits {
        check_limit(&change.entity, key, *value)?;
    }
    match change.entity.get(IP) {
        Some(Some(host)) => lookups.check(host),
        _ => Ok(()),
    }
}

/// What is left of a request's look-ups.
struct Lookups {
    left: usize,
    began: Instant,
}

impl Lookups {
    fn check(&mut self, host: &str) -> Result<(), Refusal> {
        if host.parse::<IpAddr>().is_ok() {
            return Ok(());
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Err(invalid(format!(
                "'{host}' is not looked up: a request may name {MOST_LOOKUPS} hosts; give addresses, or ask again for the others"
            )));
        };
        if self.began.elapsed() > PATIENCE {
            return Err(invalid(format!(
                "'{host}' is not looked up: the name service takes long; give addresses, or ask again"
            )));
        }
        self.left = left;
        match (host, 0).to_socket_addrs() {
            Ok(_) => Ok(()),
            Err(_) => Err(invalid(format!(
                "'{host}' is neither an address nor a known host"
            ))),
        }
    }
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
    use super::super::tests::entity;
    use super::*;

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
    fn a_request_may_have_some_hosts_looked_up_and_name_any_number_of_addresses() {
        let change = |host: &str| QuotaChange {
            entity: entity(&[(IP, Some(host))]),
            limits: [("connection_creation_rate".to_owned(), Some(1.0))].into(),
        };
        let mut changes = vec![change("localhost"); MOST_LOOKUPS + 1];
        changes.extend(vec![change("127.0.0.1"), change("::1")]);
        let outcomes = check_all(&changes);
        let (looked_up, others) = outcomes.split_at(MOST_LOOKUPS);
        assert!(looked_up.iter().all(Result::is_ok), "{looked_up:?}");
        assert!(format!("{:?}", others[0]).contains("give addresses"));
        assert!(others[1..].iter().all(Result::is_ok));
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
