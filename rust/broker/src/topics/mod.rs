//! The broker's topics: by name, by id, with their partitions; created, grown and deleted.
//!
//! Looking up takes no lock: readers share a snapshot that changes replace as a whole. Changes follow one another, run on
//! blocking threads, and each happens when the [`catalog`] is replaced on disk; what is left to do then is finished by
//! the next start if a crash comes between.

mod catalog;
mod change;
mod checkpoints;
mod closing;
mod creation;
mod deletion;
mod descriptors;
mod growth;
mod inventory;
pub(crate) mod name;
mod opening;
mod parallel;

use std::{collections::HashMap, sync::Arc};

use arc_swap::{ArcSwap, Guard};
use kafkalite_log::datadir::DataDir;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    config::{Configs, TopicSettings},
    partition::Partition,
};
use catalog::Catalog;
pub(crate) use creation::NewTopic;

/// More partitions than this in one topic are a mistake rather than a wish: each holds an open file.
const MAX_PARTITIONS: i32 = 10_000;

/// No broker hands out producer ids from here on. A producer that made one up must not use up all that are below it.
const MADE_UP: i64 = 1 << 62;

/// One topic as it is now. A topic that grows is replaced by a new one that shares the partitions.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    /// Settings in force, as of the last change.
    pub(crate) settings: Arc<ArcSwap<TopicSettings>>,
    /// In order of their numbers, without gaps.
    pub(crate) partitions: Vec<Arc<Partition>>,
}

impl Topic {
    /// The partition of this number.
    pub(crate) fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(index).ok()?)
    }
}

/// All topics at one moment.
#[derive(Debug, Default, Clone)]
pub(crate) struct Snapshot {
    by_name: HashMap<Arc<str>, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
}

impl Snapshot {
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    pub(crate) fn by_id(&self, id: Uuid) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }

    /// All topics, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    fn insert(&mut self, topic: Arc<Topic>) {
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(Arc::clone(&topic.name), topic);
    }

    fn remove(&mut self, topic: &Topic) {
        self.by_name.remove(&topic.name);
        self.by_id.remove(&topic.id);
    }
}

/// The registry of topics.
pub(crate) struct Topics {
    configs: Arc<Configs>,
    current: ArcSwap<Snapshot>,
    /// Held by whoever changes topics, on a blocking thread. `None` once they are closed.
    keeping: Mutex<Option<Keeping>>,
}

/// What a change of topics changes on disk.
struct Keeping {
    data_dir: DataDir,
    catalog: Catalog,
}

impl Topics {
    /// The topics as they are now; for work that looks up more than one.
    pub(crate) fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<Topic>> {
        self.current.load().by_name(name).cloned()
    }

