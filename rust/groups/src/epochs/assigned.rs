//! What members can be assigned.

use std::fmt::Debug;
use std::hash::Hash;

/// A thing that members are assigned: a partition, a task.
pub(crate) trait Assigned: Clone + Debug + Ord {
    /// What one member at most has at a time.
    type Exclusive: Debug + Eq + Hash;

    /// What nobody else can have while a member holds this. Nothing, if members share it: then it is given at once, and nobody
    /// has to confirm that it was given up.
    fn excludes(&self) -> impl Iterator<Item = Self::Exclusive>;
}
