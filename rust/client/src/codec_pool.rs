//! Where batches are compressed and decompressed: threads that may be busy for as long as it takes, while the runtime's workers
//! go on with connections, heartbeats and timers. As many as there are cores, for all clients of the process together.

use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

static FREE: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(2, usize::from);
    Arc::new(Semaphore::new(cores))
});

/// Does `work` on one of the threads, in turn with whoever else wants one. It is done to its end, also when nobody waits for it
/// any more; the thread counts as busy for that long.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let free = Arc::clone(&FREE).acquire_owned().await;
    let place = free.expect("nobody closes it");
    let done = spawn_blocking(move || {
        let _place = place;
        work()
    });
    match done.await {
        Ok(result) => result,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        // Never begun, because the runtime ends, and with it whoever waits here.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn a_worker_goes_on_while_work_is_done() {
        let met = Arc::new(Barrier::new(2));
        let other = Arc::clone(&met);
        let working = tokio::spawn(run(move || {
            other.wait();
            7
        }));
        // The runtime has one thread, this one: were the work done here, it would wait for itself.
        tokio::task::yield_now().await;
        spawn_blocking(move || met.wait()).await.unwrap();
        assert_eq!(working.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn no_more_are_busy_than_there_are_cores() {
        let cores = available_parallelism().map_or(2, usize::from);
        let (busy, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut work = JoinSet::new();
        for _ in 0..cores * 8 {
            let (busy, most) = (Arc::clone(&busy), Arc::clone(&most));
            work.spawn(run(move || {
                most.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::yield_now();
                busy.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        work.join_all().await;
        assert!(most.load(Ordering::SeqCst) <= cores);
    }
}
