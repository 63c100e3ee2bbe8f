//! Records that were appended, and whether a restart finds them.

use std::sync::Arc;

use crate::refusal::Refusal;
use crate::replicas::partition::Partition;

/// Records that are in the log, perhaps not yet where a power cut spares them.
#[derive(Debug, Clone)]
#[must_use = "an answer waits until its records are visible"]
pub(crate) struct StoredUpTo {
    partition: Arc<Partition>,
    end: i64,
}

impl StoredUpTo {
    pub(super) fn new(partition: Arc<Partition>, end: i64) -> Self {
        Self { partition, end }
    }

    pub(crate) fn is_visible(&self) -> bool {
        self.partition.log.high_watermark() >= self.end
    }

    pub(crate) async fn until_visible(&self) -> Result<(), Refusal> {
        self.partition.until_visible(self.end).await
    }
}
