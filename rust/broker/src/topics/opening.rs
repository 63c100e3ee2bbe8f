//! What is there at the start: the catalog, and the partitions' directories.
//!
//! A directory that the catalog does not know was written by Apache Kafka, or copied in; its topic is taken over with the
//! id in its `partition.metadata`.

use std::{
    collections::BTreeMap,
    fs, io,
    ops::Range,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use arc_swap::ArcSwap;
use kafkalite_log::{
    Log, LogError, OpenOptions,
    checkpoint::Offsets,
    datadir::{DataDir, Inventory, PartitionDir, remove_retired},
    durable::replace_file,
    partition::TopicPartition,
};
use kafkalite_names::{counted, ids};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{
    Keeping, MAX_PARTITIONS, Snapshot, Topic, Topics,
    catalog::{self, Catalog, Entry},
    inventory, name, parallel,
};
use crate::{
    clock,
    config::{Configs, TopicSettings},
    partition::Partition,
    refusal::Refusal,
};

/// A partition to be opened, or created.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) topic: Arc<str>,
    pub(super) topic_id: Uuid,
    pub(super) index: i32,
    pub(super) settings: Arc<TopicSettings>,
    pub(super) known: Known,
}

/// What the last run left on record about one log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    recovery_point: i64,
    start_offset: i64,
    compacted_to: i64,
    clean: bool,
}

impl Known {
    /// Of a log that is new.
    pub(super) const NOTHING: Self = Self {
        recovery_point: 0,
        start_offset: 0,
        compacted_to: 0,
        clean: false,
    };
}

impl Topics {
    /// Opens every partition of a data directory, each recovered if the last stop was not a clean one. Blocks; call it on
    /// a thread of a runtime.
    pub(crate) fn open(data_dir: DataDir, configs: Arc<Configs>) -> Result<Arc<Self>, LogError> {
        let listing = data_dir.list()?;
        discard(listing.retired);
        let mut catalog = read_catalog(&data_dir)?;
        let written = catalog.clone();
        adopt(&listing.partitions, &mut catalog);
        let mut keeping = Keeping { data_dir, catalog };
        keeping.finish_deletions()?;
        let changed = keeping.catalog != written;
        if changed {
            keeping.write_catalog()?;
        }

        // Not worth a start that fails: without it compaction begins anew.
        let compacted = keeping.data_dir.compacted().read().unwrap_or_else(|error| {
            tracing::warn!("how far logs are compacted is not known: {error}");
            BTreeMap::new()
        });
        let is_new = |name: &str| !written.topics.contains_key(name);
        keep_compacted(&configs, &keeping.catalog, &compacted, is_new);
        let recovery_points = keeping.data_dir.recovery_points().read()?;
        let start_offsets = keeping.data_dir.start_offsets().read()?;
        let known = |name: &str, index| {
            let of =
                |offsets: &BTreeMap<_, _>| offsets.get(&named(name, index)).copied().unwrap_or(0);
            Known {
                recovery_point: of(&recovery_points),
                start_offset: of(&start_offsets),
                compacted_to: of(&compacted),
                clean: keeping.data_dir.was_clean(),
            }
        };
        let mut wanted = Vec::new();
        for (name, entry) in &keeping.catalog.topics {
            let topic: Arc<str> = name.as_str().into();
            let settings = Arc::new(configs.topic_settings(&topic));
            wanted.extend((0..entry.partitions).map(|index| Wanted {
                topic: Arc::clone(&topic),
                topic_id: entry.id,
                index,
                settings: Arc::clone(&settings),
                known: known(&topic, index),
            }));
        }
        let opened = keeping.open_partitions(&wanted)?;
        tell_of_losses(&keeping.data_dir, &opened, &start_offsets);
        let mut snapshot = Snapshot::default();
        for topic in by_topic(&wanted, opened) {
            snapshot.insert(Arc::new(topic?));
        }
        let believed = keeping.data_dir.was_clean() && !changed;
        let topics = Self {
            configs,
            current: ArcSwap::from_pointee(snapshot),
            keeping: Mutex::new(Some(keeping)),
        };
        if !believed {
            // No checkpoint of a deleted topic may be left for a later one of its name, and none that says of messages to
            // come in the place of lost ones that they are flushed.
            topics.checkpoint()?;
        }
        Ok(Arc::new(topics))
    }
}

