//! The cluster as a client sees it: who leads what, and connections to them.
//!
//! It asks and remembers; it does not decide what to send, nor when to try again.

mod absence;
mod coordinator;
mod creation;
mod group_coordinator;
mod interest;
mod metadata;
mod peer;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kafkalite_link::{Address, Backoff, Connection, Destination, InvalidAddress, LinkError, Pool};
use kafkalite_wire::api::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use kafkalite_wire::{ErrorCode, Request};
use kafkalite_world::Dice;
use parking_lot::{Mutex, RwLock};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::config::{ClientConfig, ConfigError};
use crate::error::{ClientError, Result};
use crate::topic_name::check_topic_name;
use absence::Absences;
pub(crate) use absence::CREATION;
pub(crate) use coordinator::{is_elsewhere, shown};
use creation::Creations;
pub(crate) use group_coordinator::GroupCoordinator;
pub(crate) use interest::Interest;
use interest::Interests;
pub(crate) use metadata::{Metadata, Missing, PartitionMetadata, TopicMetadata};
use peer::Peer;
pub(crate) use peer::Purpose;

/// How long a topic may be unknown before that is believed: one that was just created reaches all brokers later.
const PROPAGATION: Duration = Duration::from_secs(5);

/// Shared by everything that one client does.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) config: ClientConfig,
    dice: Dice,
    bootstrap: Vec<Address>,
    /// Where the next round through `bootstrap` starts.
    rotation: AtomicUsize,
    pool: Pool<(Peer, Purpose)>,
    metadata: RwLock<Arc<Metadata>>,
    /// Topics that a refresh asks for.
    interests: Arc<Interests>,
    /// What is missing among them.
    pub(crate) absences: Absences,
    /// What is created because it is read.
    creations: Creations,
    /// Who has interests here reads.
    reads: bool,
    /// By group.
    coordinators: Mutex<HashMap<Arc<str>, Arc<GroupCoordinator>>>,
    /// One refresh at a time; whoever waited takes its result.
    refreshing: tokio::sync::Mutex<()>,
    /// Nobody answered the last question: told once, not at every attempt.
    unreachable: AtomicBool,
}

impl Cluster {
    pub(crate) fn new(config: ClientConfig, dice: &Dice) -> Result<Self> {
        let bootstrap = config
            .bootstrap_servers
            .iter()
            .map(|text| Address::parse(text).map_err(not_an_address))
            .collect::<Result<Vec<_>, _>>()?;
        if bootstrap.is_empty() {
            return Err(ClientError::Config(ConfigError::Invalid {
                name: "bootstrap.servers",
                value: String::new(),
                expected: "host:port of at least one broker, for example localhost:9092".to_owned(),
            }));
        }
        let (link, dice) = (config.link(), dice.fork());
        Ok(Self {
            rotation: AtomicUsize::new(dice.rng().usize(..bootstrap.len())),
            bootstrap,
            config,
            pool: Pool::new(link, dice.fork()),
            dice,
            metadata: RwLock::new(Arc::new(Metadata::unknown())),
            interests: Arc::default(),
            absences: Absences::default(),
            creations: Creations::default(),
            reads: false,
            coordinators: Mutex::default(),
            refreshing: tokio::sync::Mutex::new(()),
            unreachable: AtomicBool::new(false),
        })
    }

    /// One of somebody who reads: of a topic that is created for that it is spoken.
    pub(crate) fn to_read(config: ClientConfig, dice: &Dice) -> Result<Self> {
        Ok(Self {
            reads: true,
            ..Self::new(config, dice)?
        })
    }

    /// The latest snapshot; nothing is asked.
    pub(crate) fn metadata(&self) -> Arc<Metadata> {
        Arc::clone(&self.metadata.read())
    }

    pub(crate) fn retry_backoff(&self) -> Backoff {
        let (first, longest) = (self.config.retry_backoff, self.config.retry_backoff_max);
        Backoff::new(first, longest, self.dice.rng())
    }

    /// The pauses between attempts to reach one broker.
    pub(crate) fn reconnect_backoff(&self) -> Backoff {
        self.pool.backoff()
    }

