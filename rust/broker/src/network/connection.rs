//! One connection: read a frame, have it answered, send the answer, again.
//!
//! While an answer is in the making, a little is read ahead: that shows a peer that went away, and the next request is
//! here when its turn comes. More than a little stays in the socket, and so, in the end, with the peer.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::io::ioctl_fionread;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

use super::frames::Frames;
use super::quota::{Hold, Quota, SMALL};
use super::sending::Unsent;
use super::turn::Turn;
use crate::answer::Handled;
use crate::handlers::{self, Connection};
use crate::state::BrokerState;
use crate::warnings::About;

/// How long a large request, which holds part of what all share, may take for its next byte.
const LARGE_STALL: Duration = Duration::from_secs(30);
/// How often a large request that waits for its share looks whether its peer is there.
const LOOK: Duration = Duration::from_secs(1);
/// After this long without a request a connection gives its buffer back.
const KEEP_BUFFER: Duration = Duration::from_secs(1);

/// Why a connection ended.
#[derive(Debug)]
enum End {
    /// Nothing to say: the peer is done, or the broker stops.
    Quiet,
    /// The connection broke, as connections do.
    Broken(io::Error),
    /// The peer broke the rules.
    Because(String),
    /// We could not do what we had promised.
    Ours(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// Serves the connection until it ends, and says why where somebody should know.
pub(super) async fn serve(
    stream: TcpStream,
    connection: Arc<Connection>,
    peer_done: watch::Sender<bool>,
    broker: Arc<BrokerState>,
    quota: Arc<Quota>,
) {
    let limit = broker.configs.settings().socket_request_max_bytes;
    let mut served = Served {
        stream,
        frames: Frames::new(limit),
        turn: Turn::default(),
        peer_done,
        quota,
        broker,
        connection,
    };
    let (id, peer) = (served.connection.id, served.connection.peer);
    let end = served.run().await;
    served.broker.fetch_sessions.connection_closed(id);
    let is_new = |reason: &str| {
        let about = About::Peer(peer.ip());
        served.broker.warnings.is_new(about, reason)
    };
    match end {
        End::Quiet => tracing::debug!(id, %peer, "connection closed"),
        End::Broken(error) => tracing::debug!(id, %peer, "connection broke: {error}"),
        End::Because(reason) if is_new(&reason) => {
            tracing::warn!(id, %peer, "connection closed: {reason}");
        }
        End::Ours(reason) if is_new(&reason) => {
            tracing::error!(id, %peer, "connection closed: {reason}");
        }
        End::Because(reason) | End::Ours(reason) => {
            tracing::debug!(id, %peer, "connection closed: {reason}");
        }
    }
}

struct Served {
    stream: TcpStream,
    frames: Frames,
    turn: Turn,
    peer_done: watch::Sender<bool>,
    quota: Arc<Quota>,
    broker: Arc<BrokerState>,
    connection: Arc<Connection>,
}

impl Served {
    async fn run(&mut self) -> End {
        let mut stopping = self.broker.stopping.subscribe();
        loop {
            let frame = tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return End::Quiet,
                frame = self.arrive() => match frame {
                    Ok(frame) => frame,
                    Err(end) => return end,
                },
            };
            if let Err(end) = self.answer(frame).await {
                return end;
            }
        }
    }

    /// The next request. Dropping this future loses nothing: bytes stay in the buffer.
    async fn arrive(&mut self) -> Result<Bytes, End> {
        loop {
            let told = |error: kafkalite_wire::Error| End::Because(error.to_string());
            if let Some(frame) = self.frames.next().map_err(told)? {
                return Ok(frame);
            }
            if let Some(len) = self.frames.announced().map_err(told)? {
                let hold = self.hold(len).await?;
                self.frames.begin_large(len, hold);
            }
            self.read_some().await?;
        }
    }

    /// Waits for the right to hold a large frame. Gives up its place among those who wait if the peer has left before it sent
    /// all of it: those behind may have the room that this one needs.
    async fn hold(&self, len: usize) -> Result<Hold, End> {
        let holding = self.quota.hold(len);
        tokio::pin!(holding);
        loop {
            match timeout(LOOK, &mut holding).await {
                Ok(hold) => return Ok(hold),
                Err(_) if self.has_left_halfway(len).await? => return Err(self.peer_left()),
                Err(_) => {}
            }
        }
    }

    /// Whether the peer sends nothing more, though what is here, read and unread, is not all of the frame. (What has arrived keeps
    /// the socket readable, so that its end is not waited for.)
    async fn has_left_halfway(&self, len: usize) -> io::Result<bool> {
        // Without waiting.
        let ready = timeout(Duration::ZERO, self.stream.ready(Interest::READABLE)).await;
        let Ok(ready) = ready else { return Ok(false) };
        if !ready?.is_read_closed() {
            return Ok(false);
        }
        let unread = usize::try_from(ioctl_fionread(&self.stream)?).unwrap_or(usize::MAX);
        Ok(unread.saturating_add(self.frames.waiting()) < len + kafkalite_wire::frame::PREFIX_LEN)
    }

    /// Waits for bytes and reads them.
    async fn read_some(&mut self) -> Result<(), End> {
        match self.frames.read(&self.stream) {
            Ok(0) => return Err(self.peer_left()),
            Ok(read) => {
                self.turn.moved(read).await;
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        let mut idle = self.idle();
        if self.frames.holds_up_others() {
            idle = idle.min(LARGE_STALL);
        }
        if self.frames.hoards() && idle > KEEP_BUFFER {
            match timeout(KEEP_BUFFER, self.stream.readable()).await {
                Ok(ready) => return Ok(ready?),
                Err(_) => self.frames.shrink(),
            }
        }
        match timeout(idle, self.stream.readable()).await {
            Ok(ready) => Ok(ready?),
            Err(_) if self.frames.waiting() == 0 => Err(End::Quiet),
            Err(_) => Err(End::Because(format!(
                "{} of a request, then nothing for {idle:?}",
                self.progress()
            ))),
        }
    }

    async fn answer(&mut self, frame: Bytes) -> Result<(), End> {
        let answering = handlers::answer(
            Arc::clone(&self.broker),
            Arc::clone(&self.connection),
            frame,
        );
        match self.while_watching_the_peer(answering).await {
            Handled::Answer(answer) => {
                let idle = self.idle();
                let sent = answer.send(&self.stream, &mut self.turn, idle).await;
                sent.map_err(|unsent| match unsent {
                    Unsent::Broken(error) => End::Broken(error),
                    Unsent::Ours(reason) => End::Ours(reason),
                })
            }
            Handled::Nothing => Ok(()),
            Handled::Close(reason) => Err(End::Because(reason)),
        }
    }

    /// Reads ahead while `answering` waits, so that a parked request hears when its peer has left.
    async fn while_watching_the_peer(
        &mut self,
        answering: impl Future<Output = Handled>,
    ) -> Handled {
        tokio::pin!(answering);
        loop {
            let watching = self.frames.waiting() < SMALL && !*self.peer_done.borrow();
            tokio::select! {
                biased;
                outcome = &mut answering => return outcome,
                _ = self.stream.readable(), if watching => {}
            }
            let left = match self.frames.read(&self.stream) {
                Ok(read) => read == 0,
                Err(error) => error.kind() != io::ErrorKind::WouldBlock,
            };
            if left {
                // It may have closed only its half: what it asked is still answered, without waiting any longer.
                self.peer_done.send_replace(true);
            }
        }
    }

    fn peer_left(&self) -> End {
        match self.frames.waiting() {
            0 => End::Quiet,
            _ => End::Because(format!(
                "the peer left after {} of a request",
                self.progress()
            )),
        }
    }

    fn progress(&self) -> String {
        match self.frames.coming() {
            Ok(Some(len)) => format!(
                "{} of {} bytes",
                self.frames.waiting(),
                len + kafkalite_wire::frame::PREFIX_LEN
            ),
            _ => format!("{} bytes", self.frames.waiting()),
        }
    }

    fn idle(&self) -> Duration {
        Duration::from_millis(self.broker.configs.settings().connections_max_idle_ms)
    }
}
