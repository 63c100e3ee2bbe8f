//! The topics that refreshes of the metadata ask for: those that somebody has to do with at the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::topic_name::check_topic_name;

/// By name.
#[derive(Debug, Default)]
pub(super) struct Interests(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    /// How many have to do with it.
    held: BTreeMap<Arc<str>, usize>,
    /// Those that the next refresh may have the cluster create.
    creatable: BTreeSet<Arc<str>>,
}

/// Has refreshes ask for a topic while it lives.
#[derive(Debug)]
pub(crate) struct Interest {
    name: Arc<str>,
    among: Arc<Interests>,
}

impl Interest {
    pub(super) fn new(name: &Arc<str>, among: &Arc<Interests>) -> Self {
        let mut names = among.0.lock();
        *names.held.entry(Arc::clone(name)).or_default() += 1;
        drop(names);
        Self {
            name: Arc::clone(name),
            among: Arc::clone(among),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        let mut names = self.among.0.lock();
        if let Some(holders) = names.held.get_mut(&self.name) {
            *holders -= 1;
            if *holders == 0 {
                names.held.remove(&self.name);
                names.creatable.remove(&self.name);
            }
        }
    }
}

impl Interests {
    /// What to ask for. Partitions can be assigned by any name: one that cannot be sent must not spoil what is asked about the
    /// others.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        let names = self.0.lock();
        let askable = |name: &&Arc<str>| check_topic_name(name).is_ok();
        names.held.keys().filter(askable).cloned().collect()
    }

    /// Whether anybody has to do with this topic.
    pub(super) fn is_held(&self, name: &str) -> bool {
        self.0.lock().held.contains_key(name)
    }

    /// Somebody sends to this topic, or names it to read it: the next refresh may create it, if it is asked for at all.
    pub(super) fn may_create(&self, name: &Arc<str>) {
        let mut names = self.0.lock();
        if names.held.contains_key(name) {
            names.creatable.insert(Arc::clone(name));
        }
    }

    pub(super) fn is_creatable(&self, name: &str) -> bool {
        self.0.lock().creatable.contains(name)
    }

    /// These were asked for, and created if they were missing and could be.
    pub(super) fn asked(&self, names: &[Arc<str>]) {
        let mut known = self.0.lock();
        for name in names {
            known.creatable.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_asked_for_until_the_last_who_has_to_do_with_it_is_gone() {
        let among = Arc::<Interests>::default();
        let name: Arc<str> = "t".into();
        let (one, other) = (Interest::new(&name, &among), Interest::new(&name, &among));
        among.may_create(&name);
        drop(one);
        assert_eq!(among.names(), std::slice::from_ref(&name));
        assert!(among.is_creatable("t"));
        among.asked(&[Arc::clone(&name)]);
        assert!(!among.is_creatable("t"), "only once");
        among.may_create(&name);
        drop(other);
        assert_eq!(among.names(), [] as [Arc<str>; 0]);
        assert!(!among.is_creatable("t"));
        among.may_create(&name);
        assert!(!among.is_creatable("t"), "nobody would ever ask for it");
    }
}
