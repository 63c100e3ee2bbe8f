//! Topics are created, grown and deleted by the broker that is asked: it writes what is wanted, the controller makes it so, and
//! the answer comes when it is so here.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafkalite_cluster::creation::{Creator, exists, plan};
use kafkalite_cluster::{ClusterImage, Placed, TopicImage, growth, unknown_topic};
use kafkalite_coordination::registries::{
    Garbage, SettingsOf, SettingsZnode, TopicReplicas, TopicZnode, Znode, paths,
};
use kafkalite_coordination::session::{MultiWrite, StoredNode, ZooKeeperError, ZooKeeperSession};
use kafkalite_wire::ErrorCode;
use uuid::Uuid;

use super::Membership;
use super::membership::unwritten;
use crate::config::Overrides;
use crate::refusal::Refusal;
use crate::registry::turns::Changed;
use crate::registry::{NewTopic, Registry};

impl Registry {
    /// Creates topics in the cluster. An outcome for each, in order.
    pub(in crate::registry) async fn create_shared(
        &self,
        membership: &Membership,
        creator: Creator,
        new: Vec<NewTopic>,
    ) -> Vec<Changed<Arc<TopicImage>>> {
        // Gets topic after topic, so that those of one request are held against each other.
        let mut image = ClusterImage::clone(&self.image());
        let mut written = Vec::with_capacity(new.len());
        for new in new {
            let id = self.world.dice.id();
            let begun = self.begin(membership, &mut image, creator, id, &new).await;
            written.push((new.name, id, begun));
        }
        let mut outcomes = Vec::with_capacity(written.len());
        for (name, id, begun) in written {
            outcomes.push(match begun {
                Ok(partitions) => self.await_topic(membership, &name, id, partitions).await,
                Err(refusal) => Err(refusal),
            });
        }
        outcomes
    }

    /// Writes a topic down; answers how many partitions it is to have.
    async fn begin(
        &self,
        membership: &Membership,
        image: &mut ClusterImage,
        creator: Creator,
        id: Uuid,
        new: &NewTopic,
    ) -> Changed<usize> {
        let placed = plan(image, &new.name, &new.wish, creator)?;
        check_factor(&new.name, &placed)?;
        self.replicas.room().take(placed.count_on(self.node_id))?;
        let topic = kafkalite_cluster::creation::new_topic(&new.name, id, &placed);
        let session = membership.session()?;
        let node = TopicZnode {
            id: Some(id),
            partitions: replicas(0, &placed),
        };
        let settings = settings_write(&session, &new.name, &new.overrides).await?;
        // The topic first: if there is one, that is what is said.
        let write = MultiWrite::new().create(paths::topic(&new.name), node.write());
        match session.commit(&write.then(settings)).await {
            Ok(()) => {}
            // Perhaps it was written before the connection broke: the id tells.
            Err(ZooKeeperError::Interrupted { .. }) => {
                let found = read_topic(&session, &new.name).await?;
                if found.is_none_or(|(found, _)| found.id != Some(id)) {
                    let message = format!(
                        "the connection to ZooKeeper broke before topic '{}' was written; try again",
                        new.name
                    );
                    return Err(Refusal::new(ErrorCode::BrokerNotAvailable, message));
                }
            }
            Err(ZooKeeperError::NodeExists { path }) if path == paths::topic(&new.name) => {
                // Another broker was asked for it a moment ago. Who only wants it to be there finds it in the image then.
                let what = format!("topic '{}'", new.name);
                let _ = membership
                    .until(&what, || self.topic(&new.name).is_some())
                    .await;
                return Err(exists(&new.name).into());
            }
            // Settings that an earlier topic of the name has left, or that somebody is about to take away.
            Err(
                ZooKeeperError::NodeExists { .. }
                | ZooKeeperError::BadVersion { .. }
                | ZooKeeperError::NoNode { .. },
            ) => return Err(meanwhile(&new.name)),
            Err(error) => return Err(unwritten(&error)),
        }
        let count = topic.partitions.len();
        image.insert(Arc::new(topic));
        Ok(count)
    }

    /// Waits until a topic has as many partitions with leaders.
    async fn await_topic(
        &self,
        membership: &Membership,
        name: &str,
        id: Uuid,
        partitions: usize,
    ) -> Changed<Arc<TopicImage>> {
        let found = || {
            self.topic_by_id(id)
                .filter(|topic| topic.partitions.len() >= partitions)
        };
        let what = format!("topic '{name}'");
        membership.until(&what, || found().is_some()).await?;
        found().ok_or_else(|| unknown_topic(name).into())
    }

