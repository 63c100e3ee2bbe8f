//! Reading segments without opening their log: nothing is locked, recovered or written, so that damage can be looked at.

#![expect(
    clippy::disallowed_methods,
    reason = "whoever looks at files that no broker has open is in no world"
)]

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use kafkalite_records::RecordsError;

use crate::segment::{Head, name};
use crate::{LogError, Result};

/// A batch, or a message of the old formats, as it stands in a segment file. Its checksum has not been looked at.
#[derive(Debug, Clone)]
pub struct StoredBatch {
    /// Where in the file it starts.
    pub position: u64,
    /// All of it.
    pub bytes: Bytes,
}

/// Walks one segment file from its start. Ends after an error: beyond it nobody knows where a batch begins.
#[derive(Debug)]
pub struct SegmentReader {
    path: PathBuf,
    file: BufReader<File>,
    position: u64,
    len: u64,
}

/// The segment files of a partition's directory, oldest first; a path that is a file stands for itself.
pub fn segments(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(LogError::io("list", path))? {
        let entry = entry.map_err(LogError::io("list", path))?;
        let is_segment = entry
            .file_name()
            .to_str()
            .and_then(name::parse)
            .is_some_and(|(_, suffix)| suffix == name::LOG);
        if is_segment {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

impl SegmentReader {
    /// Opens a segment file for reading, as long as it is now.
    pub fn open(path: &Path) -> Result<SegmentReader> {
        let file = File::open(path).map_err(LogError::io("open", path))?;
        let len = file
            .metadata()
            .map_err(LogError::io("inspect", path))?
            .len();
        Ok(SegmentReader {
            path: path.to_owned(),
            file: BufReader::with_capacity(1 << 20, file),
            position: 0,
            len,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&mut self) -> Result<StoredBatch> {
        let rest = self.len - self.position;
        let mut bytes = vec![0; Head::LEN.min(usize::try_from(rest).unwrap_or(usize::MAX))];
        self.fill(&mut bytes)?;
        let head = Head::parse(&bytes).map_err(|error| self.unsound(&error))?;
        if head.len > rest {
            let (needed, have) = (head.len as usize, rest as usize);
            return Err(self.unsound(&RecordsError::Incomplete { needed, have }));
        }
        // A short message of an old format may end before the bytes that were looked at do.
        let looked_at = bytes.len();
        bytes.resize(head.len as usize, 0);
        if let Some(body) = bytes.get_mut(looked_at..) {
            self.fill(body)?;
        }
        if let Some(surplus) = looked_at
            .checked_sub(head.len as usize)
            .filter(|&surplus| surplus > 0)
        {
            self.file
                .seek_relative(-(surplus as i64))
                .map_err(LogError::io("read", &self.path))?;
        }
        let stored = StoredBatch {
            position: self.position,
            bytes: bytes.into(),
        };
        self.position += head.len;
        Ok(stored)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.file
            .read_exact(buffer)
            .map_err(LogError::io("read", &self.path))
    }

    fn unsound(&self, error: &RecordsError) -> LogError {
        let reason = format!(
            "{} at position {}: {error}",
            self.path.display(),
            self.position
        );
        LogError::CorruptBatch { reason }
    }
}

impl Iterator for SegmentReader {
    type Item = Result<StoredBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.position >= self.len {
            return None;
        }
        let stored = self.read();
        if stored.is_err() {
            self.position = self.len;
        }
        Some(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(partition: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(partition)
    }

    #[test]
    fn all_bytes_of_every_format_are_walked() {
        for partition in ["kafka-1.1/format-0.9.0-0", "kafka-1.1/format-0.10.0-0"] {
            let files = segments(&golden(partition)).unwrap();
            assert_eq!(files.len(), 4, "{partition}");
            for file in files {
                let mut position = 0;
                for stored in SegmentReader::open(&file).unwrap() {
                    let stored = stored.unwrap();
                    assert_eq!(stored.position, position);
                    position += stored.bytes.len() as u64;
                }
                assert_eq!(position, fs::metadata(&file).unwrap().len());
            }
        }
    }

    #[test]
    fn a_torn_end_is_told_once_with_its_place() {
        let whole = fs::read(&segments(&golden("kafka-1.1/format-0.10.0-0")).unwrap()[0]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let torn = dir.path().join("00000000000000000000.log");
        fs::write(&torn, &whole[..whole.len() - 1]).unwrap();
        let mut reader = SegmentReader::open(&torn).unwrap();
        let error = reader.by_ref().find_map(Result::err).unwrap().to_string();
        assert!(
            error.contains("00000000000000000000.log at position"),
            "{error}"
        );
        assert!(reader.next().is_none());
    }
}
