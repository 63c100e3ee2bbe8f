//! Logs are opened, and created where they are not there yet: at the start all of them, later those that are
//! [added](super::hosting).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use kafkalite_log::checkpoint::Offsets;
use kafkalite_log::datadir::{DataDir, Inventory};
use kafkalite_log::{Log, LogError, OpenOptions};
use kafkalite_names::counted;
use kafkalite_world::World;
use parking_lot::Mutex;
use uuid::Uuid;

use super::partition::Partition;
use super::{Duty, Hosted, HostedTopic, Replicas, inventory, named, parallel};
use crate::config::{Configs, TopicSettings};

/// A partition to be opened, or created.
#[derive(Debug)]
pub(super) struct Wanted {
    topic: Arc<str>,
    topic_id: Uuid,
    index: i32,
    duty: Duty,
    settings: Arc<TopicSettings>,
    known: Known,
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

/// A topic of which partitions are to lie here.
#[derive(Debug)]
pub(crate) struct Lying {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    /// Their numbers, in order, and what this broker is to be to each.
    pub(crate) partitions: Vec<(i32, Duty)>,
}

impl Lying {
    /// Those of its partitions that are to be opened with what is `known` of each.
    pub(super) fn wanted(
        &self,
        settings: &Arc<TopicSettings>,
        known: impl Fn(i32) -> Option<Known>,
    ) -> Vec<Wanted> {
        let wanted = |&(index, duty): &(i32, Duty)| {
            Some(Wanted {
                topic: Arc::clone(&self.name),
                topic_id: self.id,
                index,
                duty,
                settings: Arc::clone(settings),
                known: known(index)?,
            })
        };
        self.partitions.iter().filter_map(wanted).collect()
    }

