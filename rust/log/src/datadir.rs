//! The directory that a broker keeps everything in, laid out as Apache Kafka's `log.dirs` entry.
//!
//! ```text
//! .lock                               held while a broker is using it
//! .kafka_cleanshutdown                only while none is, and only if the last one stopped in good order
//! meta.properties                     whose it is
//! recovery-point-offset-checkpoint    below these offsets everything is flushed
//! log-start-offset-checkpoint         below these offsets everything is deleted, though files may still hold it
//! replication-offset-checkpoint       high watermarks; written for Apache Kafka
//! cleaner-offset-checkpoint           up to these offsets compaction has come
//! segments.catalog                    what was there when the last one stopped; ours alone
//! <topic>-<n>/                        a partition, with partition.metadata naming its topic's id
//! <topic>-<n>.<id>-delete/            a partition on its way in or out
//! ```
//! What lies in a partition's directory is its log's business.

mod identity;
mod inventory;
mod listing;
mod lock;

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::PartitionName;
use crate::checkpoint::OffsetCheckpoint;
use kafkalite_names::ids;

use crate::{LogError, Result};
use kafkalite_world::{Dice, Disk, World};

pub use identity::{Identity, recorded_cluster_id};
pub use inventory::{Extent, Inventory};
pub use listing::{Listing, PartitionDir, list};

/// What the marker of a clean stop says if it is ours. Apache Kafka reads any JSON that says this, and writes it without blanks:
/// with the epoch of its broker, or with this -1 where it has none, as with ZooKeeper or before it is registered.
const OUR_MARKER: &[u8] = br#"{"version": 0, "brokerEpoch": -1}"#;

/// Longest file name of the usual file systems, in bytes.
const MAX_FILE_NAME: usize = 255;

/// What the configuration says about a data directory; each is taken from the directory if it is not said.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// `node.id`; 0 in a new directory that is told none.
    pub node_id: Option<i32>,
    /// `cluster.id`; made up in a new directory that is told none.
    pub cluster_id: Option<String>,
}

/// An open data directory: no other broker can have it until this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    identity: Identity,
    was_clean: bool,
    was_ours: bool,
    world: World,
    /// The partitions whose `partition.metadata` was written and not flushed since.
    unflushed: Mutex<BTreeSet<PartitionName>>,
    _lock: lock::DirLock,
}

impl DataDir {
    /// Creates the directory if need be, locks it, and makes it this broker's.
    ///
    /// The marker of the last clean stop is read and removed: from here on only [`close_clean`](Self::close_clean) makes
    /// the directory clean again.
    pub fn open(path: &Path, expected: &Expected) -> Result<Self> {
        Self::open_in(path, expected, World::real())
    }

    /// As [`open`](Self::open), in a world of the caller's.
    pub fn open_in(path: &Path, expected: &Expected, world: World) -> Result<Self> {
        let unusable = |source| LogError::UnusableDirectory {
            path: path.to_owned(),
            source,
        };
        world.disk.create_dir_all(path).map_err(unusable)?;
        // From now on independent of the process's current directory.
        let path = path.canonicalize().map_err(unusable)?;
        let lock = lock::DirLock::acquire(&path, &*world.disk)?;
        let identity = identity::establish(&path, expected, &world)?;
        let marker = clean_marker(&path);
        let was_ours = world
            .disk
            .read(&marker)
            .is_ok_and(|text| text == OUR_MARKER);
        let was_clean = world
            .disk
            .remove_if_present(&marker)
            .map_err(LogError::io("remove", &marker))?;
        world
            .disk
            .sync_dir_at(&path)
            .map_err(LogError::io("flush", &path))?;
        Ok(Self {
            path,
            identity,
            was_clean,
            was_ours,
            world,
            unflushed: Mutex::default(),
            _lock: lock,
        })
    }

    /// Whose time, files and random numbers it uses.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether its last user stopped in good order, so that no log needs recovery.
    pub fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// `recovery-point-offset-checkpoint`: everything before these offsets is known to be flushed.
    pub fn recovery_points(&self) -> OffsetCheckpoint {
        self.checkpoint("recovery-point-offset-checkpoint")
    }

    /// `log-start-offset-checkpoint`: where logs begin that begin later than their first segment (deleted records).
    pub fn start_offsets(&self) -> OffsetCheckpoint {
        self.checkpoint("log-start-offset-checkpoint")
    }

