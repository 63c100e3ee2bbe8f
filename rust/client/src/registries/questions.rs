//! What the membership wants to know from ZooKeeper, and to have written there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafkalite_coordination::assignment::{OwnershipStrategy, Topics};
use kafkalite_coordination::registries::{
    BrokerZnode, ConsumerId, ConsumerSubscription, ConsumerZnode, GroupPaths, OffsetZnode,
    OwnerZnode, ThreadId, TopicZnode, Znode, paths,
};
use kafkalite_coordination::session::{MultiWrite, ZooKeeperError, ZooKeeperSession};
use kafkalite_names::{TopicPartition, check_topic_name};

use super::membership::{ClaimAnswer, CommitAnswer, StoredOffset, Verdict};
use super::share::{Registries, Share, Threads};

/// How often a claim is made again whose outcome is not known.
const UNCLEAR: usize = 3;

/// One consumer in one session.
#[derive(Debug, Clone)]
pub(super) struct Questions {
    pub(super) session: ZooKeeperSession,
    pub(super) paths: Arc<GroupPaths>,
    pub(super) id: ConsumerId,
    pub(super) strategy: OwnershipStrategy,
    pub(super) excludes_internal: bool,
}

/// A share, and the topics that somebody of the group reads, whether they are there or not.
pub(super) struct Looked {
    pub(super) share: Share,
    pub(super) topics: BTreeSet<Arc<str>>,
}

/// Where the brokers are that have registered.
pub(super) async fn brokers(session: &ZooKeeperSession) -> Result<Vec<String>, ZooKeeperError> {
    let ids = session
        .children(paths::BROKER_IDS)
        .await?
        .unwrap_or_default();
    let nodes: Vec<_> = ids
        .iter()
        .map(|id| format!("{}/{id}", paths::BROKER_IDS))
        .collect();
    let mut addresses = Vec::new();
    for node in session.get_all(&nodes).await?.into_iter().flatten() {
        match node.value::<BrokerZnode>() {
            Ok(broker) => {
                let plain = broker
                    .endpoints
                    .iter()
                    .filter(|it| it.protocol == "PLAINTEXT");
                addresses.extend(plain.map(|it| {
                    if it.host.contains(':') {
                        format!("[{}]:{}", it.host, it.port)
                    } else {
                        format!("{}:{}", it.host, it.port)
                    }
                }));
            }
            Err(garbage) => tracing::warn!("{garbage}"),
        }
    }
    Ok(addresses)
}

impl Questions {
    pub(super) async fn register(
        &self,
        subscription: ConsumerSubscription,
        timestamp: i64,
    ) -> Result<(), ZooKeeperError> {
        let value = ConsumerZnode {
            subscription,
            timestamp,
        };
        let path = self.paths.id(&self.id);
        self.session.register(&path, &value.write()).await
    }

    pub(super) async fn look(&self) -> Result<Looked, ZooKeeperError> {
        let mut garbage = Vec::new();
        let members = self.members(&mut garbage).await?;
        let mut topics = self.wanted(&members).await?;
        let nodes: Vec<_> = topics.iter().map(|topic| paths::topic(topic)).collect();
        let mut found = Topics::new();
        for (topic, node) in topics.iter().zip(self.session.get_all(&nodes).await?) {
            match node.map(|node| node.value::<TopicZnode>()) {
                Some(Ok(value)) => {
                    found.insert(Arc::clone(topic), value.partitions.into_keys().collect());
                }
                Some(Err(wrong)) => garbage.push(wrong.to_string()),
                None => {}
            }
        }
        topics.extend(found.keys().cloned());
        let registries = Registries {
            members,
            topics: found,
            garbage,
        };
        let share = registries.share_of(&self.id, self.strategy, self.excludes_internal);
        Ok(Looked { share, topics })
    }

    async fn members(
        &self,
        garbage: &mut Vec<String>,
    ) -> Result<BTreeMap<ConsumerId, ConsumerSubscription>, ZooKeeperError> {
        let names = self.session.children(&self.paths.ids()).await?;
        let mut ids = Vec::new();
        for name in names.unwrap_or_default() {
            match ConsumerId::new(&name) {
                Ok(id) => ids.push(id),
                Err(wrong) => garbage.push(wrong.to_string()),
            }
        }
        let nodes: Vec<_> = ids.iter().map(|id| self.paths.id(id)).collect();
        let mut members = BTreeMap::new();
        for (id, node) in ids.into_iter().zip(self.session.get_all(&nodes).await?) {
            // One that is not there has left meanwhile.
            match node.map(|node| node.value::<ConsumerZnode>()) {
                Some(Ok(value)) => drop(members.insert(id, value.subscription)),
                Some(Err(wrong)) => garbage.push(wrong.to_string()),
                None => {}
            }
        }
        Ok(members)
    }

    /// Topics that somebody subscribes to; all that there are, if somebody does by a pattern.
    async fn wanted(
        &self,
        members: &BTreeMap<ConsumerId, ConsumerSubscription>,
    ) -> Result<BTreeSet<Arc<str>>, ZooKeeperError> {
        let mut topics: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut by_pattern = false;
        for subscription in members.values() {
            match subscription {
                ConsumerSubscription::Topics(named) => {
                    let legal = named.keys().filter(|name| check_topic_name(name).is_ok());
                    topics.extend(legal.map(|name| Arc::from(&**name)));
                }
                _ => by_pattern = true,
            }
        }
        if by_pattern {
            let all = self.session.children(paths::TOPICS).await?;
            topics.extend(all.unwrap_or_default().into_iter().map(Arc::from));
        }
        Ok(topics)
    }

