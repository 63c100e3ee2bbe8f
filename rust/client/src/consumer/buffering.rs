//! What was fetched becomes batches in the partitions' buffers, in the order in which it was fetched.

use std::sync::Arc;

use kafkalite_records::Decompressor;

use super::decode::{Fetched, decode};
use super::shared::ConsumerShared;
use crate::codec_pool;

/// Uncompressed bytes that are not worth another thread: checking them takes less than handing them over and waiting.
const SMALL: usize = 64 << 10;

/// Decodes all of it: off the runtime's workers, unless that takes no time worth mentioning. What is decompressed may be any
/// number of times as large as what came.
pub(super) async fn buffer(
    shared: &Arc<ConsumerShared>,
    fetched: Vec<Fetched>,
    decompressor: &mut Decompressor,
) {
    let bytes: usize = fetched.iter().map(|it| it.bytes.len()).sum();
    if bytes <= SMALL && !fetched.iter().any(|it| it.is_compressed) {
        buffer_all(shared, fetched, decompressor);
        return;
    }
    let shared = Arc::clone(shared);
    let mut moved = std::mem::take(decompressor);
    let decoding = codec_pool::run(move || {
        buffer_all(&shared, fetched, &mut moved);
        moved
    });
    *decompressor = decoding.await;
}

fn buffer_all(shared: &ConsumerShared, fetched: Vec<Fetched>, decompressor: &mut Decompressor) {
    let config = &shared.config;
    for fetched in fetched {
        if shared.is_closed() {
            return; // nobody takes it any more
        }
        let (of, generation) = (&fetched.of, fetched.generation);
        let decoded = decode(
            &fetched,
            decompressor,
            config.max_batch_bytes,
            config.check_crcs,
            |batch| {
                shared.fetched(of, generation, |partition| partition.buffer(batch));
            },
        );
        shared.fetched(of, generation, |partition| {
            partition.expected_done(fetched.bytes.len());
            if let Err(error) = decoded {
                partition.halt(error);
            }
        });
    }
}
