//! Which known name was probably meant.

/// The known name closest to `asked`, if any is close: at most a third of it would have to be typed differently.
pub(super) fn nearest<'a>(asked: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let normal = asked.to_ascii_lowercase().replace('_', ".");
    known
        .map(|name| (distance(&normal, name), name))
        .min()
        .filter(|(distance, name)| *distance * 3 <= name.len().max(3))
        .map(|(_, name)| name)
}

/// Levenshtein's distance, in one row. Names are short; longer input is cut so that a peer cannot make it expensive.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(128).collect(), b.chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_understood_and_a_stranger_is_not() {
        let known = ["log.retention.ms", "log.retention.bytes", "num.partitions"];
        assert_eq!(
            nearest("log.retension.ms", known.into_iter()),
            Some("log.retention.ms")
        );
        assert_eq!(
            nearest("NUM_PARTITIONS", known.into_iter()),
            Some("num.partitions")
        );
        assert_eq!(nearest("flux.capacitor", known.into_iter()), None);
        assert_eq!(nearest("", known.into_iter()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