    pub(crate) fn by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.current.load().by_id(id).cloned()
    }

    /// The names of all topics, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let snapshot = self.current.load();
        let mut names: Vec<_> = snapshot
            .iter()
            .map(|topic| topic.name.to_string())
            .collect();
        names.sort_unstable();
        names
    }

    /// Every partition of every topic; for housekeeping and the end.
    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        self.current
            .load()
            .iter()
            .flat_map(|topic| topic.partitions.iter().cloned())
            .collect()
    }

    /// A producer id above all that the logs remember.
    pub(crate) fn unused_producer_id(&self) -> i64 {
        let largest = self
            .partitions()
            .iter()
            .filter_map(|partition| partition.log.largest_producer_id())
            .filter(|&id| id < MADE_UP)
            .max();
        largest.map_or(0, |id| id.saturating_add(1))
    }

    /// Reads the settings of a topic, or of all, again and hands them to the logs. Call it after a change of settings, on a
    /// thread that may block: it takes its turn among the changes of topics, or an older reading could come to rest on
    /// top of a newer one, or on a topic that is being created.
    pub(crate) fn apply_settings(&self, only: Option<&str>) {
        let _in_turn = self.keeping.lock();
        let snapshot = self.current.load();
        for topic in snapshot
            .iter()
            .filter(|topic| only.is_none_or(|name| *topic.name == *name))
        {
            let settings = self.configs.topic_settings(&topic.name);
            for partition in &topic.partitions {
                partition.log.reconfigure(Partition::log_config(&settings));
            }
            topic.settings.store(Arc::new(settings));
        }
    }

    fn publish(&self, edit: impl Fn(&mut Snapshot)) {
        self.current.rcu(|current| {
            let mut next = Snapshot::clone(current);
            edit(&mut next);
            next
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use kafkalite_log::datadir::Expected;
    use rustix::fs::inotify;

    use super::*;
    use crate::config::{BrokerConfig, Overrides};

    async fn with_topic(dir: &std::path::Path) -> Arc<Topics> {
        let configs = Configs::open(&BrokerConfig::new(), dir).unwrap();
        let data_dir = DataDir::open(dir, &Expected::default()).unwrap();
        let topics = Topics::open(data_dir, Arc::new(configs)).unwrap();
        let new = NewTopic {
            name: "t".to_owned(),
            partitions: 1,
            overrides: Overrides::new(),
        };
        topics.create(vec![new]).await.remove(0).unwrap();
        topics
    }

    #[tokio::test]
    async fn settings_are_applied_in_turn_with_changes_of_topics() {
        let dir = tempfile::tempdir().unwrap();
        let topics = with_topic(dir.path()).await;
        let changing = topics.keeping.lock();
        let applying = {
            let topics = Arc::clone(&topics);
            thread::spawn(move || topics.apply_settings(None))
        };
        thread::sleep(Duration::from_millis(50));
        assert!(!applying.is_finished());
        drop(changing);
        applying.join().unwrap();
    }

    /// The files that got their names in a directory since a watch was set on it.
    fn replaced(watch: &std::os::fd::OwnedFd) -> Vec<String> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 8192];
        let mut events = inotify::Reader::new(watch, &mut buffer);
        let mut names = Vec::new();
        // Until it would block.
        while let Ok(event) = events.next() {
            let name = event.file_name().unwrap_or_default();
            names.push(name.to_string_lossy().into_owned());
        }
        names
    }

    #[tokio::test]
    async fn one_write_of_each_file_serves_all_topics_of_a_request() {
        let dir = tempfile::tempdir().unwrap();
        let topics = with_topic(dir.path()).await;
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, dir.path(), inotify::WatchFlags::MOVED_TO).unwrap();
        let count =
            |names: &[String], file: &str| names.iter().filter(|name| *name == file).count();
        let names: Vec<String> = (0..10).map(|number| format!("topic-{number}")).collect();
        let new = |name: &String| NewTopic {
            name: name.clone(),
            partitions: 1,
            overrides: Overrides::from([("retention.ms".to_owned(), "1".to_owned())]),
        };
        for outcome in topics.create(names.iter().map(new).collect()).await {
            outcome.unwrap();
        }
        let files = replaced(&watch);
        assert_eq!(count(&files, catalog::FILE_NAME), 1, "{files:?}");
        assert_eq!(count(&files, "configs.altered"), 1, "{files:?}");

        for outcome in topics.delete(names).await {
            outcome.unwrap();
        }
        let files = replaced(&watch);
        assert_eq!(
            count(&files, catalog::FILE_NAME),
            2,
            "begun and done: {files:?}"
        );
        assert_eq!(count(&files, "configs.altered"), 1, "{files:?}");
    }

    #[tokio::test]
    async fn a_change_that_changes_nothing_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let topics = with_topic(dir.path()).await;
        let catalog = dir.path().join(catalog::FILE_NAME);
        std::fs::remove_file(&catalog).unwrap();
        let again = NewTopic {
            name: "t".to_owned(),
            partitions: 1,
            overrides: Overrides::new(),
        };
        assert!(topics.create(vec![again]).await[0].is_err());
        assert!(topics.delete(vec!["other".to_owned()]).await[0].is_err());
        assert!(!catalog.exists());
    }
}
