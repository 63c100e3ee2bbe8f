//! What lies here at the start: of what the registries say, the part that is this broker's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use kafkalite_cluster::ClusterImage;
use kafkalite_log::datadir::{DataDir, PartitionDir};
use kafkalite_world::World;

use super::Membership;
use super::joining::Joined;
use crate::config::Configs;
use crate::error::BrokerError;
use crate::registry::hosting::lying;
use crate::registry::local::catalog::{self, Catalog};
use crate::registry::turns::Turns;
use crate::registry::{Keeper, Registry};
use crate::replicas::{Replicas, discard};

impl Registry {
    /// Opens the data directory of a broker that has joined a cluster. Blocks; call it on a thread of a runtime.
    pub(crate) fn open_joined(
        data_dir: DataDir,
        configs: Arc<Configs>,
        world: World,
        joined: &Joined,
    ) -> Result<(Arc<Self>, Arc<Replicas>), BrokerError> {
        let listing = data_dir.list()?;
        discard(listing.retired, &world.disk);
        if !Catalog::read(data_dir.path(), &*world.disk)?
            .topics
            .is_empty()
        {
            return Err(BrokerError::Cluster {
                reason: format!(
                    "{} has the topics of a broker that was alone, of which ZooKeeper knows nothing: start this one on another \
                     directory, and copy what is to be kept over the network (topics are listed in {} there)",
                    data_dir.path().display(),
                    catalog::FILE_NAME
                ),
            });
        }
        let image = joined.view.image(&ClusterImage::default());
        let settings = joined.view.new_settings(&configs);
        configs.put_topics(settings.iter().map(|(name, own)| (&**name, own.clone())))?;
        let lying: Vec<_> = image
            .topics()
            .map(|topic| lying(topic, joined.broker_id))
            .filter(|topic| !topic.partitions.is_empty())
            .collect();
        let mut wanted = BTreeSet::new();
        for topic in &lying {
            wanted.extend(
                topic
                    .partitions
                    .iter()
                    .map(|(number, _)| (&*topic.name, *number)),
            );
        }
        let is_wanted =
            |one: &PartitionDir| wanted.contains(&(one.partition.topic(), one.partition.number()));
        let mut all_wanted = true;
        for found in &listing.partitions {
            let known = image.topic(found.partition.topic());
            let same = known.is_some_and(|known| found.topic_id.is_none_or(|id| id == known.id));
            if !(same && is_wanted(found)) {
                all_wanted = false;
                tracing::warn!(
                    "{} lies here, and ZooKeeper says nothing of it: its topic was deleted while this broker was away, or it \
                     is another cluster's. It is left alone",
                    found.path.display()
                );
            }
            if known.is_some() && !same && is_wanted(found) {
                // Its place is another topic's. Whoever misses it finds it.
                let aside = data_dir.set_aside(&found.partition)?;
                tracing::warn!("{} is now called {}", found.path.display(), aside.display());
            }
        }
        let compacted = data_dir.compacted().read().unwrap_or_else(|error| {
            tracing::warn!("how far logs are compacted is not known: {error}");
            BTreeMap::new()
        });
        let opened = Replicas::open(
            data_dir,
            Arc::clone(&configs),
            &lying,
            &compacted,
            all_wanted,
            world.clone(),
        );
        let replicas = opened?;
        let registry = Self {
            node_id: joined.broker_id,
            configs,
            replicas: Arc::clone(&replicas),
            image: ArcSwap::from_pointee(image),
            keeper: Keeper::ZooKeeper(
                Turns::new(()),
                Arc::new(Membership::new(joined.session.clone())),
            ),
            world,
        };
        Ok((Arc::new(registry), replicas))
    }
}
