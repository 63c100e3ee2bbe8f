//! All records of a log as lines of JSON, byte for byte as `tests/peers/java-client consume` prints what Kafka's client reads.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafkalite_log::{Log, ReadUpTo};
use kafkalite_records::legacy::MessageSet;
use kafkalite_records::{DecodedBatch, Decompressor, Entry, Record};

/// What a consumer gets from the start to the high watermark; control records are not for consumers.
pub(crate) fn lines(log: &Log) -> Vec<String> {
    let mut lines = Vec::new();
    let mut decompressor = Decompressor::new();
    let mut offset = log.start_offset();
    while offset < log.high_watermark() {
        let mut bytes = log
            .read(offset, 1 << 20, ReadUpTo::HighWatermark, true)
            .unwrap()
            .bytes()
            .unwrap();
        assert!(
            !bytes.is_empty(),
            "nothing at {offset}, the end is {}",
            log.high_watermark()
        );
        // A slice may end in the middle of an entry.
        while let Ok(entry) = Entry::parse(&bytes) {
            entry.verify_crc().unwrap();
            offset = entry.last_offset() + 1;
            let whole = bytes.slice_ref(entry.bytes());
            match entry {
                Entry::Batch(batch) if batch.header().is_control() => {}
                Entry::Batch(_) => {
                    let batch = DecodedBatch::decode(&whole, &mut decompressor, 1 << 24).unwrap();
                    lines.extend(batch.records().map(|record| line(&record.unwrap())));
                }
                Entry::Message(_) => {
                    let set = MessageSet::decode(&whole, &mut decompressor, 1 << 24).unwrap();
                    lines.extend(
                        set.layouts()
                            .iter()
                            .map(|layout| line(&layout.of(set.payload()))),
                    );
                }
            }
            bytes = bytes.slice(whole.len()..);
        }
    }
    lines
}

/// One record.
pub(crate) fn line(record: &Record<'_>) -> String {
    let mut headers = String::new();
    for header in record.headers.clone() {
        let header = header.unwrap();
        let comma = if headers.is_empty() { "" } else { "," };
        write!(
            headers,
            "{comma}[\"{}\",{}]",
            header.name(),
            base64(header.value)
        )
        .unwrap();
    }
    format!(
        "{{\"offset\":{},\"timestamp\":{},\"key\":{},\"value\":{},\"headers\":[{headers}]}}",
        record.offset,
        record.timestamp,
        base64(record.key),
        base64(record.value)
    )
}

fn base64(bytes: Option<&[u8]>) -> String {
    bytes.map_or("null".to_owned(), |bytes| {
        format!("\"{}\"", STANDARD.encode(bytes))
    })
}