    /// `replication-offset-checkpoint`: high watermarks. For Apache Kafka, should it take the directory over: we do not read
    /// them, since of a log with one replica everything up to its end counts.
    pub fn high_watermarks(&self) -> OffsetCheckpoint {
        self.checkpoint("replication-offset-checkpoint")
    }

    /// `cleaner-offset-checkpoint`: where compaction has ended, and goes on.
    pub fn compacted(&self) -> OffsetCheckpoint {
        self.checkpoint("cleaner-offset-checkpoint")
    }

    /// The segments that were there when the last user, if it was one of ours, stopped in good order; else nothing. The second
    /// call knows nothing any more.
    pub fn take_inventory(&self) -> Result<Inventory> {
        let inventory = inventory::take(&*self.world.disk, &self.inventory_path())?;
        Ok(if self.was_ours {
            inventory
        } else {
            Inventory::new()
        })
    }

    /// Says what the next start is to find; to be written when all logs are closed.
    pub fn write_inventory(&self, inventory: &Inventory) -> Result<()> {
        inventory::write(&*self.world.disk, &self.inventory_path(), inventory)
    }

    fn checkpoint(&self, name: &str) -> OffsetCheckpoint {
        OffsetCheckpoint::at(self.path.join(name), &self.world.disk)
    }

    fn inventory_path(&self) -> PathBuf {
        self.path.join("segments.catalog")
    }

    /// What is in it now; see [`list`].
    pub fn list(&self) -> Result<Listing> {
        list(&*self.world.disk, &self.path)
    }

    /// Where a partition lives, whether or not it exists.
    pub fn partition_path(&self, partition: &PartitionName) -> PathBuf {
        self.path.join(partition.to_string())
    }

    /// Whether it exists.
    pub fn has_partition(&self, partition: &PartitionName) -> bool {
        self.world.disk.exists(&self.partition_path(partition))
    }

    /// Creates the directory of a new partition, with its `partition.metadata`, and answers where. Until it is complete it has
    /// the name of a retired one, which every start removes. That it is there survives a power cut after the next
    /// [`sync`](Self::sync), one for as many as are created. What its `partition.metadata` says may not before the log is closed
    /// ([`flush_metadata`](Self::flush_metadata)): an fsync of each would take minutes with many, and whoever knows the id can
    /// [restore](Self::restore_metadata) it.
    pub fn create_partition(&self, partition: &PartitionName, topic: Uuid) -> Result<PathBuf> {
        let path = self.partition_path(partition);
        let failed = LogError::io("create", &path);
        if self.world.disk.exists(&path) {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let unfinished = self.path.join(retired_name(partition, &self.world.dice));
        let disk = &self.world.disk;
        disk.create_dir(&unfinished)
            .and_then(|()| disk.write(&metadata_path(&unfinished), metadata(topic).as_bytes()))
            .and_then(|()| disk.rename(&unfinished, &path))
            .map_err(|error| {
                let _ = disk.remove_dir_all(&unfinished); // best effort: the next start removes it too
                failed(error)
            })?;
        self.unflushed.lock().insert(partition.clone());
        Ok(path)
    }

    /// Writes the `partition.metadata` of a partition that has none, or whose was lost in a power cut. Not flushed: what is
    /// lost again is written again.
    pub fn restore_metadata(&self, partition: &PartitionName, topic: Uuid) -> Result<()> {
        let path = self.partition_path(partition);
        if topic_id(&*self.world.disk, &path)?.is_some() {
            return Ok(());
        }
        let (file, disk) = (metadata_path(&path), &self.world.disk);
        let unfinished = path.join("partition.metadata.tmp");
        disk.write(&unfinished, metadata(topic).as_bytes())
            .and_then(|()| disk.rename(&unfinished, &file))
            .map_err(|error| {
                let _ = disk.remove(&unfinished); // best effort: the next one takes its place
                LogError::io("write", &file)(error)
            })?;
        self.unflushed.lock().insert(partition.clone());
        Ok(())
    }

    /// Has what was written into a partition's `partition.metadata` survive a power cut, so that a directory that is marked as clean
    /// names its topics also to Apache Kafka, which cannot restore them. That the file is there does when its log is closed.
    pub fn flush_metadata(&self, partition: &PartitionName) -> Result<()> {
        if !self.unflushed.lock().remove(partition) {
            return Ok(());
        }
        let file = metadata_path(&self.partition_path(partition));
        let flush = || {
            let opened = self.world.disk.open(&file, OpenOptions::new().read(true))?;
            self.world.disk.sync_data(&opened)
        };
        match flush() {
            // Without the file there is nothing that could be wrong.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(LogError::io("flush", &file)(error))
            }
            _ => Ok(()),
        }
    }

