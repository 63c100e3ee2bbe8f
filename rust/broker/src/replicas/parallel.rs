//! The same work for many partitions, on a few threads: most of it is waiting for the disk, and the disk serves those who
//! wait together at once.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Threads at the most; more of them gain nothing on one disk.
const THREADS: usize = 8;
/// With fewer items than this for each thread, starting it costs more than it gains.
const SHARE: usize = 2;

/// Does `work` for each item, in no particular order; the results are in the items' order.
pub(super) fn map<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else {
                return done;
            };
            done.push((number, work(item)));
        }
    };
    let helpers = (items.len() / SHARE).min(THREADS).saturating_sub(1);
    let mut done = thread::scope(|scope| {
        // Where the system gives no more threads, those that there are do it all.
        let helpers: Vec<_> = (0..helpers)
            .map_while(|_| thread::Builder::new().spawn_scoped(scope, run).ok())
            .collect();
        let mut done = run();
        for helper in helpers {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|&(number, _)| number);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_however_many_there_are() {
        for count in [0, 1, 2, 5, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(map(&items, |item| item * 2), doubled);
        }
    }
}
