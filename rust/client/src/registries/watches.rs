//! What is watched: each watch is a task that tells when something has changed, until its session is over.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kafkalite_coordination::registries::paths;
use kafkalite_coordination::session::{SessionState, ZooKeeperSession};
use kafkalite_names::TopicPartition;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{AbortHandle, JoinSet};

use super::membership::RegistryEvent;
use super::questions::Questions;

/// The watches of one session. Dropping this ends them.
#[derive(Debug)]
pub(super) struct RegistryWatches {
    to: UnboundedSender<RegistryEvent>,
    /// Who is there, which brokers, which topics, and the session itself.
    _general: JoinSet<()>,
    topics: HashMap<Arc<str>, AbortHandle>,
    of_topics: JoinSet<()>,
    in_the_way: JoinSet<()>,
}

impl RegistryWatches {
    /// `number` is the membership's, of the session.
    pub(super) fn new(
        questions: &Questions,
        number: u64,
        to: UnboundedSender<RegistryEvent>,
    ) -> Self {
        let session = &questions.session;
        let mut general = JoinSet::new();
        for path in [
            questions.paths.ids(),
            paths::BROKER_IDS.to_owned(),
            paths::TOPICS.to_owned(),
        ] {
            general.spawn(children(session.clone(), path, to.clone()));
        }
        general.spawn(session_itself(session.clone(), number, to.clone()));
        Self {
            to,
            _general: general,
            topics: HashMap::new(),
            of_topics: JoinSet::new(),
            in_the_way: JoinSet::new(),
        }
    }

    /// Watches these topics' partitions, and no others.
    pub(super) fn topics(&mut self, session: &ZooKeeperSession, wanted: &BTreeSet<Arc<str>>) {
        self.topics.retain(|topic, task| {
            let stays = wanted.contains(topic);
            if !stays {
                task.abort();
            }
            stays
        });
        for topic in wanted {
            if !self.topics.contains_key(topic) {
                let watch = topic_itself(session.clone(), paths::topic(topic), self.to.clone());
                let task = self.of_topics.spawn(watch);
                self.topics.insert(Arc::clone(topic), task);
            }
        }
    }

    /// Watches these owners' nodes, and no others.
    pub(super) fn in_the_way(&mut self, questions: &Questions, wanted: BTreeSet<TopicPartition>) {
        self.in_the_way = JoinSet::new();
        for of in wanted {
            let watch = owner(questions.clone(), of, self.to.clone());
            self.in_the_way.spawn(watch);
        }
    }
}

async fn children(session: ZooKeeperSession, path: String, to: UnboundedSender<RegistryEvent>) {
    let mut watch = session.watch_children(path);
    // The first is how it is: the look that follows registering may have been before.
    while watch.next().await.is_ok() && to.send(RegistryEvent::Changed).is_ok() {}
}

async fn topic_itself(session: ZooKeeperSession, path: String, to: UnboundedSender<RegistryEvent>) {
    let mut watch = session.watch_node(path);
    while watch.next().await.is_ok() && to.send(RegistryEvent::Changed).is_ok() {}
}

/// Tells once that an owner's node is not another session's any more, or another's than it was.
async fn owner(questions: Questions, of: TopicPartition, to: UnboundedSender<RegistryEvent>) {
    let path = questions.paths.owner(&of.topic, of.partition);
    let mut watch = questions.session.watch_node(path);
    let mut first = None;
    while let Ok(found) = watch.next().await {
        let owner = found.map(|node| (node.owner, node.data));
        let Some(owner) = owner else { break };
        if *first.get_or_insert_with(|| owner.clone()) != owner {
            break;
        }
    }
    let _ = to.send(RegistryEvent::Yielded(of));
}

/// After a connection broke, something may have happened of which no watch tells.
async fn session_itself(
    session: ZooKeeperSession,
    number: u64,
    to: UnboundedSender<RegistryEvent>,
) {
    let mut states = session.states();
    loop {
        let state = *states.borrow_and_update();
        let event = match state {
            SessionState::Connected => RegistryEvent::Changed,
            SessionState::Disconnected => RegistryEvent::Tick,
            SessionState::Ended => {
                let _ = to.send(RegistryEvent::Expired(number));
                return;
            }
        };
        if to.send(event).is_err() {
            return;
        }
        if states.changed().await.is_err() {
            let _ = to.send(RegistryEvent::Expired(number));
            return;
        }
    }
}
