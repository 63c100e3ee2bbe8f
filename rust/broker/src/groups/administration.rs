//! What administrators ask, and what is forgotten without being asked.

use std::collections::HashSet;
use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use tokio::task::spawn_blocking;

use super::commits::seen;
use super::group::GroupKind;
use super::{Groups, Held};
use crate::internal_log::StoredUpTo;
use kafkalite_groups::classic::ClassicView;
use kafkalite_groups::offsets::is_expired;
use kafkalite_groups::records::OffsetValue;
use kafkalite_names::counted;

/// Which groups to list; nothing named means all. Upper and lower case are the same.
#[derive(Debug, Default)]
pub(crate) struct GroupFilter {
    pub(crate) states: Vec<String>,
    pub(crate) types: Vec<String>,
}

/// A group in a list.
#[derive(Debug)]
pub(crate) struct GroupSummary {
    pub(crate) id: String,
    pub(crate) protocol_type: String,
    pub(crate) state: String,
    pub(crate) kind: &'static str,
}

impl Groups {
    /// The groups that pass the filter, by id.
    pub(crate) fn list(&self, filter: &GroupFilter) -> Vec<GroupSummary> {
        let lower = |words: &[String]| -> HashSet<String> {
            words.iter().map(|word| word.to_ascii_lowercase()).collect()
        };
        let (states, types) = (lower(&filter.states), lower(&filter.types));
        let allows = |words: &HashSet<String>, word: &str| {
            words.is_empty() || words.contains(&word.to_ascii_lowercase())
        };
        let summary = |group: &super::Group| {
            let held = group.held.lock();
            GroupSummary {
                id: group.id.to_string(),
                protocol_type: held.kind.protocol_type().to_owned(),
                state: held.kind.state(),
                kind: held.kind.name(),
            }
        };
        let mut groups: Vec<_> = self
            .all()
            .iter()
            .map(|group| summary(group))
            .filter(|group| allows(&states, &group.state) && allows(&types, group.kind))
            .collect();
        groups.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        groups
    }

    /// A classic group and its members; `None` if there is no such group.
    pub(crate) fn describe(&self, group_id: &str) -> Option<ClassicView> {
        self.with(group_id, |_, held| match &held.kind {
            GroupKind::Classic(classic) => Some(classic.view()),
            GroupKind::Consumer(_) => None,
        })
        .flatten()
    }

    /// Deletes a group that has no members, with its offsets.
    pub(crate) async fn delete(&self, group_id: &str) -> ErrorCode {
        let deleted = self.with(group_id, |id, held| {
            if !held.kind.is_idle() {
                return Err(ErrorCode::NonEmptyGroup);
            }
            self.delete_now(id, held)
        });
        match deleted.unwrap_or(Err(ErrorCode::GroupIdNotFound)) {
            Ok(written) => seen(written).await.err().unwrap_or(ErrorCode::None),
            Err(code) => code,
        }
    }

    fn delete_now(&self, id: &str, held: &mut Held) -> Result<Option<StoredUpTo>, ErrorCode> {
        let all = held.offsets.places(|_, _, _| true);
        let mut written = self.forget(id, held, &all)?;
        if held.stored {
            written = self.unstore(id, held)?;
        }
        self.remove(id, held);
        Ok(written)
    }

    /// Forgets the offsets of topics that have been deleted: a later topic of the same name begins anew. All groups are looked
    /// at, by a thread that has nothing else to do.
    pub(crate) async fn topics_deleted(self: &Arc<Self>, names: HashSet<String>) {
        if names.is_empty() {
            return;
        }
        let groups = Arc::clone(self);
        let forgotten = spawn_blocking(move || groups.forget_topics(&names)).await;
        if forgotten.is_err() {
            tracing::error!("offsets of deleted topics may be left; topics' ids keep them apart");
        }
    }

    fn forget_topics(&self, names: &HashSet<String>) {
        for group in self.all() {
            let mut held = group.held.lock();
            // The name may be another topic's by now, and the commit that one's.
            let is_of_present_topic = |topic: &str, offset: &OffsetValue| {
                let now = self.registry.topic(topic);
                now.is_some_and(|now| now.id == offset.topic_id)
            };
            let doomed = held.offsets.places(|topic, _, offset| {
                names.contains(topic) && !is_of_present_topic(topic, offset)
            });
            if let Err(code) = self.forget(&group.id, &mut held, &doomed) {
                tracing::warn!(
                    "group {} keeps offsets of deleted topics: {code:?}",
                    group.id
                );
            }
            if !held.gone {
                self.forget_if_nothing(&group.id, &mut held);
            }
        }
    }

    /// Forgets offsets that nobody has used for `offsets.retention.minutes`, and groups of which nothing is left.
    pub(crate) fn expire_offsets(&self) {
        let now_ms = self.world.now_ms();
        let retention_ms = self.configs.settings().offsets_retention_ms;
        for group in self.all() {
            let mut held = group.held.lock();
            if held.gone {
                continue;
            }
            let kind = &held.kind;
            let mut last: Option<(String, bool)> = None;
            let mut is_in_use = |topic: &str| {
                let known = last.take().filter(|(known, _)| known == topic);
                let asked = || (topic.to_owned(), kind.consumes(topic));
                last.insert(known.unwrap_or_else(asked)).1
            };
            let expired = held.offsets.places(|topic, _, offset| {
                let ages_from = kind.ages_from(offset.commit_timestamp);
                let is_unused = ages_from
                    .is_some_and(|from| is_expired(offset, from, now_ms, retention_ms))
                    && !is_in_use(topic);
                is_unused || self.is_of_earlier_topic(topic, offset)
            });
            let count = expired.len();
            let mut outcome = self.forget(&group.id, &mut held, &expired).map(|_| ());
            if outcome.is_ok() && held.kind.is_idle() && held.offsets.is_empty() {
                outcome = self.delete_now(&group.id, &mut held).map(|_| ());
            }
            match outcome {
                Ok(()) if count > 0 => {
                    let expired = counted(count, "expired offset");
                    tracing::info!("group {} has forgotten {expired}", group.id);
                }
                Ok(()) => {}
                Err(code) => {
                    tracing::warn!("group {}: offsets could not be expired: {code:?}", group.id);
                }
            }
        }
    }
}
