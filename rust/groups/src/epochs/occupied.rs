//! What nobody can be given, because a member has it.

use std::collections::HashSet;

use super::Assigned;

/// What the members of a group keep from each other: of all that they hold, or have not said yet that they hold no longer.
#[derive(Debug)]
pub(crate) struct Occupied<A: Assigned>(HashSet<A::Exclusive>);

impl<A: Assigned> Default for Occupied<A> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<A: Assigned> Occupied<A> {
    pub(crate) fn is_free(&self, item: &A) -> bool {
        item.excludes().all(|each| !self.0.contains(&each))
    }

    pub(crate) fn take(&mut self, item: &A) {
        self.0.extend(item.excludes());
    }

    pub(crate) fn release<'a>(&mut self, items: impl IntoIterator<Item = &'a A>)
    where
        A: 'a,
    {
        for each in items.into_iter().flat_map(A::excludes) {
            self.0.remove(&each);
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
