//! Transaction markers that lie in the log (KIP-98). We do not write them yet; directories of Apache Kafka have them.

use kafkalite_records::{ControlKind, Decompressor, EndTransaction, RecordBatch};

use crate::Result;
use crate::producers::TransactionEnd;
use crate::segment::{Found, SegmentFile};

/// A marker is a record of some tens of bytes: one that claims more is none.
const MAX_MARKER_BYTES: usize = 1024;

/// The transaction that a control batch ends; nothing if it is about something else.
pub(super) fn transaction_end(file: &SegmentFile, found: &Found) -> Result<Option<TransactionEnd>> {
    let Some(header) = found
        .head
        .v2
        .filter(|header| header.is_control() && header.has_producer_id())
    else {
        return Ok(None);
    };
    let mut bytes = vec![0; (found.head.len as usize).min(MAX_MARKER_BYTES)];
    let filled = file.read_at(&mut bytes, found.position)?;
    Ok(
        coordinator_epoch(&bytes[..filled]).map(|coordinator_epoch| TransactionEnd {
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            coordinator_epoch,
            timestamp: header.max_timestamp,
        }),
    )
}

fn coordinator_epoch(bytes: &[u8]) -> Option<i32> {
    let batch = RecordBatch::parse(bytes).ok()?;
    let payload = batch
        .decompress(&mut Decompressor::new(), MAX_MARKER_BYTES)
        .ok()?;
    let record = kafkalite_records::Records::new(batch.header(), &payload)
        .next()?
        .ok()?;
    match ControlKind::of(&record).ok()? {
        ControlKind::Abort | ControlKind::Commit => {
            Some(EndTransaction::of(&record).ok()?.coordinator_epoch)
        }
        ControlKind::Other(_) => None,
    }
}
