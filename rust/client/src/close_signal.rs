//! That a client is closed, and the end of everything that waits for it.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::error::{ClientError, Result};

/// Whether a client is closed, which is for good. Every wait that a user of the client can be in goes through
/// [`or_closed`](Self::or_closed), or looks here each time that it is woken.
#[derive(Debug)]
pub(crate) struct CloseSignal {
    /// What is closed, as errors name it.
    client: &'static str,
    is_closed: AtomicBool,
    told: Notify,
}

impl CloseSignal {
    pub(crate) fn new(client: &'static str) -> Self {
        Self {
            client,
            is_closed: AtomicBool::new(false),
            told: Notify::new(),
        }
    }

    /// Closes, and ends the waits. Whether this was the first call.
    pub(crate) fn close(&self) -> bool {
        let is_first = !self.is_closed.swap(true, Ordering::AcqRel);
        self.told.notify_waiters();
        is_first
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    pub(crate) fn error(&self) -> ClientError {
        ClientError::Closed(self.client)
    }

    /// What the wait brings; [`ClientError::Closed`] as soon as the client is closed, or if it is already.
    pub(crate) fn or_closed<T>(
        &self,
        wait: impl Future<Output = Result<T>>,
    ) -> impl Future<Output = Result<T>> {
        // On the heap: each of those that it goes through would hold it twice.
        let wait = Box::pin(wait);
        async move {
            tokio::select! {
                biased;
                () = self.closed() => Err(self.error()),
                done = wait => done,
            }
        }
    }

    /// Waits until the client is closed.
    pub(crate) async fn closed(&self) {
        let told = self.told.notified();
        if !self.is_closed() {
            told.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_when_its_client_is_closed_and_none_begins_later() {
        let closing = CloseSignal::new("test");
        let begun = Notify::new();
        let wait = closing.or_closed(async {
            begun.notify_one();
            std::future::pending::<Result<()>>().await
        });
        let close = async {
            begun.notified().await;
            assert!(closing.close());
        };
        let (waited, ()) = tokio::join!(wait, close);
        assert!(matches!(waited, Err(ClientError::Closed("test"))));
        let later = closing.or_closed(async { Ok(()) }).await;
        assert!(matches!(later, Err(ClientError::Closed("test"))));
        assert!(!closing.close(), "it is closed already");
    }
}
