//! `LogReader` and `Batch`: what stands in segment files, read without a broker.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kafkalite_log::LogError;
use kafkalite_log::PartitionName;
use kafkalite_log::offline::{SegmentReader, StoredBatch, segments};
use kafkalite_records::{
    DecodedBatch, Decompressor, Entry, RecordLayout, RecordsError, TimestampType, legacy,
};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::errors;
use crate::message::{Message, MessageOrigin};

/// More than any batch that a broker takes; a bomb is refused.
const LARGEST_BATCH: usize = 1 << 30;

/// Walks the batches of a partition's directory or of one segment file.
#[pyclass(frozen, module = "kafkalite._native")]
pub(crate) struct LogReader(Mutex<Walk>);

struct Walk {
    partition: Option<PartitionName>,
    files: VecDeque<PathBuf>,
    current: Option<SegmentReader>,
}

#[pymethods]
impl LogReader {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        let files = segments(&path).map_err(|error| log_error(&error))?;
        let walk = Walk {
            partition: partition_of(&path),
            files: files.into(),
            current: None,
        };
        Ok(Self(Mutex::new(walk)))
    }

    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Batch>> {
        py.detach(|| self.0.lock().next())
            .map_err(|error| log_error(&error))
    }
}

impl Walk {
    fn next(&mut self) -> Result<Option<Batch>, LogError> {
        loop {
            if let Some(reader) = &mut self.current
                && let Some(stored) = reader.next()
            {
                let segment = reader.path().display().to_string();
                return Batch::new(segment, self.partition.as_ref(), stored?).map(Some);
            }
            let Some(file) = self.files.pop_front() else {
                return Ok(None);
            };
            self.current = Some(SegmentReader::open(&file)?);
        }
    }
}

/// The partition whose directory this is, or that a segment lies in.
fn partition_of(path: &Path) -> Option<PartitionName> {
    let path = path.canonicalize().ok()?;
    let dir = if path.is_dir() {
        path.as_path()
    } else {
        path.parent()?
    };
    PartitionName::from_dir_name(dir.file_name()?.to_str()?).ok()
}

fn log_error(error: &LogError) -> PyErr {
    match error {
        LogError::CorruptBatch { .. } => errors::corrupt(&error.to_string()),
        _ => errors::log_directory(&error.to_string()),
    }
}

/// A record batch as it stands on disk, or a message of the formats before.
#[pyclass(frozen, module = "kafkalite._native")]
pub(crate) struct Batch {
    #[pyo3(get)]
    segment: String,
    #[pyo3(get)]
    position: u64,
    #[pyo3(get)]
    size: usize,
    #[pyo3(get)]
    base_offset: i64,
    #[pyo3(get)]
    last_offset: i64,
    #[pyo3(get)]
    count: i32,
    #[pyo3(get)]
    magic: i8,
    #[pyo3(get)]
    compression: String,
    #[pyo3(get)]
    timestamp_type: &'static str,
    #[pyo3(get)]
    max_timestamp: i64,
    #[pyo3(get)]
    leader_epoch: i32,
    #[pyo3(get)]
    producer_id: i64,
    #[pyo3(get)]
    producer_epoch: i16,
    #[pyo3(get)]
    base_sequence: i32,
    #[pyo3(get)]
    is_transactional: bool,
    #[pyo3(get)]
    is_control: bool,
    #[pyo3(get)]
    crc_valid: bool,
    origin: (Arc<str>, i32),
    stored: StoredBatch,
}

impl Batch {
    fn new(
        segment: String,
        partition: Option<&PartitionName>,
        stored: StoredBatch,
    ) -> Result<Self, LogError> {
        let unsound = |error: RecordsError| LogError::CorruptBatch {
            reason: format!("{segment} at position {}: {error}", stored.position),
        };
        let entry = Entry::parse(&stored.bytes).map_err(unsound)?;
        let crc_valid = entry.verify_crc().is_ok();
        let common = Self {
            position: stored.position,
            size: stored.bytes.len(),
            last_offset: entry.last_offset(),
            crc_valid,
            origin: partition.map_or_else(|| ("".into(), 0), |of| (of.topic().into(), of.number())),
            base_offset: -1,
            count: 1,
            magic: 0,
            compression: String::new(),
            timestamp_type: "create",
            max_timestamp: -1,
            leader_epoch: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            is_transactional: false,
            is_control: false,
            stored: stored.clone(),
            segment: segment.clone(),
        };
        Ok(match entry {
            Entry::Batch(batch) => {
                let header = batch.header();
                Self {
                    base_offset: header.base_offset,
                    count: header.record_count,
                    magic: 2,
                    compression: header.compression().to_string(),
                    timestamp_type: name_of(header.timestamp_type()),
                    max_timestamp: header.max_timestamp,
                    leader_epoch: header.partition_leader_epoch,
                    producer_id: header.producer_id,
                    producer_epoch: header.producer_epoch,
                    base_sequence: header.base_sequence,
                    is_transactional: header.is_transactional(),
                    is_control: header.is_control(),
                    ..common
                }
            }
            Entry::Message(message) => {
                let records =
                    decode(&stored, false).map_or_else(|_| Vec::new(), |(_, layouts)| layouts);
                Self {
                    base_offset: records
                        .first()
                        .map_or(message.offset, |record| record.offset),
                    count: records.len() as i32,
                    magic: message.magic,
                    compression: message.compression.to_string(),
                    timestamp_type: name_of(message.timestamp_type),
                    max_timestamp: message.timestamp,
                    ..common
                }
            }
        })
    }
}

fn name_of(kind: TimestampType) -> &'static str {
    match kind {
        TimestampType::Create => "create",
        TimestampType::LogAppend => "log_append",
    }
}

/// The decompressed payload, and the records in it.
fn decode(
    stored: &StoredBatch,
    is_v2: bool,
) -> Result<(bytes::Bytes, Vec<RecordLayout>), RecordsError> {
    let mut decompressor = Decompressor::new();
    if is_v2 {
        let batch = DecodedBatch::decode(&stored.bytes, &mut decompressor, LARGEST_BATCH)?;
        let payload = batch.payload().clone();
        return Ok((payload, batch.into_layouts().collect::<Result<_, _>>()?));
    }
    let set = legacy::MessageSet::decode(&stored.bytes, &mut decompressor, LARGEST_BATCH)?;
    Ok((set.payload().clone(), set.layouts().to_vec()))
}

#[pymethods]
impl Batch {
    /// The records, decompressed. Raises `CorruptMessageError` if they cannot be read.
    fn messages(&self) -> PyResult<Vec<Message>> {
        let (payload, layouts) = decode(&self.stored, self.magic >= 2).map_err(|error| {
            errors::corrupt(&format!(
                "{} at position {}: {error}",
                self.segment, self.position
            ))
        })?;
        let (topic, partition) = self.origin.clone();
        let log_append = self.timestamp_type == "log_append";
        let origin = Arc::new(MessageOrigin {
            topic,
            partition,
            payload,
            log_append,
        });
        Ok(layouts
            .into_iter()
            .map(|layout| Message::read(Arc::clone(&origin), layout))
            .collect())
    }
}
