//! Puts frames on the socket; several that wait go with one system call.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::pending::ConnectionEnd;

/// Slices a system call takes; more would exceed `IOV_MAX` somewhere.
const SLICES: usize = 64;

/// A frame in pieces: its head, and record batches that stay where they are.
#[derive(Debug)]
pub(super) struct OutgoingFrame {
    pub(super) parts: Vec<Bytes>,
    /// Told when all of it is written, for requests that nobody answers.
    pub(super) written: Option<oneshot::Sender<()>>,
}

#[derive(Default)]
struct Queue {
    parts: VecDeque<Bytes>,
    /// Who is told when this many parts, counted from the front, are written.
    watchers: VecDeque<(usize, oneshot::Sender<()>)>,
}

impl Queue {
    fn push(&mut self, frame: OutgoingFrame) {
        self.parts
            .extend(frame.parts.into_iter().filter(|part| !part.is_empty()));
        if let Some(written) = frame.written {
            self.watchers.push_back((self.parts.len(), written));
        }
    }

    fn consume(&mut self, mut written: usize) {
        let mut gone = 0;
        while let Some(front) = self.parts.front_mut() {
            if written < front.len() {
                front.advance(written);
                break;
            }
            written -= front.len();
            self.parts.pop_front();
            gone += 1;
        }
        for (left, _) in &mut self.watchers {
            *left -= gone.min(*left);
        }
        while self.watchers.front().is_some_and(|(left, _)| *left == 0) {
            if let Some((_, watcher)) = self.watchers.pop_front() {
                let _ = watcher.send(());
            }
        }
    }
}

/// Writes frames until the connection ends or nobody can send any more; returns why it did.
pub(super) async fn write_frames(
    mut socket: impl AsyncWrite + Unpin,
    frames: &mut UnboundedReceiver<OutgoingFrame>,
) -> ConnectionEnd {
    let mut queue = Queue::default();
    loop {
        match frames.recv().await {
            Some(frame) => queue.push(frame),
            None => return ConnectionEnd::Lost("the client closed it".to_owned()),
        }
        while !queue.parts.is_empty() {
            while let Ok(frame) = frames.try_recv() {
                queue.push(frame);
            }
            let slices: Vec<_> = queue
                .parts
                .iter()
                .take(SLICES)
                .map(|bytes| IoSlice::new(bytes))
                .collect();
            match socket.write_vectored(&slices).await {
                Ok(0) => return ConnectionEnd::Lost("nothing can be written to it".to_owned()),
                Ok(written) => queue.consume(written),
                Err(error) => return ConnectionEnd::Lost(error.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;
    use tokio::sync::mpsc::unbounded_channel;

    #[tokio::test]
    async fn frames_arrive_in_order_through_short_writes() {
        let (near, mut far) = tokio::io::duplex(7);
        let (sender, mut receiver) = unbounded_channel();
        let mut watchers = Vec::new();
        for text in ["one frame", " and", " another, longer one"] {
            let (written, watcher) = oneshot::channel();
            let parts = vec![Bytes::new(), Bytes::from(text), Bytes::from("|")];
            sender
                .send(OutgoingFrame {
                    parts,
                    written: Some(written),
                })
                .unwrap();
            watchers.push(watcher);
        }
        drop(sender);
        let mut read = String::new();
        let (_, all) = tokio::join!(
            async {
                let near = near;
                write_frames(near, &mut receiver).await
            },
            far.read_to_string(&mut read)
        );
        all.unwrap();
        assert_eq!(read, "one frame| and| another, longer one|");
        for watcher in watchers {
            watcher.await.unwrap();
        }
    }
}
