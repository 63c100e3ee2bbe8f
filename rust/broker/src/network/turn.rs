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