    /// Gives a topic more partitions.
    pub(in crate::registry) async fn grow_shared(
        &self,
        membership: &Membership,
        name: &str,
        count: i32,
        assignments: Option<&[Vec<i32>]>,
    ) -> Changed<()> {
        let growth = growth::plan(&self.image(), name, count, assignments)?;
        check_factor(name, &growth.added)?;
        self.replicas
            .room()
            .take(growth.added.count_on(self.node_id))?;
        let session = membership.session()?;
        let Some((mut node, version)) = read_topic(&session, name).await? else {
            return Err(unknown_topic(name).into());
        };
        let now = growth.topic.partitions.len() as i32;
        if node.id != Some(growth.topic.id) || node.partitions.len() != now as usize {
            return Err(meanwhile(name));
        }
        node.partitions.extend(replicas(now, &growth.added));
        match session
            .set(&paths::topic(name), &node.write(), version)
            .await
        {
            Ok(_) => {}
            Err(ZooKeeperError::BadVersion { .. }) => return Err(meanwhile(name)),
            Err(error) => return Err(unwritten(&error)),
        }
        let grown = self.await_topic(membership, name, growth.topic.id, count as usize);
        grown.await.map(drop)
    }

    /// Deletes topics by name.
    pub(in crate::registry) async fn delete_shared(
        &self,
        membership: &Membership,
        names: Vec<String>,
    ) -> Vec<Changed<()>> {
        let mut marked = Vec::with_capacity(names.len());
        for name in names {
            marked.push(self.mark(membership, name).await);
        }
        let mut outcomes = Vec::with_capacity(marked.len());
        for topic in marked {
            outcomes.push(match topic {
                Ok(topic) => {
                    let what = format!("the deletion of topic '{}'", topic.name);
                    let is_gone = || self.topic_by_id(topic.id).is_none();
                    membership.until(&what, is_gone).await
                }
                Err(refusal) => Err(refusal),
            });
        }
        outcomes
    }

    /// Writes down that a topic is to be deleted.
    async fn mark(&self, membership: &Membership, name: String) -> Changed<Arc<TopicImage>> {
        let topic = self.topic(&name).ok_or_else(|| unknown_topic(&name))?;
        let session = membership.session()?;
        match session.create(&paths::topic_deletion(&name), b"").await {
            // Somebody else wants it, too.
            Ok(()) | Err(ZooKeeperError::NodeExists { .. }) => Ok(topic),
            Err(error) => Err(unwritten(&error)),
        }
    }
}

/// Refuses what nobody would copy.
pub(in crate::registry) fn check_factor(name: &str, placed: &Placed) -> Changed<()> {
    match placed.replicas().map(|replicas| replicas.len()).max() {
        Some(most) if most > 1 => Err(Refusal::new(
            ErrorCode::InvalidReplicationFactor,
            format!(
                "topic '{name}' cannot have {most} replicas: brokers do not copy from each other yet, so it is 1"
            ),
        )),
        _ => Ok(()),
    }
}

fn replicas(first: i32, placed: &Placed) -> BTreeMap<i32, TopicReplicas> {
    let replicas = placed.replicas().map(|replicas| TopicReplicas {
        replicas: replicas.to_vec(),
        ..TopicReplicas::default()
    });
    (first..).zip(replicas).collect()
}

/// Has a topic have these settings, whatever an earlier one of its name has left.
async fn settings_write(
    session: &ZooKeeperSession,
    name: &str,
    overrides: &Overrides,
) -> Changed<MultiWrite> {
    let path = SettingsOf::Topic(name.to_owned()).path();
    let found = session
        .get(&path)
        .await
        .map_err(|error| unwritten(&error))?;
    let node = SettingsZnode {
        settings: overrides.clone(),
    };
    Ok(match found {
        Some(found) => MultiWrite::new().set(path, node.write(), found.version),
        None => MultiWrite::new().create(path, node.write()),
    })
}

async fn read_topic(session: &ZooKeeperSession, name: &str) -> Changed<Option<(TopicZnode, i32)>> {
    let found = session.get(&paths::topic(name)).await;
    let found = found.map_err(|error| unwritten(&error))?;
    let read = |node: StoredNode| Ok((node.value()?, node.version));
    let read: Result<_, Garbage> = found.map(read).transpose();
    read.map_err(|garbage| unwritten(&garbage.into()))
}

fn meanwhile(name: &str) -> Refusal {
    let message =
        format!("somebody else has changed topic '{name}' meanwhile; look at it, and try again");
    Refusal::new(ErrorCode::InvalidRequest, message)
}
