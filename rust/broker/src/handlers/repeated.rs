//! What a request names more than once: answered once, and as Kafka does with an error, as nobody knows which is meant.

use std::collections::HashMap;
use std::hash::Hash;

/// Divides what is asked for into that which is named once and the first of each that is named again, both in order.
pub(super) fn split_repeated<T, N: Hash + Eq>(
    asked: Vec<T>,
    name: impl Fn(&T) -> N,
) -> (Vec<T>, Vec<T>) {
    let mut times: HashMap<N, usize> = HashMap::with_capacity(asked.len());
    for one in &asked {
        *times.entry(name(one)).or_default() += 1;
    }
    let (mut once, mut repeated) = (Vec::with_capacity(asked.len()), Vec::new());
    for one in asked {
        match times.remove(&name(&one)) {
            Some(1) => once.push(one),
            Some(_) => repeated.push(one),
            // One of those that were named before.
            None => {}
        }
    }
    (once, repeated)
}

#[cfg(test)]
mod tests {
    use super::split_repeated;

    #[test]
    fn the_first_of_each_that_is_repeated_is_set_apart() {
        let asked = vec![("a", 1), ("b", 2), ("a", 3), ("c", 4), ("a", 5)];
        let (once, repeated) = split_repeated(asked, |(name, _)| *name);
        assert_eq!((once, repeated), (vec![("b", 2), ("c", 4)], vec![("a", 1)]));
    }
}
