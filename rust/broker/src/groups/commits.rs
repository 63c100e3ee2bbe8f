//! Offsets: committed, fetched, deleted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::offset_commit::OffsetCommitRequest;
use uuid::Uuid;

use super::group::GroupKind;
use super::{Groups, Held, code_for_members};
use crate::internal_log::StoredUpTo;
use kafkalite_groups::records::{OffsetValue, offset_entry};
use kafkalite_groups::stored_record::StoredRecord;

/// The offset of one partition that is to be committed.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) topic: Arc<str>,
    pub(crate) topic_id: Uuid,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// The offset of one partition that was committed.
#[derive(Debug, Clone)]
pub(crate) struct CommittedOffset {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

impl Groups {
    /// Commits offsets of which `who` asks for; all of them or none. Returns when readers, and a restart, see them.
    ///
    /// The topics in `who` are not looked at: what is wrong with one partition is the caller's to find and to leave out.
    pub(crate) async fn commit(
        &self,
        who: &OffsetCommitRequest,
        api_version: i16,
        commits: Vec<Commit>,
    ) -> Result<(), ErrorCode> {
        let ready = self.ready(&who.group_id).await;
        ready.map_err(|refusal| refusal.code)?;
        let commit = |id: &Arc<str>, held: &mut Held| {
            match &mut held.kind {
                GroupKind::Classic(classic) => classic.check_commit(who, self.now())?,
                GroupKind::Consumer(consumer) => consumer.check_commit(
                    &who.member_id,
                    who.group_instance_id.as_deref(),
                    who.generation_id_or_member_epoch,
                    api_version,
                    commits
                        .iter()
                        .map(|commit| (commit.topic_id, commit.partition)),
                )?,
            }
            self.reschedule(id, held);
            self.put(id, held, who.retention_time_ms, commits)
        };
        let written = if who.generation_id_or_member_epoch < 0 {
            self.with_or_new(&who.group_id, commit)?
        } else {
            let unknown = if api_version >= FIRST_WITH_GROUP_NOT_FOUND {
                ErrorCode::GroupIdNotFound
            } else {
                ErrorCode::IllegalGeneration
            };
            self.with(&who.group_id, commit).ok_or(unknown)??
        };
        seen(written).await
    }

    /// Appends offsets and takes them over.
    fn put(
        &self,
        id: &str,
        held: &mut Held,
        retention_ms: i64,
        commits: Vec<Commit>,
    ) -> Result<Option<StoredUpTo>, ErrorCode> {
        let now = self.world.now_ms();
        let expire_timestamp = match retention_ms {
            ..0 => -1,
            retention => now.saturating_add(retention),
        };
        // Of a partition that is named twice the last counts, and only that is stored.
        let values: BTreeMap<(Arc<str>, i32), OffsetValue> = commits
            .into_iter()
            .map(|commit| {
                let value = OffsetValue {
                    offset: commit.offset,
                    leader_epoch: commit.leader_epoch,
                    metadata: commit.metadata,
                    commit_timestamp: now,
                    expire_timestamp,
                    topic_id: commit.topic_id,
                };
                ((commit.topic, commit.partition), value)
            })
            .collect();
        let entries: Result<Vec<StoredRecord>, _> = values
            .iter()
            .map(|((topic, partition), value)| offset_entry(id, topic, *partition, Some(value)))
            .collect();
        let entries = entries.map_err(|_| ErrorCode::InvalidCommitOffsetSize)?;
        let written = self.append(id, held, &entries)?;
        for ((topic, partition), value) in values {
            held.offsets.put(&topic, partition, value);
        }
        Ok(written)
    }

    /// Forgets offsets of a group, by place.
    pub(super) fn forget(
        &self,
        id: &str,
        held: &mut Held,
        places: &[(String, i32)],
    ) -> Result<Option<StoredUpTo>, ErrorCode> {
        let entries: Result<Vec<StoredRecord>, _> = places
            .iter()
            .map(|(topic, partition)| offset_entry(id, topic, *partition, None))
            .collect();
        let entries = entries.map_err(|_| ErrorCode::UnknownServerError)?;
        let written = self.append(id, held, &entries)?;
        for (topic, partition) in places {
            held.offsets.remove(topic, *partition);
        }
        Ok(written)
    }

