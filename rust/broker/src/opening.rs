//! Appending a producer's batch without holding up others: small ones at once, those that take long to decompress or to
//! compress on a blocking thread, a few at a time.
//!
//! A small batch may decompress to a large one, so nobody believes its size: what turns out to be large is begun again.

use std::sync::Arc;

use kafkalite_log::{Appended, LogError, limits};
use kafkalite_records::{Compression, OwnedBatch};
use tokio::sync::Semaphore;

use crate::replicas::partition::Partition;

/// Compressed bytes, or bytes to be compressed, that are worked on at once: a fraction of a millisecond in every codec.
const AT_ONCE: usize = 32 << 10;
/// Decompressed bytes of which the same holds.
const AT_ONCE_DECOMPRESSED: usize = 256 << 10;
/// Threads at a time: each may have a batch in memory, decompressed.
const THREADS: usize = 4;

/// The turns for opening large batches.
#[derive(Debug)]
pub(crate) struct Opening(Arc<Semaphore>);

impl Default for Opening {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(THREADS)))
    }
}

impl Opening {
    /// Appends `batch`. `None` if the runtime is being shut down.
    pub(crate) async fn append(
        &self,
        partition: &Arc<Partition>,
        batch: OwnedBatch,
    ) -> Option<Result<Appended, LogError>> {
        let view = batch.view();
        let opens = partition.log.config().opens(view.header());
        if !opens || view.bytes().len() <= AT_ONCE {
            let most = match view.header().compression() {
                Compression::None => usize::MAX,
                _ => AT_ONCE_DECOMPRESSED,
            };
            match partition.append_within(&view, most) {
                Err(LogError::DecompressedTooLarge { .. }) => {}
                appended => return Some(appended),
            }
        }
        let turn = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let partition = Arc::clone(partition);
        let append = move || {
            let _turn = turn;
            partition.append_within(&batch.view(), limits::APPENDED)
        };
        tokio::task::spawn_blocking(append).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use kafkalite_log::{Log, LogConfig, OpenOptions};
    use kafkalite_records::{BatchBuilder, BatchOrigin, Compressor};

    use kafkalite_world::{Clock, SystemClock};

    use super::*;

    fn batch(codec: Compression, value: &[u8]) -> OwnedBatch {
        let mut builder = BatchBuilder::new(usize::MAX);
        assert!(builder.try_append(SystemClock.now_ms(), None, Some(value), &[]));
        let mut compressor = Compressor::new(codec, None).unwrap();
        let bytes = builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor);
        OwnedBatch::parse(bytes.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn what_takes_long_to_open_waits_for_a_turn_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let config = LogConfig::default();
        let (log, _) = Log::open(dir.path().join("t-0"), config, &OpenOptions::default()).unwrap();
        let partition = Arc::new(Partition::new("t".into(), 0, log, Arc::new(SystemClock)));
        let opening = Opening::default();
        let all = opening
            .0
            .clone()
            .acquire_many_owned(THREADS as u32)
            .await
            .unwrap();

        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
            .take(1 << 17)
            .collect();
        let small = batch(Compression::Lz4, &[b'x'; 2000]);
        let uncompressed = batch(Compression::None, &noise);
        for (offset, batch) in (0..).zip([small, uncompressed]) {
            let mut append = pin!(opening.append(&partition, batch));
            let polled = append
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(Some(Ok(appended))) = polled else {
                panic!("{polled:?}");
            };
            assert_eq!(appended.first_offset, offset);
        }

        // Large as it comes, and small but with large records in it.
        let compressible = [noise.as_slice(), &noise].concat();
        let large = batch(Compression::Zstd, &compressible);
        let bomb = batch(Compression::Zstd, &vec![0; 1 << 20]);
        let len = |batch: &OwnedBatch| batch.view().bytes().len();
        assert!(len(&large) > AT_ONCE && len(&bomb) < AT_ONCE);
        let mut appends = [
            Box::pin(opening.append(&partition, large)),
            Box::pin(opening.append(&partition, bomb)),
        ];
        for append in &mut appends {
            let polled = append
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        }
        assert_eq!(partition.log.end_offset(), 2);
        drop(all);
        let [first, second] = appends;
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        assert_eq!(partition.log.end_offset(), 4);
    }
}
