//! Changes that handlers ask for, made by whoever keeps the image.

use std::sync::Arc;

use kafkalite_cluster::creation::{Creator, plan};
use kafkalite_cluster::growth::{self, Growth};
use kafkalite_cluster::{Placed, TopicImage};

use super::turns::Changed;
use super::{Keeper, NewTopic, Registry};

impl Registry {
    /// Where would this topic lie? The answer may be another one by the time it is created.
    pub(crate) fn check(&self, new: &NewTopic) -> Changed<Placed> {
        let placed = plan(&self.image(), &new.name, &new.wish, Creator::Client)?;
        self.check_factor(&new.name, &placed)?;
        self.replicas.room().take(placed.count_on(self.node_id))?;
        Ok(placed)
    }

    /// Creates topics; each is whole and usable when this returns, or not there. An outcome a topic, in order.
    pub(crate) async fn create(
        self: &Arc<Self>,
        new: Vec<NewTopic>,
    ) -> Vec<Changed<Arc<TopicImage>>> {
        self.create_as(Creator::Client, new).await
    }

    /// Creates a topic that the broker keeps for itself.
    pub(crate) async fn create_own(self: &Arc<Self>, new: NewTopic) -> Changed<Arc<TopicImage>> {
        let mut outcomes = self.create_as(Creator::Broker, vec![new]).await;
        outcomes.pop().expect("one outcome for one topic")
    }

    async fn create_as(
        self: &Arc<Self>,
        creator: Creator,
        new: Vec<NewTopic>,
    ) -> Vec<Changed<Arc<TopicImage>>> {
        match &self.keeper {
            Keeper::Local(turns) => self.create_local(turns, creator, new).await,
            #[cfg(feature = "zookeeper")]
            Keeper::ZooKeeper(_, membership) => self.create_shared(membership, creator, new).await,
        }
    }

    /// Would [`Self::grow`] do it?
    pub(crate) fn check_growth(
        &self,
        name: &str,
        count: i32,
        assignments: Option<&[Vec<i32>]>,
    ) -> Changed<Growth> {
        let growth = growth::plan(&self.image(), name, count, assignments)?;
        self.check_factor(name, &growth.added)?;
        let here = growth.added.count_on(self.node_id);
        self.replicas.room().take(here)?;
        Ok(growth)
    }

    /// Gives a topic `count` partitions in all; on the brokers of `assignments`, one for each that is added, or wherever there is
    /// room.
    pub(crate) async fn grow(
        self: &Arc<Self>,
        name: String,
        count: i32,
        assignments: Option<Vec<Vec<i32>>>,
    ) -> Changed<()> {
        match &self.keeper {
            Keeper::Local(turns) => self.grow_local(turns, name, count, assignments).await,
            #[cfg(feature = "zookeeper")]
            Keeper::ZooKeeper(_, membership) => {
                let assignments = assignments.as_deref();
                self.grow_shared(membership, &name, count, assignments)
                    .await
            }
        }
    }

    /// Refuses more replicas than there can be.
    // Without ZooKeeper there is but one broker, and nothing to refuse.
    #[cfg_attr(
        not(feature = "zookeeper"),
        allow(unused_variables, clippy::unnecessary_wraps)
    )]
    fn check_factor(&self, name: &str, placed: &Placed) -> Changed<()> {
        match &self.keeper {
            #[cfg(feature = "zookeeper")]
            Keeper::ZooKeeper(..) => super::zookeeper::check_factor(name, placed),
            Keeper::Local(_) => Ok(()),
        }
    }

    /// Deletes topics by name: they are gone when this returns, their files some time later.
    pub(crate) async fn delete(self: &Arc<Self>, names: Vec<String>) -> Vec<Changed<()>> {
        match &self.keeper {
            Keeper::Local(turns) => self.delete_local(turns, names).await,
            #[cfg(feature = "zookeeper")]
            Keeper::ZooKeeper(_, membership) => self.delete_shared(membership, names).await,
        }
    }
}

#[cfg(feature = "zookeeper")]
impl Registry {
    /// Takes so many producer ids that nobody else in the cluster has, none of them below `unused_from`.
    pub(crate) async fn take_producer_ids(
        &self,
        count: i64,
        unused_from: i64,
    ) -> Changed<std::ops::Range<i64>> {
        match &self.keeper {
            // Nobody shares them.
            Keeper::Local(_) => Ok(unused_from..unused_from.saturating_add(count)),
            Keeper::ZooKeeper(_, membership) => {
                membership
                    .take_producer_ids(self.node_id, count, unused_from)
                    .await
            }
        }
    }

    /// Replaces what is set on a topic by what `edit` makes of it, if that is kept for all brokers of a cluster; else gives it back.
    pub(crate) async fn alter_topic<E>(&self, name: &str, edit: E) -> Result<Changed<()>, E>
    where
        E: FnOnce(crate::config::Overrides) -> Changed<crate::config::Overrides> + Send,
    {
        match &self.keeper {
            Keeper::Local(_) => Err(edit),
            Keeper::ZooKeeper(_, membership) => Ok(self.alter_shared(membership, name, edit).await),
        }
    }

    /// This broker's place in its cluster, if it is one of several.
    pub(crate) fn membership(&self) -> Option<&Arc<super::zookeeper::Membership>> {
        match &self.keeper {
            Keeper::Local(_) => None,
            Keeper::ZooKeeper(_, membership) => Some(membership),
        }
    }
}
