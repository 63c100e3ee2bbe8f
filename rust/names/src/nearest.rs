//! The nearest name to a mistyped one.

/// Characters of the longest name that is looked at; a longer one is not near to anything.
const LONGEST: usize = 128;

/// The candidate with the smallest edit distance to `name`, if it is near enough to be what was meant. Candidates are as Kafka
/// spells settings; `name` may be written in capitals or with underscores.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_ascii_lowercase().replace('_', ".");
    candidates
        .map(|candidate| {
            let spelled = candidate.replace('_', ".");
            (distance(name.as_bytes(), spelled.as_bytes()), candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row at a time.
fn distance(a: &[u8], b: &[u8]) -> usize {
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
    fn a_slip_of_the_finger_is_understood_and_a_stranger_is_not() {
        let names = || {
            let settings = [
                "linger.ms",
                "batch.size",
                "acks",
                "log.retention.ms",
                "log.retention.bytes",
            ];
            settings.into_iter()
        };
        for (name, meant) in [
            ("liger.ms", Some("linger.ms")),
            ("batchsize", Some("batch.size")),
            ("BATCH_SIZE", Some("batch.size")),
            ("ack", Some("acks")),
            ("log.retension.ms", Some("log.retention.ms")),
            ("completely.different", None),
            ("", None),
            (&"x".repeat(10_000), None),
        ] {
            assert_eq!(nearest(name, names()), meant, "{name}");
        }
        assert_eq!(distance(b"kitten", b"sitting"), 3);
    }
}
