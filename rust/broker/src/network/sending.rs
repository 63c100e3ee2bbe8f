//! An answer on its way out: bytes from memory, records from their files.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::{Buf, Bytes};
use kafkalite_log::LogSlice;
use kafkalite_wire::Part;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::turn::Turn;
use crate::answer::AnswerFrame;
use crate::page_cache;

/// From this many bytes on, `sendfile` is faster than writing from a mapping (below, the extra call costs more).
const SENDFILE_FROM: usize = 64 * 1024;
/// Most bytes in one call of `sendfile`; more gains nothing, and keeps the worker to itself for longer.
const SENDFILE_AT_ONCE: u64 = 1024 * 1024;
/// The head of a slice's first batch was read to find it, so that this much from there on is in memory.
const LOOKED_AT: usize = 4 * 1024;
/// Most pieces in one call; the system allows 1,024.
const PIECES_AT_ONCE: usize = 64;

/// Why an answer was not sent, or not all of it.
#[derive(Debug)]
pub(super) enum Unsent {
    /// The connection broke.
    Broken(io::Error),
    /// The records that it promises are not there. Its length is out already: the peer can only be told by closing.
    Ours(String),
}

impl From<io::Error> for Unsent {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl AnswerFrame {
    /// Sends everything. A peer that takes no byte for `idle` is given up.
    pub(super) async fn send(
        self,
        stream: &TcpStream,
        turn: &mut Turn,
        idle: Duration,
    ) -> Result<(), Unsent> {
        let mut pieces = VecDeque::new();
        for part in self.frame.into_parts() {
            let (slot, len) = match part {
                Part::Bytes(bytes) => {
                    pieces.push_back(bytes);
                    continue;
                }
                Part::Splice { slot, len } => (slot, len as usize),
            };
            let slice = self
                .slices
                .get(slot as usize)
                .filter(|slice| slice.len() == len);
            let slice = slice.ok_or_else(|| ours("it promises records that it does not hold"))?;
            if cfg!(target_os = "linux") && len >= SENDFILE_FROM {
                send_pieces(stream, &mut pieces, true, turn, idle).await?;
                send_file(stream, slice, turn, idle).await?;
            } else {
                if let Some(file) = slice.file().filter(|_| len > LOOKED_AT) {
                    let rest = slice.position() + LOOKED_AT as u64;
                    page_cache::bring_in(file, rest, (len - LOOKED_AT) as u64).await;
                }
                pieces.push_back(slice.bytes().map_err(ours)?);
            }
        }
        send_pieces(stream, &mut pieces, false, turn, idle).await
    }
}

fn ours(reason: impl fmt::Display) -> Unsent {
    Unsent::Ours(format!("an answer cannot be sent: {reason}"))
}

/// Sends what is in memory. `more`: the rest of the answer follows at once, so that a short piece need not travel alone.
async fn send_pieces(
    stream: &TcpStream,
    pieces: &mut VecDeque<Bytes>,
    more: bool,
    turn: &mut Turn,
    idle: Duration,
) -> Result<(), Unsent> {
    while !pieces.is_empty() {
        let mut sent = {
            let at_once: Vec<IoSlice<'_>> = pieces
                .iter()
                .take(PIECES_AT_ONCE)
                .map(|piece| IoSlice::new(piece))
                .collect();
            let more = more || at_once.len() < pieces.len();
            when_writable(stream, idle, || send_once(stream, &at_once, more)).await?
        };
        turn.moved(sent).await;
        while let Some(first) = pieces.front_mut() {
            if sent < first.len() {
                first.advance(sent);
                break;
            }
            sent -= first.len();
            pieces.pop_front();
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn send_once(stream: &TcpStream, pieces: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
    let flags = SendFlags::NOSIGNAL
        | if more {
            SendFlags::MORE
        } else {
            SendFlags::empty()
        };
    Ok(sendmsg(
        stream,
        pieces,
        &mut SendAncillaryBuffer::default(),
        flags,
    )?)
}

#[cfg(not(target_os = "linux"))]
fn send_once(stream: &TcpStream, pieces: &[IoSlice<'_>], _more: bool) -> io::Result<usize> {
    use std::io::Write;
    let socket = socket2::SockRef::from(stream);
    let mut socket: &socket2::Socket = &socket;
    socket.write_vectored(pieces)
}

#[cfg(target_os = "linux")]
async fn send_file(
    stream: &TcpStream,
    slice: &LogSlice,
    turn: &mut Turn,
    idle: Duration,
) -> Result<(), Unsent> {
    let Some(file) = slice.file() else {
        return Ok(());
    };
    let mut at = slice.position();
    let end = at + slice.len() as u64;
    let mut in_memory = at;
    while at < end {
        let count = (end - at).min(SENDFILE_AT_ONCE) as usize;
        if in_memory < end && in_memory < at + count as u64 {
            let more = (end - in_memory).min(SENDFILE_AT_ONCE);
            page_cache::bring_in(file, in_memory, more).await;
            in_memory += more;
        }
        let from = at;
        let sent = when_writable(stream, idle, || {
            let mut from = from;
            Ok(rustix::fs::sendfile(
                stream,
                &**file,
                Some(&mut from),
                count,
            )?)
        })
        .await?;
        at += sent as u64;
        turn.moved(sent).await;
        if sent == 0 {
            return Err(ours("a segment file is shorter than the log says"));
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
async fn send_file(_: &TcpStream, _: &LogSlice, _: &mut Turn, _: Duration) -> Result<(), Unsent> {
    unreachable!("only called on Linux")
}

/// Calls `send` until it does not say that it would block.
async fn when_writable(
    stream: &TcpStream,
    idle: Duration,
    mut send: impl FnMut() -> io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match stream.try_io(Interest::WRITABLE, &mut send) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            done => return done,
        }
        match tokio::time::timeout(idle, stream.writable()).await {
            Ok(ready) => ready?,
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
