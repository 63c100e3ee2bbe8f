//! The nodes that are watched: a task for each, which says what it holds at first and whenever that changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafkalite_coordination::election::Candidate;
use kafkalite_coordination::registries::{SettingsOf, paths};
use kafkalite_coordination::session::{StoredNode, ZooKeeperError, ZooKeeperSession};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::view::{News, View};

/// The pause before something is asked again that ZooKeeper did not answer.
const PAUSE: Duration = Duration::from_millis(200);
/// News that wait to be taken in, before those who have more wait too.
const WAITING: usize = 1024;

/// A task that watches; it ends when this is dropped.
#[derive(Debug)]
struct Watcher(AbortHandle);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// All watches of one session.
#[derive(Debug)]
pub(super) struct Watching {
    session: ZooKeeperSession,
    news: mpsc::Sender<News>,
    /// Of the lists, and of the place of the controller.
    always: Vec<Watcher>,
    brokers: BTreeMap<i32, Watcher>,
    topics: BTreeMap<Arc<str>, WatchedTopic>,
}

#[derive(Debug)]
struct WatchedTopic {
    _node: Watcher,
    generation: u64,
    settings: Option<Watcher>,
    states: BTreeMap<i32, Watcher>,
}

impl Watching {
    /// Begins with the lists of what there is. What is read comes out of the receiver.
    pub(super) fn begin(session: ZooKeeperSession) -> (Self, mpsc::Receiver<News>) {
        let (news, receiver) = mpsc::channel(WAITING);
        let mut watching = Self {
            session,
            news,
            always: Vec::new(),
            brokers: BTreeMap::new(),
            topics: BTreeMap::new(),
        };
        watching.always = vec![
            watching.children(paths::BROKER_IDS, News::Brokers),
            watching.children(paths::TOPICS, News::Topics),
            watching.children(paths::DELETED_TOPICS, News::Deletions),
        ];
        (watching, receiver)
    }

    /// From now on this broker takes the place of the controller when it is free.
    pub(super) fn stand(&mut self, broker_id: i32) {
        let (session, news) = (self.session.clone(), self.news.clone());
        let standing = async move {
            let mut candidate = Candidate::new(session.clone(), broker_id);
            loop {
                match candidate.next().await {
                    Ok(leadership) => {
                        if news.send(News::Controller(leadership)).await.is_err() {
                            return;
                        }
                    }
                    Err(ZooKeeperError::SessionEnded { .. }) => return,
                    Err(error) => {
                        tracing::error!("who is the controller is not known: {error}");
                        sleep(PAUSE).await;
                        candidate = Candidate::new(session.clone(), broker_id);
                    }
                }
            }
        };
        self.always
            .push(Watcher(tokio::spawn(standing).abort_handle()));
    }

    /// Watches what the view has come to know of, and no longer what is gone.
    pub(super) fn follow(&mut self, view: &View) {
        let listed: Vec<i32> = view.listed().collect();
        self.brokers
            .retain(|id, _| listed.binary_search(id).is_ok());
        for id in listed {
            if !self.brokers.contains_key(&id) {
                let watcher = self.node(paths::broker(id), move |node| News::Broker(id, node));
                self.brokers.insert(id, watcher);
            }
        }
        let mut before = std::mem::take(&mut self.topics);
        for (name, topic) in &view.topics {
            let mut watched = before.remove(name).unwrap_or_else(|| {
                let known = Arc::clone(name);
                let tell = move |node| News::Topic(Arc::clone(&known), node);
                WatchedTopic {
                    _node: self.node(paths::topic(name), tell),
                    generation: topic.generation,
                    settings: None,
                    states: BTreeMap::new(),
                }
            });
            let generation = topic.generation;
            if watched.generation != generation {
                watched.generation = generation;
                watched.settings = None;
                watched.states.clear();
            }
            if topic.id().is_some() {
                watched.settings.get_or_insert_with(|| {
                    let known = Arc::clone(name);
                    let path = SettingsOf::Topic(name.to_string()).path();
                    self.node(path, move |node| {
                        News::TopicSettings(Arc::clone(&known), generation, node)
                    })
                });
                for number in topic.numbers() {
                    watched.states.entry(number).or_insert_with(|| {
                        let known = Arc::clone(name);
                        self.node(paths::partition_state(name, number), move |node| {
                            News::State(Arc::clone(&known), generation, number, node)
                        })
                    });
                }
            }
            self.topics.insert(Arc::clone(name), watched);
        }
    }

    fn node(
        &self,
        path: String,
        tell: impl Fn(Option<StoredNode>) -> News + Send + 'static,
    ) -> Watcher {
        let mut watch = self.session.watch_node(path);
        let news = self.news.clone();
        let watching = async move {
            loop {
                match watch.next().await {
                    Ok(node) => {
                        if news.send(tell(node)).await.is_err() {
                            return;
                        }
                    }
                    Err(ZooKeeperError::SessionEnded { .. }) => return,
                    Err(error) => unread(&error).await,
                }
            }
        };
        Watcher(tokio::spawn(watching).abort_handle())
    }

    fn children(
        &self,
        path: &'static str,
        tell: impl Fn(Option<Vec<String>>) -> News + Send + 'static,
    ) -> Watcher {
        let mut watch = self.session.watch_children(path);
        let news = self.news.clone();
        let watching = async move {
            loop {
                match watch.next().await {
                    Ok(names) => {
                        if news.send(tell(names)).await.is_err() {
                            return;
                        }
                    }
                    Err(ZooKeeperError::SessionEnded { .. }) => return,
                    Err(error) => unread(&error).await,
                }
            }
        };
        Watcher(tokio::spawn(watching).abort_handle())
    }
}

async fn unread(error: &ZooKeeperError) {
    tracing::warn!("{error}; asked again");
    sleep(PAUSE).await;
}
