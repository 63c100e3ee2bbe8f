//! Kafka's checkpoint files, version 0: a few lines of text that say how far something has come.
//!
//! ```text
//! 0                      version
//! 2                      number of lines that follow
//! clicks 0 1500          topic, partition, offset
//! clicks 1 1498
//! ```
//! Written as a whole, by rename ([`Disk::replace_file`]), so a reader sees an old checkpoint or a new one.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::PartitionName;
use crate::{LogError, Result};
use kafkalite_world::Disk;

/// One offset for each partition.
pub type Offsets = BTreeMap<PartitionName, i64>;

/// A file of [`Offsets`] at the top of a data directory.
#[derive(Clone, Debug)]
pub struct OffsetCheckpoint {
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl OffsetCheckpoint {
    /// The file at `path`, which need not exist yet.
    pub fn at(path: PathBuf, disk: &Arc<dyn Disk>) -> Self {
        let disk = Arc::clone(disk);
        Self { path, disk }
    }

    /// What was written last; nothing if that never happened.
    pub fn read(&self) -> Result<Offsets> {
        let entries = read(&*self.disk, &self.path, |line| {
            let mut fields = line.split_whitespace();
            let (topic, partition, offset) = (fields.next()?, fields.next()?, fields.next()?);
            let partition = PartitionName::new(topic, partition.parse().ok()?).ok()?;
            let offset: i64 = offset.parse().ok()?;
            fields.next().is_none().then_some((partition, offset))
        })?;
        Ok(entries.into_iter().collect())
    }

    /// Replaces the file; the new one survives a power cut when this returns. One writer at a time.
    pub fn write(&self, offsets: &Offsets) -> Result<()> {
        let lines = offsets.iter().map(|(partition, offset)| {
            format!("{} {} {offset}", partition.topic(), partition.number())
        });
        let written = self.disk.replace_file(&self.path, text(lines).as_bytes());
        written.map_err(LogError::io("write", &self.path))
    }
}

/// Reads a checkpoint file with one entry a line. A missing or empty file has no entries: Kafka creates them empty.
pub(crate) fn read<T>(
    disk: &dyn Disk,
    path: &Path,
    parse_line: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>> {
    match disk.read(path) {
        Ok(bytes) => parse(&bytes, parse_line).map_err(|reason| LogError::MalformedFile {
            path: path.to_owned(),
            reason,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(LogError::io("read", path)(error)),
    }
}

/// What a checkpoint file with these lines holds.
pub(crate) fn text<L: Display>(lines: impl ExactSizeIterator<Item = L>) -> String {
    let mut text = format!("0\n{}\n", lines.len());
    for line in lines {
        writeln!(text, "{line}").expect("a string takes whatever is written to it");
    }
    text
}

fn parse<T>(bytes: &[u8], parse_line: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not text: {error}"))?;
    let mut lines = text.lines();
    let Some(version) = lines.next() else {
        return Ok(Vec::new());
    };
    if version != "0" {
        return Err(format!("line 1: version {version:?} is not known, only 0"));
    }
    let Some(count) = lines.next() else {
        return Ok(Vec::new());
    };
    let count: usize = count
        .parse()
        .map_err(|_| format!("line 2: {count:?} is not a number of lines"))?;
    let entries: Vec<T> = lines
        .enumerate()
        .map(|(index, line)| {
            parse_line(line).ok_or_else(|| format!("line {}: {line:?} is no entry", index + 3))
        })
        .collect::<Result<_, _>>()?;
    if entries.len() != count {
        return Err(format!(
            "{} entries where line 2 announces {count}",
            entries.len()
        ));
    }
    Ok(entries)
}
