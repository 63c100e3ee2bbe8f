//! What the tests of compaction share: keyed batches, a compaction, and what a log holds.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate and uses its part"
)]

use std::collections::BTreeMap;
use std::path::Path;

use kafkalite_log::producers::Origin;
use kafkalite_log::{
    AppendOptions, Compacted, Compactor, CompactorSettings, Log, LogConfig, OpenOptions, ReadUpTo,
};
use kafkalite_records::{
    BatchBuilder, BatchOrigin, Compression, Compressor, Decompressor, Records, batches,
};

/// The time at which the tests happen.
const NOW: i64 = 1_700_000_000_000;
/// The key of records that only begin segments.
const FILLER: &str = "~";
/// Longer than any delay.
pub const FOREVER: i64 = 1 << 40;

/// A compacted log whose segments end when [`roll`] says so.
pub const CONFIG: LogConfig = LogConfig {
    segment_bytes: 1 << 20,
    segment_ms: i64::MAX,
    index_interval_bytes: 500,
    segment_index_bytes: 24 * 1024,
    retention_ms: None,
    retention_bytes: None,
    delete_expired: false,
    compacted: true,
    delete_retention_ms: 24 * 3_600_000,
    min_compaction_lag_ms: 0,
    max_compaction_lag_ms: i64::MAX,
    file_delete_delay_ms: 60_000,
    flush_messages: None,
    flush_ms: None,
    max_decompressed_message_bytes: i32::MAX as u32,
    compression: None,
    check_compressed: true,
    max_message_bytes: 1 << 20,
    timestamp_type: kafkalite_records::TimestampType::Create,
    timestamp_before_max_ms: i64::MAX,
    timestamp_after_max_ms: i64::MAX,
    durability: kafkalite_log::Durability::Visible,
};

const CLIENT: AppendOptions = AppendOptions {
    leader_epoch: 0,
    now_ms: NOW,
    origin: Origin::Client,
};

/// A record as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub offset: i64,
    pub timestamp: i64,
    pub key: Option<String>,
    pub value: Option<String>,
}

/// Opens a log that was not closed in order, distrusting everything.
pub fn open(dir: &Path, config: &LogConfig) -> Log {
    let options = OpenOptions {
        now_ms: NOW,
        ..OpenOptions::default()
    };
    Log::open(dir, config.clone(), &options).unwrap().0
}

/// A batch of keys and values.
pub fn batch(
    timestamp: i64,
    pairs: &[(&str, Option<&str>)],
    codec: Compression,
    origin: BatchOrigin,
) -> Vec<u8> {
    let mut builder = BatchBuilder::new(1 << 24);
    for (key, value) in pairs {
        let (key, value) = (key.as_bytes(), value.map(str::as_bytes));
        assert!(builder.try_append(timestamp, Some(key), value, &[]));
    }
    let mut compressor = Compressor::new(codec, None).unwrap();
    builder.build(0, origin, &mut compressor).unwrap().to_vec()
}

/// The same, uncompressed and of nobody.
pub fn keyed(timestamp: i64, pairs: &[(&str, Option<&str>)]) -> Vec<u8> {
    batch(timestamp, pairs, Compression::None, BatchOrigin::ANONYMOUS)
}

/// Appends one record, and answers its offset.
pub fn put(log: &Log, key: &str, value: &str) -> i64 {
    let appended = log.append(&keyed(NOW, &[(key, Some(value))]), &CLIENT);
    appended.unwrap().first_offset
}

/// Appends a tombstone, and answers its offset.
pub fn delete(log: &Log, key: &str) -> i64 {
    let appended = log.append(&keyed(NOW, &[(key, None)]), &CLIENT);
    appended.unwrap().first_offset
}

/// Ends the active segment. The next one begins with a record that [`entries`] does not show.
pub fn roll(log: &Log) {
    let config = LogConfig::clone(&log.config());
    let before = log.segment_bases().len();
    log.reconfigure(LogConfig {
        segment_ms: -FOREVER,
        ..config.clone()
    });
    put(log, FILLER, "");
    log.reconfigure(config);
    assert_eq!(log.segment_bases().len(), before + 1);
}

/// Compacts what there is.
pub fn compact(log: &Log, dirty: i64) -> Compacted {
    compact_at(log, dirty, NOW)
}

/// The same at another time.
pub fn compact_at(log: &Log, dirty: i64, now_ms: i64) -> Compacted {
    let mut compactor = Compactor::new(CompactorSettings::default());
    log.compact(
        &log.cleanable(dirty, now_ms).unwrap(),
        &mut compactor,
        now_ms,
        &mut |_| true,
    )
    .unwrap()
}

/// Everything that a reader from the start sees, checksums verified, batches in order.
pub fn entries(log: &Log) -> Vec<Entry> {
    let (mut found, mut offset) = (Vec::new(), log.start_offset());
    let end = log.high_watermark();
    loop {
        let slice = log
            .read(offset, 1 << 20, ReadUpTo::HighWatermark, true)
            .unwrap();
        if slice.is_empty() {
            assert!(
                offset >= end,
                "nothing at {offset}, and the log ends at {end}"
            );
            return found;
        }
        let bytes = slice.bytes().unwrap();
        for batch in batches(&bytes) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            let header = *batch.header();
            assert!(header.last_offset() >= offset);
            offset = header.next_offset();
            if header.is_control() {
                continue;
            }
            let payload = batch.decompress(&mut Decompressor::new(), 1 << 24).unwrap();
            for record in Records::new(&header, &payload) {
                let record = record.unwrap();
                if record.key == Some(FILLER.as_bytes()) {
                    continue;
                }
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                found.push(Entry {
                    offset: record.offset,
                    timestamp: record.timestamp,
                    key: record.key.map(text),
                    value: record.value.map(text),
                });
            }
        }
    }
}

/// The last value of every key; a key that is deleted has none.
pub fn latest(entries: &[Entry]) -> BTreeMap<String, String> {
    let mut latest = BTreeMap::new();
    for entry in entries {
        let key = entry.key.clone().unwrap();
        match &entry.value {
            Some(value) => latest.insert(key, value.clone()),
            None => latest.remove(&key),
        };
    }
    latest
}
