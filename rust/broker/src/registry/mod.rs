//! The registry keeps the [image](ClusterImage) of the cluster, and changes it: topics are created, grown and deleted.
//!
//! Reading takes no lock: readers share an image that changes replace as a whole, once for all topics of a request. (One of 10,000
//! topics is copied in less than a millisecond, less than it takes to write them down.) What may be, and where it is to lie, the crate
//! `cluster` decides; changes follow one another ([`turns`]), and what lies on this broker of what was decided is handed to the
//! [replicas](crate::replicas) ([`hosting`]). A topic is in the image after its partitions can be read, and is out of it before
//! they cannot.
//!
//! Who keeps the image is a room of its own: [`local`] for a broker that is alone, [`zookeeper`] for one among others, whose image
//! names those too: whatever reads one allows for that. Handlers ask for changes here ([`changes`]), whoever keeps the image: each
//! topic is answered in its turn, and is in the image when it is.

mod changes;
mod hosting;
mod local;
mod turns;
#[cfg(feature = "zookeeper")]
pub(crate) mod zookeeper;

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use kafkalite_cluster::{ClusterImage, Placement, TopicImage};
use kafkalite_world::World;
use uuid::Uuid;

use crate::config::{Configs, Overrides};
use crate::replicas::Replicas;
use local::catalog::Catalog;
use turns::Turns;

/// A topic to be created. The settings have been checked.
#[derive(Debug, Clone)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    pub(crate) wish: Placement,
    pub(crate) overrides: Overrides,
}

/// What a broker knows of its cluster, and changes of that.
pub(crate) struct Registry {
    /// `node.id` of this broker.
    node_id: i32,
    configs: Arc<Configs>,
    replicas: Arc<Replicas>,
    image: ArcSwap<ClusterImage>,
    keeper: Keeper,
    world: World,
}

/// Who keeps the image.
enum Keeper {
    /// The data directory, for a broker that is alone.
    Local(Arc<Turns<Catalog>>),
    /// ZooKeeper, for all brokers of a cluster.
    #[cfg(feature = "zookeeper")]
    ZooKeeper(Arc<Turns<()>>, Arc<zookeeper::Membership>),
}

impl Registry {
    /// The cluster as it is now.
    pub(crate) fn image(&self) -> Guard<Arc<ClusterImage>> {
        self.image.load()
    }

    /// `node.id` of this broker.
    pub(crate) fn node_id(&self) -> i32 {
        self.node_id
    }

    /// The wish for so many partitions with the replicas that topics have of which nobody says how many, or with as many as there
    /// are brokers.
    pub(crate) fn anywhere(&self, partitions: i32) -> Placement {
        let wanted = i32::from(self.configs.settings().default_replication_factor);
        let brokers = self.image().brokers.len() as i32;
        Placement::Anywhere {
            partitions,
            replicas: wanted.min(brokers),
        }
    }

    /// The topic of this name.
    pub(crate) fn topic(&self, name: &str) -> Option<Arc<TopicImage>> {
        self.image.load().topic(name).cloned()
    }

    /// The topic with this id.
    pub(crate) fn topic_by_id(&self, id: Uuid) -> Option<Arc<TopicImage>> {
        self.image.load().topic_by_id(id).cloned()
    }

    /// Reads the settings of a topic, or of all, again and hands them to the logs. Call it after a change of settings, on a
    /// thread that may block: it takes its turn among the changes of topics, or an older reading could come to rest on
    /// top of a newer one, or on a topic that is being created.
    pub(crate) fn apply_settings(&self, only: Option<&str>) {
        // After the last turn the logs are being closed too.
        self.in_turn(|| self.replicas.apply_settings(only));
    }

    /// Changes nothing any more.
    pub(crate) fn close(&self) {
        match &self.keeper {
            Keeper::Local(turns) => turns.close(),
            #[cfg(feature = "zookeeper")]
            Keeper::ZooKeeper(turns, _) => turns.close(),
        }
    }

    /// Does something in turn with the changes, on this thread, which may block; `None` once they are over.
    fn in_turn<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        match &self.keeper {
            Keeper::Local(turns) => turns.take(|_| act()),
            #[cfg(feature = "zookeeper")]
            Keeper::ZooKeeper(turns, _) => turns.take(|()| act()),
        }
    }
}

#[cfg(test)]
impl Registry {
    /// Has the cluster be as this image says, which some other keeper of it has told.
    pub(crate) fn tell(&self, image: ClusterImage) {
        let host = || {
            let topics: Vec<_> = image.topics().cloned().collect();
            for hosted in self.host(&topics) {
                hosted.unwrap();
            }
            self.publish(image);
        };
        self.in_turn(host).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use kafkalite_log::datadir::{DataDir, Expected};
    use kafkalite_world::disk::os;
    use rustix::fs::inotify;

    use super::local::catalog;
    use super::*;
    use crate::config::BrokerConfig;

    async fn with_topic(dir: &std::path::Path) -> Arc<Registry> {
        let configs = Configs::open(&BrokerConfig::new(), dir, &os()).unwrap();
        let data_dir = DataDir::open(dir, &Expected::default()).unwrap();
        let registry = Registry::open(data_dir, Arc::new(configs), World::real())
            .unwrap()
            .0;
        let new = NewTopic {
            name: "t".to_owned(),
            wish: registry.anywhere(1),
            overrides: Overrides::new(),
        };
        registry.create(vec![new]).await.remove(0).unwrap();
        registry
    }

    #[tokio::test]
    async fn settings_are_applied_in_turn_with_changes_of_topics() {
        let dir = tempfile::tempdir().unwrap();
        let registry = with_topic(dir.path()).await;
        let changing = || {
            let registry = Arc::clone(&registry);
            let applying = thread::spawn(move || registry.apply_settings(None));
            thread::sleep(Duration::from_millis(50));
            assert!(!applying.is_finished());
            applying
        };
        registry.in_turn(changing).unwrap().join().unwrap();
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
        let registry = with_topic(dir.path()).await;
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&watch, dir.path(), inotify::WatchFlags::MOVED_TO).unwrap();
        let count =
            |names: &[String], file: &str| names.iter().filter(|name| *name == file).count();
        let names: Vec<String> = (0..10).map(|number| format!("topic-{number}")).collect();
        let new = |name: &String| NewTopic {
            name: name.clone(),
            wish: registry.anywhere(1),
            overrides: Overrides::from([("retention.ms".to_owned(), "1".to_owned())]),
        };
        for outcome in registry.create(names.iter().map(new).collect()).await {
            outcome.unwrap();
        }
        let files = replaced(&watch);
        assert_eq!(count(&files, catalog::FILE_NAME), 1, "{files:?}");
        assert_eq!(count(&files, "configs.altered"), 1, "{files:?}");

        for outcome in registry.delete(names).await {
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
        let registry = with_topic(dir.path()).await;
        let catalog = dir.path().join(catalog::FILE_NAME);
        std::fs::remove_file(&catalog).unwrap();
        let again = NewTopic {
            name: "t".to_owned(),
            wish: registry.anywhere(1),
            overrides: Overrides::new(),
        };
        assert!(registry.create(vec![again]).await[0].is_err());
        assert!(registry.delete(vec!["other".to_owned()]).await[0].is_err());
        assert!(!catalog.exists());
    }
}
