//! Logs are opened, and created where they are not there yet; at the start all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use kafkalite_log::checkpoint::Offsets;
use kafkalite_log::datadir::{DataDir, Inventory};
use kafkalite_log::{Log, LogError, OpenOptions, Role};
use kafkalite_names::counted;
use kafkalite_world::World;
use parking_lot::Mutex;
use uuid::Uuid;

use super::partition::Partition;
use super::{Hosted, HostedTopic, Replicas, inventory, named, parallel};
use crate::config::{Configs, TopicSettings};
use crate::refusal::Refusal;

/// A partition to be opened, or created.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) topic: Arc<str>,
    pub(crate) topic_id: Uuid,
    pub(crate) index: i32,
    pub(crate) settings: Arc<TopicSettings>,
    pub(crate) known: Known,
}

/// What the last run left on record about one log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    recovery_point: i64,
    start_offset: i64,
    compacted_to: i64,
    clean: bool,
}

impl Known {
    /// Of a log that is new.
    pub(crate) const NOTHING: Self = Self {
        recovery_point: 0,
        start_offset: 0,
        compacted_to: 0,
        clean: false,
    };
}

/// A topic whose partitions are to lie here.
#[derive(Debug)]
pub(crate) struct Lying<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: Uuid,
    pub(crate) partitions: i32,
}

impl Replicas {
    /// Opens every partition that is to lie in a data directory, each recovered if the last stop was not a clean one. `compacted`
    /// is how far logs were compacted; `is_believed` whether the checkpoints speak of just these topics. Blocks; call it on a
    /// thread of a runtime.
    pub(crate) fn open(
        data_dir: DataDir,
        configs: Arc<Configs>,
        topics: &[Lying<'_>],
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
        for topic in topics {
            let name: Arc<str> = topic.name.into();
            let settings = Arc::new(configs.topic_settings(&name));
            wanted.extend((0..topic.partitions).map(|index| Wanted {
                topic: Arc::clone(&name),
                topic_id: topic.id,
                index,
                settings: Arc::clone(&settings),
                known: known(&name, index),
            }));
        }
        let opened = open_partitions(&data_dir, &wanted, &world)?;
        tell_of_losses(&data_dir, &opened, &start_offsets);
        let mut hosted = Hosted::default();
        for topic in by_topic(&wanted, opened) {
            hosted.insert(Arc::new(topic?));
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

    /// Creates the logs of whole topics, and lets everybody see those that are whole. An outcome for each topic, in order.
    pub(crate) fn add_topics(
        &self,
        topics: &[Lying<'_>],
    ) -> Vec<Result<Arc<HostedTopic>, Refusal>> {
        let mut wanted = Vec::new();
        for topic in topics {
            let name: Arc<str> = topic.name.into();
            let settings = Arc::new(self.configs.topic_settings(&name));
            wanted.extend((0..topic.partitions).map(|index| Wanted {
                topic: Arc::clone(&name),
                topic_id: topic.id,
                index,
                settings: Arc::clone(&settings),
                known: Known::NOTHING,
            }));
        }
        let outcomes: Vec<Result<Arc<HostedTopic>, Refusal>> = match self.create(&wanted) {
            Ok(opened) => by_topic(&wanted, opened)
                .map(|topic| Ok(Arc::new(topic?)))
                .collect(),
            Err(refusal) => topics.iter().map(|_| Err(refusal.clone())).collect(),
        };
        self.publish(|hosted| {
            for topic in outcomes.iter().flatten() {
                hosted.insert(Arc::clone(topic));
            }
        });
        outcomes
    }

    /// Gives a topic more partitions, up to `count`, and lets everybody see them: all of them, or none.
    pub(crate) fn add_partitions(&self, topic: &HostedTopic, count: i32) -> Result<(), Refusal> {
        let now = topic.partitions.len() as i32;
        let settings = topic.settings.load_full();
        let wanted: Vec<_> = (now..count)
            .map(|index| Wanted {
                topic: Arc::clone(&topic.name),
                topic_id: topic.id,
                index,
                settings: Arc::clone(&settings),
                known: Known::NOTHING,
            })
            .collect();
        let opened = self.create(&wanted)?;
        let added = opened.into_iter().collect::<Result<Vec<_>, LogError>>()?;
        let grown = Arc::new(HostedTopic {
            name: Arc::clone(&topic.name),
            id: topic.id,
            settings: Arc::clone(&topic.settings),
            partitions: topic.partitions.iter().cloned().chain(added).collect(),
        });
        self.publish(|hosted| hosted.insert(Arc::clone(&grown)));
        Ok(())
    }

    fn create(&self, wanted: &[Wanted]) -> Result<Vec<Result<Arc<Partition>, LogError>>, Refusal> {
        match &*self.dir.lock() {
            Some(data_dir) => Ok(open_partitions(data_dir, wanted, &self.world)?),
            None => Err(Refusal::stopping()),
        }
    }
}

/// Opens the logs of partitions, a few at a time; creates those that are not there. An error is of the directory as a
/// whole; otherwise there is a result for each partition, in order.
fn open_partitions(
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
    // A broker that is alone leads, and goes on with the last epoch in the log, which is that of an earlier leader where Apache
    // Kafka wrote the directory.
    let epoch = log.epoch_of(i64::MAX).unwrap_or(0);
    log.take_role(Role::Leader { epoch })?;
    let topic = Arc::clone(&wanted.topic);
    let partition = Partition::new(topic, wanted.index, log, Arc::clone(&world.clock));
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

/// The topics whose partitions were `wanted` one after another; instead of one that is not whole, its first error.
fn by_topic(
    wanted: &[Wanted],
    opened: Vec<Result<Arc<Partition>, LogError>>,
) -> impl Iterator<Item = Result<HostedTopic, LogError>> {
    let mut opened = opened.into_iter();
    let topics = wanted.chunk_by(|one, next| one.topic == next.topic);
    topics.map(move |topic| {
        // To the end, also of one that failed: the next topic's partitions follow.
        let partitions: Vec<_> = opened.by_ref().take(topic.len()).collect();
        let first = &topic[0];
        Ok(HostedTopic {
            name: Arc::clone(&first.topic),
            id: first.topic_id,
            settings: Arc::new(ArcSwap::new(Arc::clone(&first.settings))),
            partitions: partitions.into_iter().collect::<Result<_, _>>()?,
        })
    })
}
