//! The `.snapshot` files of a partition directory: written soon after every roll and at close, read at open.
//!
//! A snapshot may be missing or torn: what it says is also in the log, only slower to find. So none is flushed unless the
//! caller asks, and a bad one is removed.

use std::path::{Path, PathBuf};

use tracing::warn;

use crate::producers::{Producers, snapshot};
use crate::{LogError, Result};
use kafkalite_world::Disk;

/// `<dir>/<20 digits>.snapshot`.
pub fn path(dir: &Path, offset: i64) -> PathBuf {
    dir.join(format!("{offset:020}.snapshot"))
}

/// Writes what the producers are just before `offset`, as [`snapshot::encode`] has it. With `sync` it also survives a power
/// cut when this returns.
pub fn write(disk: &dyn Disk, dir: &Path, offset: i64, encoded: &[u8], sync: bool) -> Result<()> {
    let path = path(dir, offset);
    let written = if sync {
        disk.replace_file(&path, encoded)
    } else {
        disk.write(&path, encoded)
    };
    written.map_err(LogError::io("write", &path))
}

/// The newest sound snapshot with `start_offset` < its offset ≤ `up_to`, and its offset: the log goes on from there.
///
/// Those outside of `start_offset` to `end_offset` speak of records that are not in the log; they and unsound ones are removed.
pub fn load_newest(
    disk: &dyn Disk,
    dir: &Path,
    start_offset: i64,
    end_offset: i64,
    up_to: i64,
) -> Result<Option<(i64, Producers)>> {
    let in_range = |offset: &i64| *offset > start_offset && *offset <= end_offset;
    let (mut offsets, outside): (Vec<i64>, Vec<i64>) =
        list(disk, dir)?.into_iter().partition(in_range);
    remove_all(disk, dir, outside)?;
    offsets.retain(|offset| *offset <= up_to);
    while let Some(offset) = offsets.pop() {
        let path = path(dir, offset);
        let bytes = disk.read(&path).map_err(LogError::io("read", &path))?;
        match snapshot::decode(&path, &bytes) {
            Ok(producers) => return Ok(Some((offset, producers))),
            Err(error) => {
                warn!(%error, "removing a producer snapshot that cannot be used");
                remove_all(disk, dir, [offset])?;
            }
        }
    }
    Ok(None)
}

/// Removes the snapshots that no segment begins with, except one after the last segment: a clean stop wrote that.
pub fn remove_strays(disk: &dyn Disk, dir: &Path, segment_base_offsets: &[i64]) -> Result<()> {
    let last_segment = segment_base_offsets.iter().max().copied().unwrap_or(-1);
    let mut strays = list(disk, dir)?;
    strays.retain(|offset| !segment_base_offsets.contains(offset));
    if strays.last().is_some_and(|newest| *newest > last_segment) {
        strays.pop();
    }
    remove_all(disk, dir, strays)
}

/// Offsets of all snapshots in the directory, ascending. Files whose name is no offset are not ours.
pub fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<i64>> {
    let mut offsets = Vec::new();
    for path in disk.list(dir).map_err(LogError::io("list", dir))? {
        let name = path.file_name().and_then(|name| name.to_str());
        let stem = name.and_then(|name| name.strip_suffix(".snapshot"));
        if let Some(stem) =
            stem.filter(|stem| stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit()))
        {
            offsets.extend(stem.parse::<i64>().ok()); // 20 digits may still be too many
        }
    }
    offsets.sort_unstable();
    Ok(offsets)
}

fn remove_all(disk: &dyn Disk, dir: &Path, offsets: impl IntoIterator<Item = i64>) -> Result<()> {
    offsets.into_iter().try_for_each(|offset| {
        let path = path(dir, offset);
        let removed = disk.remove_if_present(&path);
        removed.map_err(LogError::io("remove", &path))?;
        Ok(())
    })
}