impl Keeping {
    /// Opens the logs of partitions, a few at a time; creates those that are not there. An error is of the directory as a
    /// whole; otherwise there is a result for each partition, in order.
    pub(super) fn open_partitions(
        &self,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Arc<Partition>, LogError>>, LogError> {
        let created = AtomicBool::new(false);
        let opened = parallel::map(wanted, |wanted| self.open_partition(wanted, &created));
        if created.into_inner() {
            self.data_dir.sync()?;
        }
        Ok(opened)
    }

    fn open_partition(
        &self,
        wanted: &Wanted,
        created: &AtomicBool,
    ) -> Result<Arc<Partition>, LogError> {
        let partition = named(&wanted.topic, wanted.index);
        let path = self.data_dir.partition_path(&partition);
        if !path.exists() {
            self.data_dir
                .create_partition(&partition, wanted.topic_id)?;
            created.store(true, Ordering::Relaxed);
        }
        let options = OpenOptions {
            recovery_point: wanted.known.recovery_point,
            log_start_offset: wanted.known.start_offset,
            compacted_to: wanted.known.compacted_to,
            clean_shutdown: wanted.known.clean,
            now_ms: clock::now_ms(),
            ..OpenOptions::default()
        };
        let config = Partition::log_config(&wanted.settings);
        let (log, recovered) = Log::open(path, config, &options)?;
        if recovered.bytes_cut > 0 || recovered.segments_removed > 0 {
            tracing::warn!(
                "{partition}: a torn end was cut off after an unclean stop: {recovered:?}"
            );
        }
        let topic = Arc::clone(&wanted.topic);
        let partition = Partition::new(topic, wanted.index, log);
        // Beyond the end it speaks of another log, or of one that was cut since, whose later messages are not compacted.
        let compacted_to = wanted.known.compacted_to;
        if compacted_to <= partition.log.end_offset() {
            let known = &partition.compacted_to;
            known.store(compacted_to, Ordering::Relaxed);
        }
        Ok(Arc::new(partition))
    }

    /// Takes the directories of partitions out of the way; their files go later. What is not there is no error.
    pub(super) fn remove_partitions(&self, topic: &str, range: Range<i32>) -> Result<(), LogError> {
        let mut retired = Vec::new();
        let outcome = self.retire_partitions(topic, range, &mut retired);
        let outcome = outcome.and_then(|()| self.data_dir.sync());
        discard(retired);
        outcome
    }

    /// The part of it that comes before the directory is flushed.
    pub(super) fn retire_partitions(
        &self,
        topic: &str,
        range: Range<i32>,
        retired: &mut Vec<PathBuf>,
    ) -> Result<(), LogError> {
        range
            .map(|index| named(topic, index))
            .filter(|partition| self.data_dir.partition_path(partition).exists())
            .try_for_each(|partition| {
                retired.push(self.data_dir.retire_partition(&partition)?);
                Ok(())
            })
    }

    /// Makes the catalog what the next start finds.
    pub(super) fn write(&self) -> Result<(), Refusal> {
        self.write_catalog().map_err(Refusal::from)
    }

    fn write_catalog(&self) -> Result<(), LogError> {
        let path = self.data_dir.path().join(catalog::FILE_NAME);
        replace_file(&path, self.catalog.to_text().as_bytes()).map_err(|source| LogError::Io {
            action: "write",
            path,
            source,
        })
    }

    /// Finishes the deletions that a crash interrupted.
    fn finish_deletions(&mut self) -> Result<(), LogError> {
        for (name, entry) in self
            .catalog
            .topics
            .iter()
            .filter(|(_, entry)| entry.deleting)
        {
            self.remove_partitions(name, 0..entry.partitions)?;
        }
        self.catalog.topics.retain(|_, entry| !entry.deleting);
        Ok(())
    }
}

fn tell_of_losses(
    data_dir: &DataDir,
    opened: &[Result<Arc<Partition>, LogError>],
    start_offsets: &Offsets,
) {
    let before = data_dir.take_inventory().unwrap_or_else(|error| {
        tracing::warn!("whether segments were lost is not known: {error}");
        Inventory::new()
    });
    for partition in opened.iter().flatten() {
        let name = named(&partition.topic, partition.index);
        if let Some(before) = before.get(&name) {
            let start = start_offsets.get(&name).copied().unwrap_or(0);
            inventory::tell_of_loss(&name, before, start, &partition.log);
        }
    }
}

/// The topics whose partitions were `wanted` one after another; instead of one that is not whole, its first error.
pub(super) fn by_topic(
    wanted: &[Wanted],
    opened: Vec<Result<Arc<Partition>, LogError>>,
) -> impl Iterator<Item = Result<Topic, LogError>> {
    let mut opened = opened.into_iter();
    let topics = wanted.chunk_by(|one, next| one.topic == next.topic);
    topics.map(move |topic| {
        // To the end, also of one that failed: the next topic's partitions follow.
        let partitions: Vec<_> = opened.by_ref().take(topic.len()).collect();
        let first = &topic[0];
        Ok(Topic {
            name: Arc::clone(&first.topic),
            id: first.topic_id,
            settings: Arc::new(ArcSwap::new(Arc::clone(&first.settings))),
            partitions: partitions.into_iter().collect::<Result<_, _>>()?,
        })
    })
}

/// Gives topics that are compacted that policy, where nobody has said otherwise: the default would delete what is old in
/// them. Those are the broker's own, and what Apache Kafka has compacted: its settings of topics are where we do not read.
fn keep_compacted(
    configs: &Configs,
    catalog: &Catalog,
    compacted: &BTreeMap<TopicPartition, i64>,
    is_new: impl Fn(&str) -> bool,
) {
    const POLICY: &str = "cleanup.policy";
    for name in catalog.topics.keys() {
        let was_compacted = || compacted.keys().any(|partition| partition.topic() == name);
        let mut overrides = configs.topic_overrides(name);
        let wanted = name::is_internal(name) || (is_new(name) && was_compacted());
        if !wanted || overrides.contains_key(POLICY) {
            continue;
        }
        overrides.insert(POLICY.to_owned(), "compact".to_owned());
        match configs.put_topic(name, overrides) {
            Ok(()) => tracing::info!("topic {name} is one that is compacted: {POLICY}=compact"),
            Err(error) => tracing::error!("that topic {name} is compacted is not noted: {error}"),
        }
    }
}

/// Removes the files of deleted partitions, on a thread where nobody waits for it.
pub(super) fn discard(retired: Vec<PathBuf>) {
    if retired.is_empty() {
        return;
    }
    tokio::task::spawn_blocking(move || {
        for path in retired {
            if let Err(error) = remove_retired(&path) {
                tracing::warn!("files of a deleted partition stay until the next start: {error}");
            }
        }
    });
}

fn named(topic: &str, index: i32) -> TopicPartition {
    TopicPartition::new(topic, index)
        .expect("the catalog holds checked names, and partitions count from 0")
}

fn read_catalog(data_dir: &DataDir) -> Result<Catalog, LogError> {
    let path = data_dir.path().join(catalog::FILE_NAME);
    match fs::read_to_string(&path) {
        Ok(text) => text.parse().map_err(|line| LogError::MalformedFile {
            path,
            reason: format!("line {line} is not as it should be"),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Catalog::default()),
        Err(source) => Err(LogError::Io {
            action: "read",
            path,
            source,
        }),
    }
}

/// Enters what lies in the directory and is not in the catalog: whole topics, and more partitions of known ones. Numbers
/// that are missing in between, which another broker of a cluster may have, become empty partitions.
fn adopt(found: &[PartitionDir], catalog: &mut Catalog) {
    let mut topics: BTreeMap<&str, Entry> = BTreeMap::new();
    for PartitionDir {
        partition,
        topic_id,
        ..
    } in found
    {
        if partition.number() >= MAX_PARTITIONS {
            tracing::warn!("{partition} is left alone: no topic has that many partitions");
            continue;
        }
        let unknown = Entry {
            id: Uuid::nil(),
            partitions: 0,
            deleting: false,
        };
        let entry = topics.entry(partition.topic()).or_insert(unknown);
        entry.partitions = entry.partitions.max(partition.number() + 1);
        if entry.id.is_nil() {
            entry.id = topic_id.unwrap_or_default();
        }
    }
    for (name, mut entry) in topics {
        if let Some(known) = catalog.topics.get_mut(name) {
            known.partitions = known.partitions.max(entry.partitions);
            continue;
        }
        if entry.id.is_nil() {
            entry.id = ids::random();
        }
        let partitions = counted(entry.partitions, "partition");
        tracing::info!("found topic {name} with {partitions}");
        catalog.topics.insert(name.to_owned(), entry);
    }
}