    pub(super) fn append(
        &self,
        id: &str,
        held: &mut Held,
        entries: &[StoredRecord],
    ) -> Result<Option<StoredUpTo>, ErrorCode> {
        if entries.is_empty() {
            return Ok(None);
        }
        let records = entries
            .iter()
            .map(|StoredRecord { key, value }| (&key[..], value.as_deref()));
        let written = self.log.append(id, records).map_err(|refusal| {
            self.complain(&format!("group {id} cannot be stored: {refusal}"));
            code_for_members(&refusal)
        })?;
        held.written = Some(written.clone());
        Ok(Some(written))
    }

    /// What a group has committed for these places, in their order; `None` for a place without an offset.
    pub(crate) async fn committed(
        &self,
        group_id: &str,
        places: &[(&str, i32)],
    ) -> Result<Vec<Option<CommittedOffset>>, ErrorCode> {
        let found = self.with(group_id, |_, held| {
            let of = |&(topic, partition): &(&str, i32)| {
                let found = held.offsets.of(topic, partition);
                found
                    .filter(|found| !self.is_of_earlier_topic(topic, found))
                    .map(copy)
            };
            (
                places.iter().map(of).collect::<Vec<_>>(),
                held.written.clone(),
            )
        });
        let (found, written) = found.unwrap_or_else(|| (vec![None; places.len()], None));
        seen(written).await?;
        Ok(found)
    }

    /// Everything that a group has committed, by topic.
    pub(crate) async fn all_committed(
        &self,
        group_id: &str,
    ) -> Result<Vec<(String, Vec<(i32, CommittedOffset)>)>, ErrorCode> {
        let found = self.with(group_id, |_, held| {
            let topics = held.offsets.topics().map(|(topic, partitions)| {
                let partitions: Vec<_> = partitions
                    .iter()
                    .filter(|(_, value)| !self.is_of_earlier_topic(topic, value))
                    .map(|(&partition, value)| (partition, copy(value)))
                    .collect();
                (topic.to_owned(), partitions)
            });
            let topics = topics.filter(|(_, partitions)| !partitions.is_empty());
            (topics.collect(), held.written.clone())
        });
        let (found, written) = found.unwrap_or_default();
        seen(written).await?;
        Ok(found)
    }

    /// Whether an offset was committed for a topic that was deleted, and another one has its name now: then it means nothing.
    pub(super) fn is_of_earlier_topic(&self, name: &str, offset: &OffsetValue) -> bool {
        let now = || self.registry.topic(name);
        !offset.topic_id.is_nil() && now().is_some_and(|topic| topic.id != offset.topic_id)
    }

    /// Deletes offsets by place; an outcome a place, in their order. What members consume stays.
    pub(crate) async fn delete_offsets(
        &self,
        group_id: &str,
        places: &[(&str, i32)],
    ) -> Result<Vec<ErrorCode>, ErrorCode> {
        let deleted = self.with(group_id, |id, held| {
            if !held.kind.is_idle() && !held.kind.is_for_consumers() {
                return Err(ErrorCode::NonEmptyGroup);
            }
            let mut in_use: HashMap<&str, bool> = HashMap::new();
            let mut outcomes = Vec::with_capacity(places.len());
            for &(topic, _) in places {
                let consumed = || held.kind.consumes(topic);
                outcomes.push(if *in_use.entry(topic).or_insert_with(consumed) {
                    ErrorCode::GroupSubscribedToTopic
                } else {
                    ErrorCode::None
                });
            }
            // A place that is named twice is forgotten once.
            let doomed: BTreeSet<(&str, i32)> = places
                .iter()
                .zip(&outcomes)
                .filter(|((topic, partition), outcome)| {
                    **outcome == ErrorCode::None && held.offsets.of(topic, *partition).is_some()
                })
                .map(|(place, _)| *place)
                .collect();
            let doomed: Vec<_> = doomed
                .into_iter()
                .map(|(topic, partition)| (topic.to_owned(), partition))
                .collect();
            Ok((outcomes, self.forget(id, held, &doomed)?))
        });
        let (outcomes, written) = deleted.unwrap_or(Err(ErrorCode::GroupIdNotFound))?;
        seen(written).await?;
        Ok(outcomes)
    }
}

/// First version of `OffsetCommit` in which a group that is not there has its own error.
const FIRST_WITH_GROUP_NOT_FOUND: i16 = 9;

/// Waits until what was written is visible.
pub(super) async fn seen(written: Option<StoredUpTo>) -> Result<(), ErrorCode> {
    match written {
        Some(written) if !written.is_visible() => written
            .until_visible()
            .await
            .map_err(|_| ErrorCode::CoordinatorNotAvailable),
        _ => Ok(()),
    }
}

fn copy(value: &OffsetValue) -> CommittedOffset {
    CommittedOffset {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata.clone(),
    }
}