    /// The topic as it lies here with these partitions.
    pub(super) fn hosted(
        &self,
        settings: Arc<ArcSwap<TopicSettings>>,
        mut partitions: Vec<Arc<Partition>>,
    ) -> Arc<HostedTopic> {
        partitions.sort_unstable_by_key(|partition| partition.index);
        Arc::new(HostedTopic {
            name: Arc::clone(&self.name),
            id: self.id,
            settings,
            partitions,
        })
    }
}

impl Replicas {
    /// Opens every partition that is to lie in a data directory, each recovered if the last stop was not a clean one. `compacted`
    /// is how far logs were compacted; `is_believed` whether the checkpoints speak of just these topics. Blocks; call it on a
    /// thread of a runtime.
    pub(crate) fn open(
        data_dir: DataDir,
        configs: Arc<Configs>,
        topics: &[Lying],
        compacted: &Offsets,
        is_believed: bool,
        world: World,
    ) -> Result<Arc<Self>, LogError> {
        let recovery_points = data_dir.recovery_points().read()?;
        let start_offsets = data_dir.start_offsets().read()?;
        let clean = data_dir.was_clean();
        let known = |name: &str, index| {
            let of =
                |offsets: &BTreeMap<_, _>| offsets.get(&named(name, index)).copied().unwrap_or(0);
            Known {
                recovery_point: of(&recovery_points),
                start_offset: of(&start_offsets),
                compacted_to: of(compacted),
                clean,
            }
        };
        let mut wanted = Vec::new();
        let mut settings = Vec::with_capacity(topics.len());
        for topic in topics {
            let own = Arc::new(configs.topic_settings(&topic.name));
            wanted.extend(topic.wanted(&own, |index| Some(known(&topic.name, index))));
            settings.push(own);
        }
        let opened = open_partitions(&data_dir, &wanted, &world)?;
        tell_of_losses(&data_dir, &opened, &start_offsets);
        let mut opened = opened.into_iter();
        let mut hosted = Hosted::default();
        for (topic, settings) in topics.iter().zip(settings) {
            let own = opened.by_ref().take(topic.partitions.len());
            let partitions = own.collect::<Result<_, _>>()?;
            hosted.insert(topic.hosted(Arc::new(ArcSwap::new(settings)), partitions));
        }
        let replicas = Self {
            configs,
            current: ArcSwap::from_pointee(hosted),
            dir: Mutex::new(Some(data_dir)),
            world,
        };
        if !(clean && is_believed) {
            // No checkpoint of a deleted topic may be left for a later one of its name, and none that says of messages to
            // come in the place of lost ones that they are flushed.
            replicas.checkpoint()?;
        }
        Ok(Arc::new(replicas))
    }
}

/// Opens the logs of partitions, a few at a time; creates those that are not there. An error is of the directory as a
/// whole; otherwise there is a result for each partition, in order.
pub(super) fn open_partitions(
    data_dir: &DataDir,
    wanted: &[Wanted],
    world: &World,
) -> Result<Vec<Result<Arc<Partition>, LogError>>, LogError> {
    let met = Met::default();
    let opened = parallel::map(wanted, |wanted| {
        open_partition(data_dir, wanted, world, &met)
    });
    let unnamed = met.unnamed.into_inner();
    if let Some(first) = unnamed.first() {
        tracing::warn!(
            "{} cannot be given back the lost file that names the topic's id: {first}; the topics keep their ids, and the \
             next start tries again",
            counted(unnamed.len(), "partition")
        );
    }
    if met.created.into_inner() {
        data_dir.sync()?;
    }
    Ok(opened)
}

/// What those who open partitions have met.
#[derive(Default)]
struct Met {
    /// Whether a partition was created.
    created: AtomicBool,
    /// Why a `partition.metadata` could not be written again.
    unnamed: Mutex<Vec<LogError>>,
}

fn open_partition(
    data_dir: &DataDir,
    wanted: &Wanted,
    world: &World,
    met: &Met,
) -> Result<Arc<Partition>, LogError> {
    let partition = named(&wanted.topic, wanted.index);
    let path = data_dir.partition_path(&partition);
    // A deleted topic of the name may have left it, and would come back as this one. Who is alone takes what lies there as it is.
    if matches!(wanted.duty, Duty::Among { .. })
        && let Some(aside) = data_dir.make_way(&partition, wanted.topic_id)?
    {
        tracing::warn!(
            "{partition} lay here of another topic, and is now called {}",
            aside.display()
        );
    }
    if data_dir.has_partition(&partition) {
        match data_dir.restore_metadata(&partition, wanted.topic_id) {
            // The catalog knows the id as well: a full disk must not keep the messages from anybody.
            Err(error @ LogError::Io { .. }) => met.unnamed.lock().push(error),
            done => done?,
        }
    } else {
        data_dir.create_partition(&partition, wanted.topic_id)?;
        met.created.store(true, Ordering::Relaxed);
    }
    let options = OpenOptions {
        recovery_point: wanted.known.recovery_point,
        log_start_offset: wanted.known.start_offset,
        compacted_to: wanted.known.compacted_to,
        agreed: None,
        clean_shutdown: wanted.known.clean,
        now_ms: world.now_ms(),
        disk: Arc::clone(&world.disk),
    };
    let config = Partition::log_config(&wanted.settings);
    let (log, recovered) = Log::open(path, config, &options)?;
    if recovered.bytes_cut > 0 || recovered.segments_removed > 0 {
        tracing::warn!("{partition}: a torn end was cut off after an unclean stop: {recovered:?}");
    }
    let topic = Arc::clone(&wanted.topic);
    let partition = Partition::new(topic, wanted.index, log, Arc::clone(&world.clock));
    partition.take(wanted.duty)?;
    // Beyond the end it speaks of another log, or of one that was cut since, whose later messages are not compacted.
    let compacted_to = wanted.known.compacted_to;
    if compacted_to <= partition.log.end_offset() {
        let known = &partition.compacted_to;
        known.store(compacted_to, Ordering::Relaxed);
    }
    Ok(Arc::new(partition))
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
