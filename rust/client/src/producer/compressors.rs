//! Compressors that are kept from one batch to the next.

use bytes::Bytes;
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor, InvalidLevel};
use parking_lot::Mutex;

/// Bytes before compression up to which a batch is compressed where it is: handing it to another thread would take as long.
const SHORT: usize = 16 << 10;

/// All of one codec and level. There are as many as were in use at a time.
#[derive(Debug)]
pub(super) struct Compressors {
    codec: Compression,
    level: Option<i32>,
    idle: Mutex<Vec<Compressor>>,
}

impl Compressors {
    pub(super) fn new(codec: Compression, level: Option<i32>) -> Result<Self, InvalidLevel> {
        let first = Compressor::new(codec, level)?;
        Ok(Self {
            codec,
            level,
            idle: Mutex::new(vec![first]),
        })
    }

    /// Whether compressing so many bytes takes long enough to hold others up.
    pub(super) fn takes_long(&self, bytes: usize) -> bool {
        self.codec != Compression::None && bytes > SHORT
    }

    /// The batch of a builder's records.
    pub(super) fn build(&self, records: &mut BatchBuilder, origin: BatchOrigin) -> Bytes {
        let idle = self.idle.lock().pop();
        let mut compressor = idle.unwrap_or_else(|| {
            Compressor::new(self.codec, self.level).expect("the first was of this level, too")
        });
        let batch = records
            .build(0, origin, &mut compressor)
            .unwrap_or_default();
        self.idle.lock().push(compressor);
        batch
    }
}
