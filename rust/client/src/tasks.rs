//! Tasks beside the one that has them, each with what is known of it however it ends.

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

/// Tasks that give a `T`, each with a `K` that its owner needs when it has ended. Dropping this ends them.
#[derive(Debug)]
pub(crate) struct Tasks<K, T> {
    tasks: JoinSet<T>,
    known: HashMap<Id, K>,
}

impl<K, T: Send + 'static> Tasks<K, T> {
    pub(crate) fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            known: HashMap::new(),
        }
    }

    pub(crate) fn begin(&mut self, known: K, task: impl Future<Output = T> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.known.insert(id, known);
    }

    /// The one that ends next, with its outcome or that it panicked; `None` if there is none. Cancelling this loses nothing.
    pub(crate) async fn next(&mut self) -> Option<(K, Result<T, JoinError>)> {
        let ended = self.tasks.join_next_with_id().await?;
        Some(self.known(ended))
    }

    /// One that has ended, if there is one by now.
    pub(crate) fn try_next(&mut self) -> Option<(K, Result<T, JoinError>)> {
        let ended = self.tasks.try_join_next_with_id()?;
        Some(self.known(ended))
    }

    /// What is known of one that has ended.
    fn known(&mut self, ended: Result<(Id, T), JoinError>) -> (K, Result<T, JoinError>) {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, Ok(outcome)),
            Err(error) => (error.id(), Err(error)),
        };
        let known = self.known.remove(&id);
        (known.expect("noted when it began"), outcome)
    }

    /// Ends all in the middle of their work, as a panic does.
    #[cfg(test)]
    pub(crate) fn interrupt(&mut self) {
        self.tasks.abort_all();
    }
}
