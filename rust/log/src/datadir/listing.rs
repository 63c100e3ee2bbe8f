//! What lies in a data directory: one directory a partition, and what is on its way out.

use std::path::{Path, PathBuf};

use kafkalite_world::Disk;
use tracing::debug;
use uuid::Uuid;

use super::topic_id;
use crate::PartitionName;
use crate::{LogError, Result};

/// The partitions of a data directory.
#[derive(Debug, Default)]
pub struct Listing {
    /// By topic and number.
    pub partitions: Vec<PartitionDir>,
    /// Directories of deleted partitions whose files are still there: to be removed.
    pub retired: Vec<PathBuf>,
}

/// A partition and where it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionDir {
    /// Its name.
    pub partition: PartitionName,
    /// Its directory.
    pub path: PathBuf,
    /// From `partition.metadata`; directories of old Kafkas have none.
    pub topic_id: Option<Uuid>,
}

/// Lists a data directory, also one that is not open: nothing is changed.
///
/// A directory in it that is no partition is refused by name ([`LogError::StrangeDirectory`]): it may be somebody's data
/// under a wrong path, and Kafka would not start on it either. Passed over are files, names that begin with a dot,
/// `lost+found`, and what only Kafka itself can use: its metadata log, moves between disks (`-future`), what it found to be
/// nobody's (`-stray`).
pub fn list(disk: &dyn Disk, dir: &Path) -> Result<Listing> {
    let mut listing = Listing::default();
    for path in disk.list(dir).map_err(LogError::io("list", dir))? {
        let is_dir = disk.metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        if !is_dir {
            continue;
        }
        match classify(&path) {
            Kind::Partition(partition) => listing.partitions.push(PartitionDir {
                topic_id: topic_id(disk, &path)?,
                partition,
                path,
            }),
            Kind::Retired => listing.retired.push(path),
            Kind::PassedOver => debug!(path = %path.display(), "passed over"),
            Kind::Strange => return Err(LogError::StrangeDirectory { path }),
        }
    }
    listing
        .partitions
        .sort_by(|one, other| one.partition.cmp(&other.partition));
    Ok(listing)
}

enum Kind {
    Partition(PartitionName),
    Retired,
    PassedOver,
    Strange,
}

fn classify(path: &Path) -> Kind {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Kind::Strange;
    };
    let has_form = |suffix| {
        name.strip_suffix(suffix)
            .and_then(|rest| rest.rsplit_once('.'))
            .is_some_and(|(partition, id)| {
                !id.is_empty() && PartitionName::from_dir_name(partition).is_ok()
            })
    };
    if has_form("-delete") {
        Kind::Retired
    } else if has_form("-future")
        || has_form("-stray")
        || matches!(name, "lost+found" | "__cluster_metadata-0")
    {
        Kind::PassedOver
    } else if let Ok(partition) = PartitionName::from_dir_name(name) {
        Kind::Partition(partition)
    } else if name.starts_with('.') {
        Kind::PassedOver
    } else {
        Kind::Strange
    }
}
