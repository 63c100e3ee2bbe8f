//! The registry keeps the [image](ClusterImage) of the cluster, and changes it: topics are created, grown and deleted.
//!
//! This broker is alone, so its data directory says what there is. Reading takes no lock: readers share an image that changes
//! replace as a whole. Changes follow one another, run on blocking threads, and each happens when the [catalog](Catalog) is replaced on
//! disk; what is left to do then is finished by the next start if a crash comes between. What is to lie here is handed to the
//! [replicas](crate::replicas): a topic is in the image after its partitions can be read, and is out of it before they cannot.
//!
//! Another way to keep the image, as of a broker among others, has to offer what handlers ask for here: the image, and changes
//! that answer each topic in its turn and are in the image when they do. Today's takes for granted that all lies here: a
//! [`NewTopic`] and the growth of a topic say how many partitions there are to be, and drop where they are to lie. How many
//! files may be open is counted where they are, in `replicas/descriptors`.

mod local;
mod turns;

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use kafkalite_cluster::{ClusterImage, PartitionImage, TopicImage};
use kafkalite_world::World;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::config::Configs;
use crate::replicas::{HostedTopic, Replicas};
pub(crate) use local::NewTopic;
use local::catalog::Catalog;

/// The registry of a broker that is alone.
pub(crate) struct Registry {
    /// `node.id` of this broker.
    node_id: i32,
    configs: Arc<Configs>,
    replicas: Arc<Replicas>,
    image: ArcSwap<ClusterImage>,
    /// Held by whoever changes topics, on a blocking thread. `None` once they are closed.
    catalog: Mutex<Option<Catalog>>,
    world: World,
}

impl Registry {
    /// The cluster as it is now.
    pub(crate) fn image(&self) -> Guard<Arc<ClusterImage>> {
        self.image.load()
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
        let in_turn = self.catalog.lock();
        // The logs of topics that are closed are being closed too.
        if in_turn.is_some() {
            self.replicas.apply_settings(only);
        }
    }

    /// Changes nothing any more.
    pub(crate) fn close(&self) {
        self.catalog.lock().take();
    }

    fn publish(&self, edit: impl Fn(&mut ClusterImage)) {
        self.image.rcu(|current| {
            let mut next = ClusterImage::clone(current);
            edit(&mut next);
            next
        });
    }

    /// The image of a topic all of which lies here.
    fn image_of(&self, topic: &HostedTopic) -> Arc<TopicImage> {
        image_of(topic, self.node_id)
    }
}

fn image_of(topic: &HostedTopic, node_id: i32) -> Arc<TopicImage> {
    let here = Arc::from([node_id]);
    let partitions = topic.partitions.iter();
    let partitions = partitions
        .map(|partition| PartitionImage::healthy(Arc::clone(&here), partition.leader_epoch()));
    Arc::new(TopicImage {
        name: Arc::clone(&topic.name),
        id: topic.id,
        partitions: partitions.collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use kafkalite_log::datadir::{DataDir, Expected};
    use kafkalite_world::disk::os;
    use rustix::fs::inotify;

    use super::local::catalog;
    use super::*;
    use crate::config::{BrokerConfig, Overrides};

    async fn with_topic(dir: &std::path::Path) -> Arc<Registry> {
        let configs = Configs::open(&BrokerConfig::new(), dir, &os()).unwrap();
        let data_dir = DataDir::open(dir, &Expected::default()).unwrap();
        let registry = Registry::open(data_dir, Arc::new(configs), World::real())
            .unwrap()
            .0;
        let new = NewTopic {
            name: "t".to_owned(),
            partitions: 1,
            overrides: Overrides::new(),
        };
        registry.create(vec![new]).await.remove(0).unwrap();
        registry
    }

    #[tokio::test]
    async fn settings_are_applied_in_turn_with_changes_of_topics() {
        let dir = tempfile::tempdir().unwrap();
        let registry = with_topic(dir.path()).await;
        let changing = registry.catalog.lock();
        let applying = {
            let registry = Arc::clone(&registry);
            thread::spawn(move || registry.apply_settings(None))
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
        let registry = with_topic(dir.path()).await;
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
            partitions: 1,
            overrides: Overrides::new(),
        };
        assert!(registry.create(vec![again]).await[0].is_err());
        assert!(registry.delete(vec!["other".to_owned()]).await[0].is_err());
        assert!(!catalog.exists());
    }
}
