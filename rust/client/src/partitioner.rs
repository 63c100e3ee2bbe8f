//! Which partition a record goes to (P12 of the paper).

/// Murmur2 with the seed of Kafka's Java client, so that every client puts a key into the same partition.
///
/// The value is the Java `int`. Austin Appleby's public-domain `MurmurHash2` with a fixed seed.
#[must_use]
pub fn murmur2(key: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (word ^ (word >> 24)).wrapping_mul(M);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        for (place, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    (hash ^ (hash >> 15)) as i32
}

/// The partition, of `partitions`, that the Java client chooses for a key. No partitions count as one.
#[must_use]
pub fn partition_of_key(key: &[u8], partitions: usize) -> i32 {
    // Java's `toPositive` clears the sign bit; it does not negate.
    let positive = (murmur2(key) & i32::MAX) as usize;
    (positive % partitions.max(1)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_javas_utils_does() {
        // Values from Kafka's own test of `Utils.murmur2`.
        for (key, hash) in [
            (&b"21"[..], -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (
                b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            (b"abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key), hash);
        }
    }

    #[test]
    fn partitions_are_positive_remainders() {
        assert_eq!(
            partition_of_key(b"21", 1000),
            (-973_932_308 + 2_147_483_648_i64) as i32 % 1000
        );
        assert_eq!(partition_of_key(b"abc", 10), 479_470_107 % 10);
        assert_eq!(partition_of_key(b"abc", 0), 0);
    }
}
