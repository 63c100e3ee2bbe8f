//! Requests that wait for their response. A broker answers in the order of asking, so this is a queue.

use std::collections::VecDeque;

use bytes::Bytes;
use kafkalite_wire::frame;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::address::Address;
use crate::error::{LinkError, Result};

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConnectionEnd {
    /// The peer or the network ended it.
    Lost(String),
    /// What came was not an answer to what was asked.
    Nonsense(String),
}

impl ConnectionEnd {
    pub(super) fn into_error(self, address: &Address) -> LinkError {
        let address = address.clone();
        match self {
            ConnectionEnd::Lost(reason) => LinkError::Disconnected {
                address,
                reason: reason.into(),
            },
            ConnectionEnd::Nonsense(detail) => LinkError::Protocol {
                address,
                detail: detail.into(),
            },
        }
    }
}

pub(super) type Answer = oneshot::Receiver<Result<Bytes>>;

#[derive(Debug, Default)]
pub(super) struct PendingRequests {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next_id: i32,
    waiting: VecDeque<(i32, oneshot::Sender<Result<Bytes>>)>,
    ended: Option<LinkError>,
}

impl PendingRequests {
    /// Gives `send` the next correlation id and queues what waits for the answer, both under one lock, so that frames
    /// leave in the order of the queue.
    pub(super) fn ask(
        &self,
        answered: bool,
        send: impl FnOnce(i32) -> Result<()>,
    ) -> Result<Option<Answer>> {
        let mut queue = self.queue.lock();
        if let Some(error) = &queue.ended {
            return Err(error.clone());
        }
        let id = queue.next_id;
        send(id)?;
        queue.next_id = id.wrapping_add(1);
        if !answered {
            return Ok(None);
        }
        let (sender, receiver) = oneshot::channel();
        queue.waiting.push_back((id, sender));
        Ok(Some(receiver))
    }

    /// Hands a response to the oldest request. Whoever asked may have stopped waiting: then it is dropped.
    pub(super) fn complete(&self, response: Bytes) -> Result<(), ConnectionEnd> {
        let id = frame::correlation_id(&response)
            .map_err(|error| ConnectionEnd::Nonsense(error.to_string()))?;
        let oldest = self.queue.lock().waiting.pop_front();
        match oldest {
            Some((expected, sender)) if expected == id => {
                let _ = sender.send(Ok(response));
                Ok(())
            }
            Some((expected, sender)) => {
                self.queue.lock().waiting.push_front((expected, sender));
                Err(ConnectionEnd::Nonsense(format!(
                    "a response to request {id} where that to {expected} was due"
                )))
            }
            None => Err(ConnectionEnd::Nonsense(format!(
                "a response to request {id}, which was never sent"
            ))),
        }
    }

    /// Fails everything that waits and everything that is asked from now on. The first reason stays.
    pub(super) fn end(&self, error: &LinkError) {
        let waiting = {
            let mut queue = self.queue.lock();
            if queue.ended.is_some() {
                return;
            }
            queue.ended = Some(error.clone());
            std::mem::take(&mut queue.waiting)
        };
        for (_, sender) in waiting {
            let _ = sender.send(Err(error.clone()));
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.queue.lock().ended.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(id: i32) -> Bytes {
        Bytes::copy_from_slice(&id.to_be_bytes())
    }

    #[tokio::test]
    async fn answers_go_to_the_oldest_request_and_a_stranger_is_refused() {
        let pending = PendingRequests::default();
        let first = pending.ask(true, |_| Ok(())).unwrap().unwrap();
        assert!(pending.ask(false, |_| Ok(())).unwrap().is_none());
        let third = pending.ask(true, |_| Ok(())).unwrap().unwrap();
        assert!(matches!(
            pending.complete(response(2)),
            Err(ConnectionEnd::Nonsense(_))
        ));
        pending.complete(response(0)).unwrap();
        assert_eq!(first.await.unwrap().unwrap(), response(0));
        drop(third); // whoever asked was cancelled: the answer is still taken off the queue
        pending.complete(response(2)).unwrap();
        assert!(matches!(
            pending.complete(response(3)),
            Err(ConnectionEnd::Nonsense(_))
        ));
        assert!(matches!(
            pending.complete(Bytes::from_static(b"ab")),
            Err(ConnectionEnd::Nonsense(_))
        ));
    }

    #[tokio::test]
    async fn the_end_fails_those_who_wait_and_those_who_come() {
        let pending = PendingRequests::default();
        let waiting = pending.ask(true, |_| Ok(())).unwrap().unwrap();
        pending.end(
            &ConnectionEnd::Lost("a test".to_owned()).into_error(&Address::parse("a:1").unwrap()),
        );
        assert!(waiting.await.unwrap().is_err());
        assert!(pending.ask(true, |_| unreachable!()).is_err());
        assert!(!pending.is_open());
    }
}
