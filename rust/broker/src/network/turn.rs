//! Taking turns: a connection whose peer always has more to give or to take would otherwise keep its worker to itself.

/// After this many bytes in one direction other tasks of the worker come first.
const TURN: usize = 1024 * 1024;

/// How much a connection has moved since others had their turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    moved: usize,
}

impl Turn {
    /// Notes that bytes were moved, and lets others go first if that were many.
    pub(super) async fn moved(&mut self, bytes: usize) {
        self.moved += bytes;
        if self.moved >= TURN {
            self.moved = 0;
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    #[tokio::test]
    async fn who_always_has_more_to_move_lets_others_go_first_after_every_megabyte() {
        const PIECE: usize = 100_000;
        let moved = Arc::new(AtomicUsize::new(0));
        let seen_by_others = Arc::clone(&moved);
        let greedy = tokio::spawn(async move {
            let mut turn = Turn::default();
            while moved.load(Relaxed) < 10 * TURN {
                moved.fetch_add(PIECE, Relaxed);
                turn.moved(PIECE).await;
            }
        });
        let mut seen = vec![0];
        while seen[seen.len() - 1] < 10 * TURN {
            tokio::task::yield_now().await;
            seen.push(seen_by_others.load(Relaxed));
        }
        greedy.await.unwrap();
        let most = TURN + PIECE;
        assert!(
            seen.windows(2).all(|two| two[1] - two[0] <= most),
            "{seen:?}"
        );
    }
}
