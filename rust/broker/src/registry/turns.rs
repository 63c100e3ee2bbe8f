//! How topics are changed: one change at a time, on a blocking thread, to its end.

use std::sync::Arc;

use super::{Registry, local::catalog::Catalog};
use crate::refusal::Refusal;

pub(super) type Changed<T> = Result<T, Refusal>;

impl Registry {
    /// Runs a change that has `count` outcomes. It ends even if who asked for it goes away.
    pub(super) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        count: usize,
        change: impl FnOnce(&Self, &mut Catalog) -> Vec<Changed<T>> + Send + 'static,
    ) -> Vec<Changed<T>> {
        let registry = Arc::clone(self);
        let stopping = move || (0..count).map(|_| Err(Refusal::stopping())).collect();
        let run = move || match registry.catalog.lock().as_mut() {
            Some(catalog) => change(&registry, catalog),
            None => stopping(),
        };
        tokio::task::spawn_blocking(run)
            .await
            .unwrap_or_else(move |_| stopping())
    }
}