    /// Claims one after the other, as the old consumer does.
    pub(super) async fn claim(&self, threads: Threads) -> Vec<(TopicPartition, ClaimAnswer)> {
        let mut answers = Vec::with_capacity(threads.len());
        for (of, thread) in threads {
            let answer = match self.claim_one(&of, thread).await {
                Ok(answer) => answer,
                Err(error) => ClaimAnswer::Failed(error.to_string()),
            };
            answers.push((of, answer));
        }
        answers
    }

    async fn claim_one(
        &self,
        of: &TopicPartition,
        thread: ThreadId,
    ) -> Result<ClaimAnswer, ZooKeeperError> {
        let path = self.paths.owner(&of.topic, of.partition);
        let value = OwnerZnode(thread);
        let claim = MultiWrite::new().register(&path, value.write());
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.session.commit(&claim).await {
                Ok(()) => return Ok(ClaimAnswer::Owned),
                Err(ZooKeeperError::NoNode { .. }) if tries < UNCLEAR => {
                    self.session
                        .ensure(&self.paths.owners_of(&of.topic))
                        .await?;
                    continue;
                }
                Err(
                    error
                    @ (ZooKeeperError::NodeExists { .. } | ZooKeeperError::Interrupted { .. }),
                ) => error,
                Err(error) => return Err(error),
            };
            let Some(node) = self.session.get(&path).await? else {
                if tries < UNCLEAR {
                    continue;
                }
                return Err(error);
            };
            let found = node.value::<OwnerZnode>();
            return Ok(match (node.owner, found) {
                // Made before the connection broke, or by an earlier claim.
                (Some(owner), Ok(found)) if owner == self.session.id() && found == value => {
                    ClaimAnswer::Owned
                }
                (Some(owner), _) if self.session.is_earlier(owner) => ClaimAnswer::Earlier,
                (Some(_), Ok(_)) => ClaimAnswer::Contested,
                (None, Ok(OwnerZnode(thread))) => ClaimAnswer::Stuck(format!(
                    "ZooKeeper's node {path} says that {thread} owns it, and is not bound to any session, so it stays until \
                     somebody deletes it"
                )),
                (_, Err(garbage)) => ClaimAnswer::Stuck(garbage.to_string()),
            });
        }
    }

    pub(super) async fn read_offsets(
        &self,
        partitions: BTreeSet<TopicPartition>,
    ) -> Vec<(TopicPartition, Result<Option<StoredOffset>, String>)> {
        let path = |of: &TopicPartition| self.paths.offset(&of.topic, of.partition);
        let nodes: Vec<_> = partitions.iter().map(path).collect();
        match self.session.get_all(&nodes).await {
            Ok(found) => {
                let read = found.into_iter().map(|node| match node {
                    None => Ok(None),
                    Some(node) => match node.value::<OffsetZnode>() {
                        Ok(OffsetZnode(offset)) => Ok(Some(StoredOffset {
                            offset,
                            version: node.version,
                        })),
                        Err(garbage) => Err(garbage.to_string()),
                    },
                });
                partitions.into_iter().zip(read).collect()
            }
            Err(error) => {
                let failed = |of| (of, Err(error.to_string()));
                partitions.into_iter().map(failed).collect()
            }
        }
    }

    pub(super) async fn commit(
        &self,
        of: &TopicPartition,
        offset: i64,
        version: Option<i32>,
    ) -> CommitAnswer {
        let path = self.paths.offset(&of.topic, of.partition);
        let data = OffsetZnode(offset).write();
        let written = match version {
            Some(version) => self.session.set(&path, &data, version).await,
            None => self.session.create(&path, &data).await.map(|()| 0),
        };
        match written {
            Ok(version) => CommitAnswer::Written(version),
            Err(
                ZooKeeperError::BadVersion { .. }
                | ZooKeeperError::NodeExists { .. }
                | ZooKeeperError::NoNode { .. },
            ) => CommitAnswer::Moved,
            Err(error) => CommitAnswer::Failed(error.to_string()),
        }
    }

    pub(super) async fn verify(
        &self,
        of: &TopicPartition,
        thread: ThreadId,
    ) -> Result<Verdict, ZooKeeperError> {
        if self.own_node(of, thread).await?.is_none() {
            return Ok(Verdict::Gone);
        }
        let path = self.paths.offset(&of.topic, of.partition);
        let node = self.session.get(&path).await?;
        Ok(Verdict::Ours(node.map(|node| StoredOffset {
            offset: node.value().map_or(-1, |OffsetZnode(offset)| offset),
            version: node.version,
        })))
    }

    /// The version of an owner's node that is this session's.
    async fn own_node(
        &self,
        of: &TopicPartition,
        thread: ThreadId,
    ) -> Result<Option<i32>, ZooKeeperError> {
        let path = self.paths.owner(&of.topic, of.partition);
        let node = self.session.get(&path).await?;
        let is_own = |node: &kafkalite_coordination::session::StoredNode| {
            node.owner == Some(self.session.id()) && node.value() == Ok(OwnerZnode(thread))
        };
        Ok(node.filter(is_own).map(|node| node.version))
    }

    pub(super) async fn disown(&self, threads: Threads) -> Result<(), ZooKeeperError> {
        for (of, thread) in threads {
            if let Some(version) = self.own_node(&of, thread).await? {
                let path = self.paths.owner(&of.topic, of.partition);
                match self.session.delete(&path, Some(version)).await {
                    Ok(()) | Err(ZooKeeperError::NoNode { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}
