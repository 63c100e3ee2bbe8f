//! As long as the broker runs: what is read becomes so here, the controller does what it has to, and after a session that has ended
//! comes another.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kafkalite_cluster::{ClusterImage, TopicImage};
use kafkalite_coordination::election::{ControllerTerm, ControllerWriteError};
use kafkalite_coordination::registries::paths;
use kafkalite_coordination::session::ZooKeeperSession;
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::Membership;
use super::controlling::{Errand, errands, run};
use super::joining::{Joined, is_same_cluster, registration};
use super::view::View;
use super::watching::Watching;
use crate::config::{Listener, Overrides};
use crate::registry::Registry;

/// The pause before what has failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// News that are taken in together at the most.
const TOGETHER: usize = 10_000;

/// What a broker is and does in its cluster.
struct Life {
    registry: Arc<Registry>,
    membership: Arc<Membership>,
    joined: Joined,
    address: Listener,
    /// Topics that could not be opened here.
    unopened: HashSet<Arc<str>>,
    /// Who is told which topics are gone.
    gone: mpsc::UnboundedSender<HashSet<String>>,
    /// Whether the controller has something left to do.
    unfinished: bool,
}

/// Lives until the broker stops. `gone` is told of topics that are deleted; `address` is where others reach this broker.
pub(crate) async fn live(
    registry: Arc<Registry>,
    joined: Joined,
    address: Listener,
    gone: mpsc::UnboundedSender<HashSet<String>>,
    mut stopping: watch::Receiver<bool>,
) {
    let Some(membership) = registry.membership().cloned() else {
        return;
    };
    let mut life = Life {
        registry,
        membership,
        joined,
        address,
        unopened: HashSet::new(),
        gone,
        unfinished: false,
    };
    let living = async {
        loop {
            life.one_session().await;
            life.membership.set_session(None);
            tracing::warn!(
                "the session with ZooKeeper is over; what is served goes on, and another one is begun"
            );
            life.begin_again().await;
        }
    };
    tokio::select! {
        () = living => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    // So that others know at once; without ZooKeeper they know when the session's time is over.
    if let Ok(session) = life.membership.session() {
        let _ = timeout(PAUSE, session.close()).await;
    }
}

impl Life {
    /// Until the session ends.
    async fn one_session(&mut self) {
        let session = self.joined.session.clone();
        self.joined.watching.stand(self.joined.broker_id);
        loop {
            self.take_in().await;
            let again = self.unfinished || !self.unopened.is_empty();
            tokio::select! {
                () = session.ended() => return,
                Some(news) = self.joined.news.recv() => {
                    self.joined.view.take(news, self.joined.broker_id);
                    for _ in 0..TOGETHER {
                        let Ok(news) = self.joined.news.try_recv() else { break };
                        self.joined.view.take(news, self.joined.broker_id);
                    }
                }
                () = sleep(PAUSE), if again => {}
            }
        }
    }

    /// Has what is known be so.
    async fn take_in(&mut self) {
        let Joined { view, watching, .. } = &mut self.joined;
        watching.follow(view);
        let image = view.image(&self.registry.image());
        let settings = view.new_settings(&self.registry.configs);
        let (registry, again) = (
            Arc::clone(&self.registry),
            std::mem::take(&mut self.unopened),
        );
        // To its end, also if the broker stops meanwhile.
        let followed = spawn_blocking(move || registry.follow(image, &settings, &again)).await;
        let Ok(Some(Followed { gone, unopened })) = followed else {
            return;
        };
        self.unopened = unopened;
        self.membership.tell();
        if !gone.is_empty() {
            let _ = self.gone.send(gone);
        }
        if let Some(term) = self.joined.view.term {
            self.control(&term).await;
        }
    }

    /// Does what the controller has to do. What of it changes is told by the watches.
    async fn control(&mut self, term: &ControllerTerm) {
        self.unfinished = false;
        for mut errand in errands(&self.joined.view, term.epoch()) {
            if let Errand::Name { topic, node, .. } = &mut errand {
                // With another one it would be another topic, and what is in this one would be deleted.
                node.id = self.registry.topic(topic).map(|known| known.id);
            }
            let done = run(
                errand,
                &self.joined.session,
                term,
                &self.registry.world.dice,
            )
            .await;
            match done {
                Ok(()) => {}
                Err(error @ ControllerWriteError::Deposed { .. }) => {
                    tracing::info!("{error}");
                    self.joined.view.term = None;
                    return;
                }
                Err(error) => {
                    tracing::debug!(
                        "something has changed that the controller was about to change: {error}"
                    );
                    self.unfinished = true;
                }
            }
        }
    }

    /// Begins a new session, and registers anew.
    async fn begin_again(&mut self) {
        let mut said = String::new();
        loop {
            match self.try_again().await {
                Ok(session) => {
                    let (watching, news) = Watching::begin(session.clone());
                    self.joined.view = View::default();
                    (self.joined.watching, self.joined.news) = (watching, news);
                    self.joined.session = session.clone();
                    self.membership.set_session(Some(session));
                    tracing::info!("registered in ZooKeeper again");
                    return;
                }
                Err(why) if why != said => {
                    tracing::error!("not registered in ZooKeeper again yet: {why}");
                    said = why;
                }
                Err(_) => {}
            }
            sleep(PAUSE).await;
        }
    }

    async fn try_again(&self) -> Result<ZooKeeperSession, String> {
        let session = self
            .joined
            .ensemble
            .connect()
            .await
            .map_err(|error| error.to_string())?;
        let same = is_same_cluster(&session, &self.joined.cluster_id).await;
        let rack = self.registry.configs.settings().broker_rack.clone();
        let node = registration(&self.address, rack, self.registry.world.now_ms());
        let path = paths::broker(self.joined.broker_id);
        let registered = match same {
            Ok(()) => session
                .register(&path, &node)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match registered {
            Ok(()) => Ok(session),
            Err(why) => {
                session.close().await;
                Err(why)
            }
        }
    }
}

/// What became of an image here.
struct Followed {
    /// Topics that are no longer there.
    gone: HashSet<String>,
    /// Those of which something could not be opened.
    unopened: HashSet<Arc<str>>,
}

impl Registry {
    /// Has what lies here be as an image and settings say, and then everybody see it; also what could not be opened `again`. Blocks.
    fn follow(
        &self,
        image: ClusterImage,
        settings: &[(Arc<str>, Overrides)],
        again: &HashSet<Arc<str>>,
    ) -> Option<Followed> {
        self.in_turn(|| {
            let before = Arc::clone(&self.image());
            let is_gone = |topic: &&Arc<TopicImage>| {
                image
                    .topic(&topic.name)
                    .is_none_or(|now| now.id != topic.id)
            };
            let gone: Vec<_> = before.topics().filter(is_gone).cloned().collect();
            if !gone.is_empty() {
                self.lose(&gone);
            }
            self.set(settings);
            let is_news = |topic: &&Arc<TopicImage>| {
                let known = before.topic(&topic.name);
                again.contains(&topic.name) || known.is_none_or(|known| known != *topic)
            };
            let news: Vec<_> = image.topics().filter(is_news).cloned().collect();
            let mut unopened = HashSet::new();
            for (topic, hosted) in news.iter().zip(self.host(&news)) {
                if let Err(refusal) = hosted {
                    if !again.contains(&topic.name) {
                        tracing::error!(
                            "topic {} is not as it should be here: {refusal}",
                            topic.name
                        );
                    }
                    unopened.insert(Arc::clone(&topic.name));
                }
            }
            self.publish(image);
            let gone = gone.iter().map(|topic| topic.name.to_string()).collect();
            Followed { gone, unopened }
        })
    }

    /// Has topics be set to this, those that lie here and those that will.
    fn set(&self, settings: &[(Arc<str>, Overrides)]) {
        if settings.is_empty() {
            return;
        }
        let own = settings.iter().map(|(name, own)| (&**name, own.clone()));
        if let Err(error) = self.configs.put_topics(own) {
            tracing::error!("what topics are set to in ZooKeeper is not in force here: {error}");
        }
        for (name, _) in settings {
            self.replicas.apply_settings(Some(name));
        }
    }

    /// Takes topics from everybody, and their files out of the way.
    fn lose(&self, topics: &[Arc<TopicImage>]) {
        self.withdraw(topics);
        let files = topics.iter();
        let files = files.map(|topic| (&*topic.name, topic.partitions.len() as i32));
        for (topic, removed) in topics
            .iter()
            .zip(self.replicas.remove_topics(&files.collect::<Vec<_>>()))
        {
            if let Err(error) = removed {
                tracing::warn!(
                    "topic {} is deleted, and its files stay: {error}",
                    topic.name
                );
            }
        }
        let names: Vec<&str> = topics.iter().map(|topic| &*topic.name).collect();
        if let Err(error) = self.configs.forget_topics(&names) {
            tracing::warn!("the settings of deleted topics stay in their file: {error}");
        }
        // Or a later topic of the same name would begin where this one did.
        if let Err(error) = self.replicas.checkpoint() {
            tracing::warn!("the checkpoints still name deleted topics: {error}");
        }
    }
}
