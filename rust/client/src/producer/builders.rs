//! Builders of batches that are kept from one batch to the next.

use kafkalite_records::BatchBuilder;
use parking_lot::Mutex;

/// Builders kept for further batches; each remembers how much its last batch took.
const SPARE_BUILDERS: usize = 64;

/// All of one size.
#[derive(Debug)]
pub(super) struct Builders {
    /// Bytes of a batch (`batch.size`).
    size: usize,
    spare: Mutex<Vec<BatchBuilder>>,
}

impl Builders {
    pub(super) fn new(size: usize) -> Self {
        Self {
            size: size.max(1),
            spare: Mutex::default(),
        }
    }

    pub(super) fn take(&self) -> BatchBuilder {
        let spare = self.spare.lock().pop();
        spare.unwrap_or_else(|| BatchBuilder::new(self.size))
    }

    pub(super) fn recycle(&self, builder: BatchBuilder) {
        let mut spare = self.spare.lock();
        if spare.len() < SPARE_BUILDERS {
            spare.push(builder);
        }
    }
}