    /// A connection to a broker of the latest snapshot.
    pub(crate) async fn connection(&self, broker: i32, lane: Purpose) -> Result<Arc<Connection>> {
        let address = self.address(broker)?;
        let key = (Peer::Broker(broker), lane);
        let connection = self
            .pool
            .connection(key, &address, self.destination(broker));
        Ok(connection.await?)
    }

    /// A connection of its own, not shared and not kept.
    pub(crate) async fn dedicated(&self, broker: i32) -> Result<Connection> {
        let destination = self.destination(broker);
        let address = self.address(broker)?;
        Ok(Connection::open(&address, destination, self.pool.config()).await?)
    }

    /// What a connection to a broker of the cluster says of where it means to be; nothing as long as no cluster is known.
    fn destination(&self, node_id: i32) -> Option<Destination> {
        let cluster_id = self.metadata().cluster_id.as_deref()?.into();
        (self.config.cluster_check && node_id >= 0).then_some(Destination {
            cluster_id,
            node_id,
        })
    }

    fn address(&self, broker: i32) -> Result<Address> {
        self.metadata()
            .brokers
            .get(&broker)
            .cloned()
            .ok_or_else(|| {
                let subject = format!("broker {broker}");
                ClientError::broker(
                    "Metadata",
                    subject,
                    ErrorCode::BrokerNotAvailable,
                    Some("it is not in the cluster".to_owned()),
                )
            })
    }

    /// Asks some broker: an open connection, then known brokers, then the bootstrap servers, until one answers.
    pub(crate) async fn ask_any<R: Request + Clone>(&self, request: &R) -> Result<R::Response> {
        self.ask_any_in_version(|_| request.clone()).await
    }

    /// As [`ask_any`](Self::ask_any), with a request that differs with the version that both sides speak.
    pub(crate) async fn ask_any_in_version<R: Request>(
        &self,
        request: impl Fn(i16) -> R,
    ) -> Result<R::Response> {
        let timeout = self.config.request_timeout;
        if let Some(connection) = self.pool.open(|(_, lane)| *lane == Purpose::Ask)
            && let Ok(response) = connection.call_in_version(&request, timeout).await
        {
            self.reached();
            return Ok(response);
        }
        let mut last = None;
        for (peer, address) in self.candidates() {
            let attempt = async {
                let destination = match peer {
                    Peer::Broker(id) => self.destination(id),
                    Peer::Bootstrap(_) => None,
                };
                let connection = self
                    .pool
                    .connection((peer, Purpose::Ask), &address, destination)
                    .await?;
                connection.call_in_version(&request, timeout).await
            };
            match attempt.await {
                Ok(response) => {
                    self.reached();
                    return Ok(response);
                }
                Err(error @ LinkError::Unsendable { .. }) => return Err(error.into()),
                Err(error) => {
                    tracing::debug!(%address, %error, "broker did not answer");
                    last = Some(error);
                }
            }
        }
        let last: ClientError = last.expect("there is at least one bootstrap server").into();
        if !self.unreachable.swap(true, Ordering::Relaxed) {
            tracing::warn!("no broker of the cluster answers: {last}; still trying");
        }
        Err(last)
    }

    fn reached(&self) {
        if self.unreachable.swap(false, Ordering::Relaxed) {
            tracing::info!("a broker of the cluster answers again");
        }
    }

    fn candidates(&self) -> Vec<(Peer, Address)> {
        let metadata = self.metadata();
        let mut brokers: Vec<_> = metadata
            .brokers
            .iter()
            .map(|(id, address)| (Peer::Broker(*id), address.clone()))
            .collect();
        self.dice.rng().shuffle(&mut brokers);
        let first = self.rotation.fetch_add(1, Ordering::Relaxed);
        for step in 0..self.bootstrap.len() {
            let index = (first.wrapping_add(step)) % self.bootstrap.len();
            brokers.push((Peer::Bootstrap(index), self.bootstrap[index].clone()));
        }
        brokers
    }

