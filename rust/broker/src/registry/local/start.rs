//! What is there at the start: the catalog, and the partitions' directories.
//!
//! A directory that the catalog does not know was written by Apache Kafka, or copied in; its topic is taken over with the
//! id in its `partition.metadata`.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use kafkalite_cluster::{MAX_PARTITIONS, names};
use kafkalite_log::LogError;
use kafkalite_log::PartitionName;
use kafkalite_log::datadir::{DataDir, PartitionDir};
use kafkalite_names::counted;
use kafkalite_world::{Dice, World};
use uuid::Uuid;

use super::alone;
use super::catalog::{Catalog, CatalogEntry};
use crate::config::Configs;
use crate::registry::{Keeper, Registry, turns::Turns};
use crate::replicas::{Duty, Lying, Replicas, discard, remove_partitions};

impl Registry {
    /// Opens a data directory: what there is, and what lies here of it. Blocks; call it on a thread of a runtime.
    pub(crate) fn open(
        data_dir: DataDir,
        configs: Arc<Configs>,
        world: World,
    ) -> Result<(Arc<Self>, Arc<Replicas>), LogError> {
        let listing = data_dir.list()?;
        discard(listing.retired, &world.disk);
        let mut catalog = Catalog::read(data_dir.path(), &*world.disk)?;
        let written = catalog.clone();
        adopt(&listing.partitions, &mut catalog, &world.dice);
        finish_deletions(&data_dir, &mut catalog)?;
        let changed = catalog != written;
        if changed {
            catalog.write(&*world.disk)?;
        }

        // Not worth a start that fails: without it compaction begins anew.
        let compacted = data_dir.compacted().read().unwrap_or_else(|error| {
            tracing::warn!("how far logs are compacted is not known: {error}");
            BTreeMap::new()
        });
        let is_new = |name: &str| !written.topics.contains_key(name);
        keep_compacted(&configs, &catalog, &compacted, is_new);
        let lying: Vec<_> = catalog.topics.iter().map(all_here).collect();
        let node_id = data_dir.identity().node_id;
        let opened = Replicas::open(
            data_dir,
            Arc::clone(&configs),
            &lying,
            &compacted,
            !changed,
            world.clone(),
        );
        let replicas = opened?;
        let rack = configs.settings().broker_rack.clone();
        let image = alone(node_id, rack, replicas.snapshot().iter());
        let registry = Self {
            node_id,
            configs,
            replicas: Arc::clone(&replicas),
            image: ArcSwap::from_pointee(image),
            keeper: Keeper::Local(Turns::new(catalog)),
            world,
        };
        Ok((Arc::new(registry), replicas))
    }
}

/// All partitions of a topic are to lie here, and there is nobody else who could lead them.
fn all_here((name, entry): (&String, &CatalogEntry)) -> Lying {
    let numbers = 0..entry.partitions;
    Lying {
        name: name.as_str().into(),
        id: entry.id,
        partitions: numbers.map(|number| (number, Duty::Alone)).collect(),
    }
}

/// Finishes the deletions that a crash interrupted.
fn finish_deletions(data_dir: &DataDir, catalog: &mut Catalog) -> Result<(), LogError> {
    for (name, entry) in catalog.topics.iter().filter(|(_, entry)| entry.deleting) {
        remove_partitions(data_dir, name, 0..entry.partitions)?;
    }
    catalog.topics.retain(|_, entry| !entry.deleting);
    Ok(())
}

/// Gives topics that are compacted that policy, where nobody has said otherwise: the default would delete what is old in
/// them. Those are the broker's own, and what Apache Kafka has compacted: its settings of topics are where we do not read.
fn keep_compacted(
    configs: &Configs,
    catalog: &Catalog,
    compacted: &BTreeMap<PartitionName, i64>,
    is_new: impl Fn(&str) -> bool,
) {
    const POLICY: &str = "cleanup.policy";
    for name in catalog.topics.keys() {
        let was_compacted = || compacted.keys().any(|partition| partition.topic() == name);
        let mut overrides = configs.topic_overrides(name);
        let wanted = names::is_internal(name) || (is_new(name) && was_compacted());
        if !wanted || overrides.contains_key(POLICY) {
            continue;
        }
        overrides.insert(POLICY.to_owned(), "compact".to_owned());
        match configs.put_topic(name, overrides) {
            Ok(()) => tracing::info!("topic {name} is one that is compacted: {POLICY}=compact"),
            Err(error) => tracing::error!("that topic {name} is compacted is not noted: {error}"),
        }
    }
}

/// Enters what lies in the directory and is not in the catalog: whole topics, and more partitions of known ones. Numbers
/// that are missing in between, which another broker of a cluster may have, become empty partitions.
fn adopt(found: &[PartitionDir], catalog: &mut Catalog, dice: &Dice) {
    let mut topics: BTreeMap<&str, CatalogEntry> = BTreeMap::new();
    for PartitionDir {
        partition,
        topic_id,
        ..
    } in found
    {
        if partition.number() >= MAX_PARTITIONS {
            tracing::warn!("{partition} is left alone: no topic has that many partitions");
            continue;
        }
        let unknown = CatalogEntry {
            id: Uuid::nil(),
            partitions: 0,
            deleting: false,
        };
        let entry = topics.entry(partition.topic()).or_insert(unknown);
        entry.partitions = entry.partitions.max(partition.number() + 1);
        if entry.id.is_nil() {
            entry.id = topic_id.unwrap_or_default();
        }
    }
    for (name, mut entry) in topics {
        if let Some(known) = catalog.topics.get_mut(name) {
            known.partitions = known.partitions.max(entry.partitions);
            continue;
        }
        if entry.id.is_nil() {
            entry.id = dice.id();
        }
        let partitions = counted(entry.partitions, "partition");
        tracing::info!("found topic {name} with {partitions}");
        catalog.topics.insert(name.to_owned(), entry);
    }
}
