//! Which partition keeps an owner's records: as in Kafka, so that a directory of its is read right.

/// One of so many partitions.
pub(super) fn partition_of(owner: &str, partitions: usize) -> i32 {
    let hash = match java_hash(owner) {
        // The one number whose absolute value Java does not have.
        i32::MIN => 0,
        hash => hash.unsigned_abs(),
    };
    hash.checked_rem(partitions as u32).unwrap_or(0) as i32
}

/// Java's `String.hashCode`.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_javas() {
        assert_eq!(
            (java_hash(""), java_hash("a"), java_hash("hello")),
            (0, 97, 99_162_322)
        );
        assert_eq!(java_hash("Aa"), java_hash("BB"));
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
        assert_eq!(partition_of("polygenelubricants", 50), 0);
    }
}
