//! Changes of the image take turns: one at a time, on a blocking thread, to its end.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::refusal::Refusal;

pub(super) type Changed<T> = Result<T, Refusal>;

/// What each change is given in its turn, until it is closed.
#[derive(Debug)]
pub(super) struct Turns<K>(Mutex<Option<K>>);

impl<K: Send + 'static> Turns<K> {
    pub(super) fn new(kept: K) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(kept))))
    }

    /// Makes a change that has `count` outcomes. It ends even if who asked for it goes away.
    pub(super) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        count: usize,
        change: impl FnOnce(&mut K) -> Vec<Changed<T>> + Send + 'static,
    ) -> Vec<Changed<T>> {
        let turns = Arc::clone(self);
        let stopping = move || (0..count).map(|_| Err(Refusal::stopping())).collect();
        tokio::task::spawn_blocking(move || turns.take(change).unwrap_or_else(stopping))
            .await
            .unwrap_or_else(move |_| stopping())
    }

    /// Does something in turn with the changes, on this thread, which may block; `None` once they are over.
    pub(super) fn take<T>(&self, act: impl FnOnce(&mut K) -> T) -> Option<T> {
        self.0.lock().as_mut().map(act)
    }

    /// Nothing is changed any more.
    pub(super) fn close(&self) {
        self.0.lock().take();
    }
}
