//! The nearest name to a mistyped one.

/// The candidate with the smallest edit distance to `name`, if it is near enough to be what was meant.
pub fn nearest(name: &str, candidates: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    candidates
        .map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row at a time. Both texts are names, so short; a longer one is not near to anything.
fn distance(a: &[u8], b: &[u8]) -> usize {
    if a.len() > 100 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_nothing_else() {
        let names = || ["linger.ms", "batch.size", "acks"].into_iter();
        assert_eq!(nearest("liger.ms", names()), Some("linger.ms"));
        assert_eq!(nearest("batchsize", names()), Some("batch.size"));
        assert_eq!(nearest("ack", names()), Some("acks"));
        assert_eq!(nearest("completely.different", names()), None);
        assert_eq!(nearest(&"x".repeat(10_000), names()), None);
    }
}
