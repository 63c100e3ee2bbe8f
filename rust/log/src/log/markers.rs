//! Transaction markers (KIP-98): the control batches that end transactions.

use kafkalite_records::{
    BatchHeader, ControlKind, Decompressor, EndTransaction, RecordBatch, Records,
};

use crate::Result;
use crate::producers::TransactionEnd;
use crate::segment::{Found, SegmentFile};

/// A marker is a record of some tens of bytes: one that claims more is none.
const MAX_MARKER_BYTES: usize = 1024;

/// The transaction that a stored batch ends; nothing if it is about something else.
pub(super) fn stored_end(file: &SegmentFile, found: &Found) -> Result<Option<TransactionEnd>> {
    if !found.head.v2.is_some_and(|header| is_marker(&header)) {
        return Ok(None);
    }
    let mut bytes = vec![0; (found.head.len as usize).min(MAX_MARKER_BYTES)];
    let filled = file.read_at(&mut bytes, found.position)?;
    Ok(transaction_end(&bytes[..filled]))
}

/// The transaction that a batch with this header ends, which is to be appended with `rest` behind the header.
pub(super) fn appended_end(header: &BatchHeader, rest: &[u8]) -> Option<TransactionEnd> {
    if !is_marker(header) || rest.len() > MAX_MARKER_BYTES {
        return None;
    }
    transaction_end(&[&header.to_bytes()[..], rest].concat())
}

fn is_marker(header: &BatchHeader) -> bool {
    header.is_control() && header.has_producer_id()
}

fn transaction_end(bytes: &[u8]) -> Option<TransactionEnd> {
    let batch = RecordBatch::parse(bytes).ok()?;
    let header = batch.header();
    let payload = batch
        .decompress(&mut Decompressor::new(), MAX_MARKER_BYTES)
        .ok()?;
    let record = Records::new(header, &payload).next()?.ok()?;
    let aborted = match ControlKind::of(&record).ok()? {
        ControlKind::Abort => true,
        ControlKind::Commit => false,
        ControlKind::Other(_) => return None,
    };
    Some(TransactionEnd {
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        coordinator_epoch: EndTransaction::of(&record).ok()?.coordinator_epoch,
        timestamp: header.max_timestamp,
        aborted,
    })
}