    /// Makes what partitions were created and retired survive a power cut.
    pub fn sync(&self) -> Result<()> {
        let synced = self.world.disk.sync_dir_at(&self.path);
        synced.map_err(LogError::io("flush", &self.path))
    }

    /// Takes a partition out of the directory: gone for everyone when this returns, and after the next [`sync`](Self::sync)
    /// also after a power cut. Its files stay under the answered name until [`remove_retired`]; whoever has them open keeps
    /// reading.
    pub fn retire_partition(&self, partition: &PartitionName) -> Result<PathBuf> {
        let path = self.partition_path(partition);
        let retired = self.path.join(retired_name(partition, &self.world.dice));
        let renamed = self.world.disk.rename(&path, &retired);
        renamed.map_err(LogError::io("retire", &path))?;
        self.unflushed.lock().remove(partition);
        Ok(retired)
    }

    /// Sets a partition aside ([`set_aside`](Self::set_aside)) if another topic's lies in its place, and answers where that is then.
    pub fn make_way(&self, partition: &PartitionName, topic: Uuid) -> Result<Option<PathBuf>> {
        if !self.has_partition(partition) {
            return Ok(None);
        }
        let found = topic_id(&*self.world.disk, &self.partition_path(partition))?;
        let is_other = found.is_some_and(|found| found != topic);
        is_other.then(|| self.set_aside(partition)).transpose()
    }

    /// Gives a partition the name of those that are nobody's, which no start looks at, and answers where it is then.
    pub fn set_aside(&self, partition: &PartitionName) -> Result<PathBuf> {
        let path = self.partition_path(partition);
        let id = self.world.dice.id().simple();
        let aside = self.path.join(format!("{partition}.{id}-stray"));
        let renamed = self.world.disk.rename(&path, &aside);
        renamed.map_err(LogError::io("set aside", &path))?;
        self.sync()?;
        Ok(aside)
    }

    /// Says that every log in it was closed in good order and every checkpoint written, and lets go of it.
    pub fn close_clean(self) -> Result<()> {
        let marker = clean_marker(&self.path);
        let written = self.world.disk.replace_file(&marker, OUR_MARKER);
        written.map_err(LogError::io("write", &marker))
    }
}

/// Removes the files of a retired partition; takes as long as the file system needs to free them.
pub fn remove_retired(disk: &dyn Disk, path: &Path) -> Result<()> {
    match disk.remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(LogError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// The topic's id in a partition directory's `partition.metadata` (KIP-516); none if there is no such file, or if a power cut has
/// left nothing in it.
pub fn topic_id(disk: &dyn Disk, partition_dir: &Path) -> Result<Option<Uuid>> {
    let path = metadata_path(partition_dir);
    let text = match disk.read_text(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogError::io("read", &path)(error)),
    };
    if text.bytes().all(|byte| byte == 0) {
        return Ok(None);
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let id = match lines[..] {
        ["version: 0", id] => id.strip_prefix("topic_id: ").and_then(ids::from_text),
        _ => None,
    };
    match id.filter(|id| !id.is_nil()) {
        Some(id) => Ok(Some(id)),
        None => Err(LogError::MalformedFile {
            path,
            reason: format!(
                "expected the lines \"version: 0\" and \"topic_id: …\", found {lines:?}"
            ),
        }),
    }
}

fn metadata(topic: Uuid) -> String {
    format!("version: 0\ntopic_id: {}", ids::to_text(topic))
}

fn metadata_path(partition_dir: &Path) -> PathBuf {
    partition_dir.join("partition.metadata")
}

fn clean_marker(dir: &Path) -> PathBuf {
    dir.join(".kafka_cleanshutdown")
}

/// `<topic>-<n>.<unique>-delete`, the topic cut so that the file system takes it. Names are ASCII, so any cut will do.
fn retired_name(partition: &PartitionName, dice: &Dice) -> String {
    let suffix = format!("-{}.{}-delete", partition.number(), dice.uuid().simple());
    let topic = partition.topic();
    format!(
        "{}{suffix}",
        &topic[..topic.len().min(MAX_FILE_NAME - suffix.len())]
    )
}