    /// Takes a new snapshot, unless somebody has since `seen` was taken. It asks for the topics that somebody has an
    /// [`interest`](Self::interest) in, and creates none but those that somebody just [sent to](Self::may_create).
    pub(crate) async fn refresh(&self, seen: &Arc<Metadata>) -> Result<Arc<Metadata>> {
        let _one = self.refreshing.lock().await;
        let current = self.metadata();
        if !Arc::ptr_eq(&current, seen) {
            return Ok(current);
        }
        let names = self.interests.names();
        let topics = names.iter().map(|name| named(name)).collect();
        let mut fresh = Metadata::of(self.fetch(Some(topics)).await?);
        let missing = names
            .iter()
            .filter(|name| fresh.lacks(name) && self.interests.is_creatable(name));
        let missing: Vec<_> = missing.map(|name| named(name)).collect();
        if !missing.is_empty() {
            let created = self.fetch_or_create(missing.clone()).await?;
            if self.reads && self.config.allow_auto_create_topics {
                self.creations
                    .begun(missing.iter().filter_map(|topic| topic.name.as_deref()));
            }
            fresh.topics.extend(Metadata::of(created).topics);
        }
        self.interests.asked(&names);
        let is_wanted = |name: &str| self.interests.is_held(name);
        self.absences.look(&fresh, is_wanted);
        self.creations.look(&fresh);
        let fresh = Arc::new(fresh);
        tracing::debug!(
            brokers = fresh.brokers.len(),
            topics = fresh.topics.len(),
            "metadata refreshed"
        );
        if current.cluster_id.is_some() && current.cluster_id != fresh.cluster_id {
            let (was, is) = (&current.cluster_id, &fresh.cluster_id);
            tracing::warn!(?was, ?is, "another cluster answers at the same addresses");
        }
        *self.metadata.write() = Arc::clone(&fresh);
        if fresh.is_known() {
            self.pool
                .retain(|(peer, _)| matches!(peer, Peer::Broker(_)));
        }
        Ok(fresh)
    }

    /// A refresh that is due by age (`metadata.max.age.ms`), or because nothing is known.
    pub(crate) async fn current(&self) -> Result<Arc<Metadata>> {
        let metadata = self.metadata();
        if metadata.is_known() && metadata.taken.elapsed() < self.config.metadata_max_age {
            return Ok(metadata);
        }
        self.refresh(&metadata).await
    }

    /// The cluster's answer about these topics, `None` for all; none is created. The snapshot stays as it is.
    pub(crate) async fn fetch(
        &self,
        topics: Option<Vec<MetadataRequestTopic>>,
    ) -> Result<MetadataResponse> {
        let request = MetadataRequest {
            topics,
            allow_auto_topic_creation: false,
            ..MetadataRequest::default()
        };
        self.ask_any(&request).await
    }

    /// As [`fetch`](Self::fetch), of topics that somebody sends to or names to read them: the cluster creates what is missing,
    /// if it and `allow.auto.create.topics` allow it. A question that is repeated must not, or a topic that is deleted comes
    /// back.
    async fn fetch_or_create(&self, topics: Vec<MetadataRequestTopic>) -> Result<MetadataResponse> {
        let request = MetadataRequest {
            topics: Some(topics),
            allow_auto_topic_creation: self.config.allow_auto_create_topics,
            ..MetadataRequest::default()
        };
        self.ask_any(&request).await
    }

    /// Has refreshes ask for this topic while what is returned lives.
    pub(crate) fn interest(&self, name: &Arc<str>) -> Interest {
        Interest::new(name, &self.interests)
    }

    /// Somebody sends to this topic, or names it to read it, and has an [`interest`](Self::interest) in it: if it is missing,
    /// the next refresh has it created.
    pub(crate) fn may_create(&self, name: &Arc<str>) {
        self.interests.may_create(name);
    }

    /// Does `work` again, with pauses and refreshes, while its errors may pass; `limit` bounds it all.
    pub(crate) async fn retrying<T, F: Future<Output = Result<T>>>(
        &self,
        what: &str,
        limit: Duration,
        mut work: impl FnMut() -> F,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        let mut backoff = self.retry_backoff();
        let mut cause = None;
        let attempts = async {
            loop {
                match work().await {
                    Err(error) if error.retriable() || error.stale_metadata() => {
                        if error.stale_metadata() {
                            let _ = self.refresh(&self.metadata()).await;
                        }
                        cause = Some(Arc::new(error));
                        sleep(backoff.failed()).await;
                    }
                    settled => return settled,
                }
            }
        };
        match timeout_at(deadline, attempts).await {
            Ok(settled) => settled,
            Err(_) => Err(ClientError::TimedOut {
                what: match &cause {
                    Some(_) => what.into(),
                    None => self.asked(what),
                },
                setting: "timeout",
                limit,
                cause,
            }),
        }
    }

