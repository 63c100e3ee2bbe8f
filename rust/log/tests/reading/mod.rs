//! All records of a log as lines of JSON, byte for byte as `tests/peers/java-client consume` prints what Kafka's client reads.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafkalite_log::{Log, ReadUpTo};
use kafkalite_records::{Decompressor, Record, batches};

/// What a consumer gets from the start to the high watermark; control records are not for consumers.
pub(crate) fn lines(log: &Log) -> Vec<String> {
    let mut lines = Vec::new();
    let mut decompressor = Decompressor::new();
    let mut offset = log.start_offset();
    while offset < log.high_watermark() {
        let slice = log
            .read(offset, 1 << 20, ReadUpTo::HighWatermark, true)
            .unwrap();
        let bytes = slice.bytes().unwrap();
        assert!(
            !bytes.is_empty(),
            "nothing at {offset} though the end is {}",
            log.high_watermark()
        );
        for batch in batches(&bytes) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            offset = batch.header().next_offset();
            if !batch.header().is_control() {
                let decoded = kafkalite_records::DecodedBatch::decode(
                    &bytes.slice_ref(batch.bytes()),
                    &mut decompressor,
                    1 << 24,
                );
                lines.extend(
                    decoded
                        .unwrap()
                        .records()
                        .map(|record| line(&record.unwrap())),
                );
            }
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
