//! Which topics are not like others because of their names, beyond the rule that all names keep.

/// Topics that the broker keeps for itself. Clients read them, but do not create, write or delete them.
const INTERNAL: [&str; 3] = [
    "__consumer_offsets",
    "__transaction_state",
    "__share_group_state",
];

/// The log of Kafka's controllers: never a topic of clients.
pub const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Does the broker itself keep this topic?
pub fn is_internal(name: &str) -> bool {
    INTERNAL.contains(&name)
}

/// Is this a name that clients may not create?
pub fn is_reserved(name: &str) -> bool {
    is_internal(name) || name == CLUSTER_METADATA
}

/// The topic that metrics could not tell from `name`: `.` and `_` fall together there, so Kafka keeps such topics apart.
pub(crate) fn colliding<'a>(
    name: &str,
    mut others: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    if !name.contains(['.', '_']) {
        return None;
    }
    // Of a topic that is to be created all others are looked at, and nothing is copied for that.
    let flat = |byte: u8| if byte == b'.' { b'_' } else { byte };
    let is_alike = |other: &str| {
        let mut pairs = other.bytes().zip(name.bytes());
        other.len() == name.len() && pairs.all(|(one, two)| flat(one) == flat(two))
    };
    others.find(|&other| other != name && is_alike(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_underscores_collide() {
        let others = ["a.b", "ab", "c_d"];
        let of = |name| colliding(name, others.into_iter());
        assert_eq!(of("a_b"), Some("a.b"));
        assert_eq!(of("c.d"), Some("c_d"));
        assert_eq!((of("ab"), of("a.b"), of("a-b")), (None, None, None));
    }
}