    /// What was asked, and of whom: for a wait that no other error names an address of, because nothing answers at all.
    fn asked(&self, what: &str) -> Arc<str> {
        let addresses: Vec<_> = self.bootstrap.iter().map(ToString::to_string).collect();
        format!("{what} at {}", addresses.join(", ")).into()
    }

    /// The topic, once it has partitions; `limit` and the setting behind it bound the wait. One that is missing is created, if
    /// `create` and `allow.auto.create.topics` allow it. A name that none can have is refused at once. Whoever goes on to have to
    /// do with the topic needs an [`interest`](Self::interest) of their own.
    pub(crate) async fn topic(
        &self,
        name: &str,
        create: bool,
        limit: Duration,
        setting: &'static str,
    ) -> Result<Arc<TopicMetadata>> {
        check_topic_name(name)?;
        let started = Instant::now();
        let deadline = started + limit;
        let mut backoff = self.retry_backoff();
        let interest = self.interest(&name.into());
        let allow = || {
            if create {
                self.may_create(interest.name());
            }
        };
        allow();
        let mut metadata = self.metadata();
        // The last error met. That the time is up is none: it says less than what was met before.
        let mut cause = None;
        if !metadata.is_known() || metadata.lacks(name) {
            match timeout_at(deadline, self.refresh(&metadata)).await {
                Ok(Ok(fresh)) => metadata = fresh,
                Ok(Err(error)) => cause = Some(error),
                Err(_) => {}
            }
        }
        loop {
            let error = match metadata.topics.get(name) {
                Some(topic) if topic.error == ErrorCode::None && !topic.partitions.is_empty() => {
                    return Ok(Arc::clone(topic));
                }
                Some(topic) => Some(ClientError::broker("Metadata", name, topic.error, None)),
                None => None,
            };
            if let Some(ClientError::Broker { code, .. }) = &error
                && (!code.is_retriable()
                    || (*code == ErrorCode::UnknownTopicOrPartition
                        && started.elapsed() > PROPAGATION))
            {
                return Err(error.expect("matched just now"));
            }
            allow();
            match timeout_at(deadline, self.refresh(&metadata)).await {
                Ok(Ok(fresh)) => {
                    metadata = fresh;
                    cause = error;
                }
                Ok(Err(error)) => cause = Some(error),
                Err(_) => {
                    cause = cause.or(error).or_else(|| {
                        Some(ClientError::TimedOut {
                            what: self.asked("reaching a broker"),
                            setting,
                            limit,
                            cause: None,
                        })
                    });
                }
            }
            let pause = if cause.is_none() && metadata.topics.contains_key(name) {
                Duration::ZERO
            } else {
                backoff.failed()
            };
            if Instant::now() >= deadline {
                let what = format!("finding the partitions of topic {name}").into();
                return Err(ClientError::TimedOut {
                    what,
                    setting,
                    limit,
                    cause: cause.map(Arc::new),
                });
            }
            // Not beyond the limit, nor is what is left of it given up for a pause that is longer.
            sleep_until(deadline.min(Instant::now() + pause)).await;
        }
    }

    /// Closes every connection that is kept.
    pub(crate) fn close(&self) {
        self.pool.clear();
    }
}

/// The error for what stands in `bootstrap.servers` and is no address.
fn not_an_address(error: InvalidAddress) -> ConfigError {
    ConfigError::Invalid {
        name: "bootstrap.servers",
        value: error.value,
        expected: error.expected.to_owned(),
    }
}

/// A topic in a metadata request, by name.
pub(crate) fn named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic {
        name: Some(name.to_owned()),
        ..MetadataRequestTopic::default()
    }
}
