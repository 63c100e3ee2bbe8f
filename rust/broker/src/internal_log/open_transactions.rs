//! What was written in transactions that have not ended yet.

use std::collections::HashMap;

use bytes::Bytes;

/// A record that takes effect, or will: what it is about, and its value; without one it is a tombstone.
pub(super) type Change<K> = (K, Option<Bytes>);

/// Changes that wait for the end of their transaction, by producer id.
#[derive(Debug)]
pub(super) struct OpenTransactions<K>(HashMap<i64, Vec<Change<K>>>);

impl<K: PartialEq> OpenTransactions<K> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn add(&mut self, producer_id: i64, change: Change<K>) {
        self.0.entry(producer_id).or_default().push(change);
    }

    /// This was changed in no transaction: what was written before, in one that is still open, is older however that ends.
    pub(super) fn supersede(&mut self, key: &K) {
        for open in self.0.values_mut() {
            open.retain(|(older, _)| older != key);
        }
    }

    /// A transaction has ended: what takes effect if it was committed.
    pub(super) fn end(&mut self, producer_id: i64) -> Vec<Change<K>> {
        self.0.remove(&producer_id).unwrap_or_default()
    }

    /// Nothing follows: these never end.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_that_ends_later_does_not_undo_what_was_written_after_it() {
        let mut open = OpenTransactions::new();
        for key in ["a", "b", "c"] {
            open.add(1, (key, None));
        }
        open.add(2, ("a", None));
        open.supersede(&"a");
        open.supersede(&"b");
        assert_eq!(open.end(1), [("c", None)]);
        assert!(open.end(1).is_empty() && open.end(2).is_empty());
    }
}
