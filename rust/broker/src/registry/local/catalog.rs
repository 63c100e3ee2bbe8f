//! The list of topics on disk: name, id, number of partitions. One small text file beside the partitions, replaced as a
//! whole, so that creating, growing and deleting topics each have one moment in which they happen.
//!
//! Apache Kafka keeps this in its controllers' log and ignores our file; a directory of its without the file is read
//! from the partitions' own directories instead (see [`super::start`]).
//!
//! Format, version 1: the version, the number of topics, then a line a topic,
//! `<name> <id> <partitions> <live|deleting>`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use kafkalite_log::LogError;
use kafkalite_names::{check_topic_name, ids};
use kafkalite_world::Disk;
use uuid::Uuid;

/// Name of the file in the data directory.
pub(crate) const FILE_NAME: &str = "topics.catalog";
const VERSION: &str = "1";

/// What is remembered of one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registry) struct CatalogEntry {
    pub(super) id: Uuid,
    pub(super) partitions: i32,
    /// Deletion has begun and is finished at the next start if a crash comes between.
    pub(super) deleting: bool,
}

/// All topics by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    /// The file.
    path: PathBuf,
    pub(in crate::registry) topics: BTreeMap<String, CatalogEntry>,
}

impl Catalog {
    /// What the file in a data directory says; nothing where there is none.
    pub(in crate::registry) fn read(data_dir: &Path, disk: &dyn Disk) -> Result<Self, LogError> {
        let path = data_dir.join(FILE_NAME);
        let topics = match disk.read_text(&path) {
            Ok(text) => parse(&text).map_err(|line| LogError::MalformedFile {
                path: path.clone(),
                reason: format!("line {line} is not as it should be"),
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => {
                return Err(LogError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        Ok(Self { path, topics })
    }

    /// Makes it what the next start finds.
    pub(super) fn write(&self, disk: &dyn Disk) -> Result<(), LogError> {
        let written = disk.replace_file(&self.path, self.to_text().as_bytes());
        written.map_err(|source| LogError::Io {
            action: "write",
            path: self.path.clone(),
            source,
        })
    }

    fn to_text(&self) -> String {
        let mut text = format!("{VERSION}\n{}\n", self.topics.len());
        for (name, entry) in &self.topics {
            let state = if entry.deleting { "deleting" } else { "live" };
            let _ = writeln!(
                text,
                "{name} {} {} {state}",
                ids::to_text(entry.id),
                entry.partitions
            );
        }
        text
    }
}

/// The topics that a text names, or the line, counted from 1, that is not as it should be.
fn parse(text: &str) -> Result<BTreeMap<String, CatalogEntry>, usize> {
    let mut lines = text.lines();
    if lines.next() != Some(VERSION) {
        return Err(1);
    }
    let count: usize = lines
        .next()
        .and_then(|line| line.parse().ok())
        .ok_or(2_usize)?;
    let mut topics = BTreeMap::new();
    let mut last = 2;
    for (number, line) in (3..).zip(lines) {
        let (name, entry) = parse_line(line).ok_or(number)?;
        topics.insert(name, entry);
        last = number;
    }
    if topics.len() == count {
        Ok(topics)
    } else {
        Err(last)
    }
}

fn parse_line(line: &str) -> Option<(String, CatalogEntry)> {
    let mut fields = line.split(' ');
    let name = fields
        .next()
        .filter(|name| check_topic_name(name).is_ok())?;
    let id = ids::from_text(fields.next()?)?;
    let partitions = fields.next()?.parse().ok().filter(|&count| count > 0)?;
    let deleting = match fields.next()? {
        "live" => false,
        "deleting" => true,
        _ => return None,
    };
    fields.next().is_none().then(|| {
        (
            name.to_owned(),
            CatalogEntry {
                id,
                partitions,
                deleting,
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(deleting: bool) -> CatalogEntry {
        CatalogEntry {
            id: Uuid::from_u128(7),
            partitions: 3,
            deleting,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let topics = BTreeMap::from([
            ("clicks".to_owned(), entry(false)),
            ("going".to_owned(), entry(true)),
        ]);
        let path = PathBuf::new();
        let catalog = Catalog { path, topics };
        assert_eq!(parse(&catalog.to_text()), Ok(catalog.topics));
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        let good = Catalog {
            path: PathBuf::new(),
            topics: BTreeMap::from([("t".to_owned(), entry(false))]),
        }
        .to_text();
        let line = good.lines().nth(2).unwrap();
        for (text, at) in [
            ("", 1),
            ("2\n0\n", 1),
            ("1\nx\n", 2),
            ("1\n2\n", 2),
            (&format!("1\n2\n{line}\n"), 3),
            (&format!("1\n1\n{}\n", line.replace(" 3 ", " 0 ")), 3),
            (&format!("1\n1\n../{line}\n"), 3),
            (&format!("1\n1\n{line} more\n"), 3),
            (&format!("1\n1\n{}\n", line.replace("live", "dead")), 3),
        ] {
            assert_eq!(parse(text), Err(at), "{text}");
        }
    }
}
