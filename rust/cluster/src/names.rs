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
    let flat = |name: &str| name.replace('.', "_");
    let own = flat(name);
    others.find(|&other| other != name && flat(other) == own)
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
