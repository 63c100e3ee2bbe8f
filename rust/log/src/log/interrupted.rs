//! What a crash left of a compaction, ours or Apache Kafka's, is undone or finished before the segments are looked at.
//!
//! Files called `*.cleaned` are not complete: they go, and with them every `*.swap` at their offset or above, for all of
//! one replacement are renamed from the highest offset down. Any other `*.swap` is complete and flushed: the segments in
//! whose place it comes go, then it gets its name. Each step may be interrupted and taken again.

use std::path::{Path, PathBuf};

use crate::segment::{Place, Scan, SegmentFile, name};
use crate::{LogError, Result};
use kafkalite_world::Disk;
use kafkalite_world::disk::unlink;

/// A file of a segment with `.deleted`, `.cleaned` or `.swap` at the end of its name.
struct Leftover {
    base_offset: i64,
    /// Whether it holds batches.
    log: bool,
    path: PathBuf,
}

/// Brings the partition's directory into a state that has only whole segments. Nobody reads it yet.
pub(super) fn finish(place: &Place) -> Result<()> {
    let files = list(&*place.disk, &place.dir)?;
    replace(place, &files)?;
    // Not before: where what was to take their place is damaged, these are the only copy.
    for path in with(&files, name::DELETED).map(|leftover| leftover.path) {
        unlink(&*place.disk, &path);
    }
    Ok(())
}

fn replace(place: &Place, files: &[Named]) -> Result<()> {
    let cleaned: Vec<Leftover> = with(files, name::CLEANED).collect();
    let unfinished_from = cleaned.iter().map(|file| file.base_offset).min();
    let (invalid, valid): (Vec<Leftover>, Vec<Leftover>) = with(files, name::SWAP)
        .partition(|file| unfinished_from.is_some_and(|from| file.base_offset >= from));
    // First what depends on the others being there.
    for file in invalid.iter().chain(&cleaned) {
        remove(place, &file.path)?;
    }
    if valid.is_empty() {
        return Ok(());
    }

    let mut covered: Option<(i64, i64)> = None;
    for file in valid.iter().filter(|file| file.log) {
        tracing::info!(
            "{} was about to replace older segments; finishing that",
            file.path.display()
        );
        let end = end_of(place, file)?;
        let (from, to) = covered.unwrap_or((file.base_offset, end));
        covered = Some((from.min(file.base_offset), to.max(end)));
    }
    if let Some((from, to)) = covered {
        for (base_offset, suffix, path) in files {
            if (from..to).contains(base_offset) && name::DATA.contains(&suffix.as_str()) {
                remove(place, path)?;
            }
        }
        sync(place)?;
    }
    for file in &valid {
        let named = file.path.with_extension("");
        let renamed = place.disk.rename(&file.path, &named);
        renamed.map_err(LogError::io("rename", &file.path))?;
    }
    sync(place)
}

type Named = (i64, String, PathBuf);

fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<Named>> {
    let paths = disk.list(dir).map_err(LogError::io("list", dir))?;
    let named = paths.into_iter().filter_map(|path| {
        let (base_offset, suffix) = name::parse(path.file_name()?.to_str()?)?;
        let suffix = suffix.to_owned();
        Some((base_offset, suffix, path))
    });
    Ok(named.collect())
}

fn with<'a>(files: &'a [Named], state: &'a str) -> impl Iterator<Item = Leftover> + 'a {
    files.iter().filter_map(move |(base_offset, suffix, path)| {
        let kind = match suffix.rsplit_once('.') {
            Some((kind, last)) if last == state => kind,
            None if suffix == state => "",
            _ => return None,
        };
        Some(Leftover {
            base_offset: *base_offset,
            log: kind == name::LOG,
            path: path.clone(),
        })
    })
}

/// The offset after the last batch of a segment that has no name of its own yet.
fn end_of(place: &Place, file: &Leftover) -> Result<i64> {
    let segment = SegmentFile::open(&file.path, place)?;
    let mut end = file.base_offset;
    let mut scan = Scan::new(&segment, 0, segment.written());
    while let Some(step) = scan.next()? {
        let found = step.map_err(|error| LogError::MalformedFile {
            path: file.path.clone(),
            reason: format!(
                "it was about to replace segments when its broker was killed, and is damaged: {error}; they are \
                 there, perhaps called *.deleted, so move it out of the directory and give them their names back"
            ),
        })?;
        end = end.max(found.head.last_offset + 1);
    }
    Ok(end)
}

fn remove(place: &Place, path: &Path) -> Result<()> {
    let removed = place.disk.remove(path);
    removed.map_err(LogError::io("remove", path))
}

fn sync(place: &Place) -> Result<()> {
    place.open_dir()?.sync()
}
