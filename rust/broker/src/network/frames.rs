//! The bytes of one connection on their way in, cut into frames.
//!
//! Small frames, and the beginnings of large ones, come into one small buffer that stays with the connection. A large frame
//! has memory of its own: the right to it is held before it is taken, and it goes with the last slice of the frame. So no
//! connection keeps a large buffer while it is idle, and none reads a large frame ahead.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafkalite_wire::{Error, frame};
use tokio::net::TcpStream;

use super::quota::{Hold, SMALL};

/// Most bytes in the small buffer: the largest small frame.
const MOST_WAITING: usize = SMALL + frame::PREFIX_LEN;
/// The least that is made room for at a time; an idle connection keeps as much.
const STEP: usize = 8 * 1024;
/// Room is made at once for at most this much of a frame.
const MOST_TRUSTED: usize = 4 * 1024 * 1024;

/// Bytes that were read and not yet handed out.
#[derive(Debug)]
pub(super) struct Frames {
    /// What is not of the large frame.
    small: BytesMut,
    large: Option<Large>,
    /// Largest frame in bytes.
    limit: usize,
    /// Largest frame that this peer has sent in full: as much is made room for when it announces the next.
    trusted: usize,
}

/// A large frame that is coming in.
#[derive(Debug)]
struct Large {
    bytes: Vec<u8>,
    len: usize,
    hold: Hold,
}

impl Frames {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            small: BytesMut::new(),
            large: None,
            limit,
            trusted: 0,
        }
    }

    /// The length of the frame that is coming in, once its first four bytes are here.
    pub(super) fn coming(&self) -> Result<Option<usize>, Error> {
        if let Some(large) = &self.large {
            return Ok(Some(large.len));
        }
        let prefix = self.small.first_chunk::<{ frame::PREFIX_LEN }>();
        prefix
            .map(|prefix| frame::length(*prefix, self.limit))
            .transpose()
    }

    /// The length of a large frame that is coming in and waits for [`Self::begin_large`].
    pub(super) fn announced(&self) -> Result<Option<usize>, Error> {
        let is_new = self.large.is_none();
        Ok(self.coming()?.filter(|&len| is_new && len > SMALL))
    }

    /// Goes on with a large frame whose length was [announced](Self::announced), now that it may be held.
    pub(super) fn begin_large(&mut self, len: usize, hold: Hold) {
        // All that is here belongs to it: a frame that is complete would not be large.
        self.small.advance(frame::PREFIX_LEN);
        let mut bytes = Vec::new();
        bytes.reserve_exact(self.small.len().max(self.trusted.min(len)));
        bytes.extend_from_slice(&self.small);
        self.small.clear();
        self.large = Some(Large { bytes, len, hold });
    }

    /// The next frame without its length, if all of it is here.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(large) = &self.large
            && large.bytes.len() < large.len
        {
            return Ok(None);
        }
        if let Some(Large { bytes, len, hold }) = self.large.take() {
            self.trusted = self.trusted.max(len).min(MOST_TRUSTED);
            return Ok(Some(hold.with(bytes.into())));
        }
        let Some(len) = self
            .coming()?
            .filter(|len| self.small.len() - frame::PREFIX_LEN >= *len)
        else {
            return Ok(None);
        };
        self.small.advance(frame::PREFIX_LEN);
        Ok(Some(self.small.split_to(len).freeze()))
    }

    /// Reads once what the socket has, without waiting. 0: the peer has closed its half.
    ///
    /// The memory of a large frame at most doubles with each read and never outgrows the frame: what is allocated follows
    /// what has arrived, not what was announced. A peer that has sent large frames before is given their room at once, so
    /// that its bytes are not copied again and again as the memory grows.
    pub(super) fn read(&mut self, stream: &TcpStream) -> io::Result<usize> {
        if let Some(Large { bytes, len, .. }) = &mut self.large {
            let missing = *len - bytes.len();
            if bytes.len() == bytes.capacity() {
                bytes.reserve_exact(missing.min(bytes.len().max(self.trusted).max(STEP)));
            }
            return stream.try_read_buf(&mut bytes.limit(missing));
        }
        let room = MOST_WAITING - self.small.len();
        self.small.reserve(STEP.min(room));
        stream.try_read_buf(&mut (&mut self.small).limit(room))
    }

    /// How many bytes are waiting to be handed out.
    pub(super) fn waiting(&self) -> usize {
        let large = self.large.as_ref();
        self.small.len() + large.map_or(0, |large| frame::PREFIX_LEN + large.bytes.len())
    }

    /// Whether others wait for what is held for the frame that is coming in.
    pub(super) fn holds_up_others(&self) -> bool {
        self.large.as_ref().is_some_and(|large| large.hold.counts())
    }

    /// Whether an idle connection should give its memory back.
    pub(super) fn hoards(&self) -> bool {
        self.small.is_empty() && self.small.capacity() > STEP
    }

    /// Gives the memory back; only when nothing is waiting in it.
    pub(super) fn shrink(&mut self) {
        if self.small.is_empty() {
            self.small = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[test]
    fn frames_are_cut_wherever_reads_end() {
        let mut frames = Frames::new(10);
        let mut cut = Vec::new();
        for byte in [0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0] {
            frames.small.extend_from_slice(&[byte]);
            cut.extend(frames.next().unwrap());
        }
        assert_eq!(
            cut,
            [
                Bytes::from_static(&[7, 8]),
                Bytes::new(),
                Bytes::from_static(&[9])
            ]
        );
        assert_eq!(frames.waiting(), 1);
    }

    #[test]
    fn a_length_beyond_the_limit_is_an_error_before_anything_is_allocated() {
        for prefix in [[0, 0, 0, 11], [0x7f, 0xff, 0xff, 0xff], [0xff; 4]] {
            let mut frames = Frames::new(10);
            frames.small.extend_from_slice(&prefix);
            assert!(matches!(
                frames.next(),
                Err(Error::FrameTooLarge { limit: 10, .. })
            ));
        }
    }

    #[tokio::test]
    async fn trust_grows_with_what_was_sent_and_has_an_end() {
        for (len, trusted) in [(100, 0), (5 * SMALL, 5 * SMALL), (5 << 20, MOST_TRUSTED)] {
            let (mut peer, stream) = pair().await;
            let mut frames = Frames::new(usize::MAX);
            let sending = tokio::spawn(async move {
                peer.write_all(&(len as u32).to_be_bytes()).await.unwrap();
                peer.write_all(&vec![7; len]).await.unwrap();
                peer
            });
            let frame = arrived(&mut frames, &stream).await;
            assert!(frame.len() == len && frame.iter().all(|&byte| byte == 7));
            assert_eq!(frames.trusted, trusted);
            sending.await.unwrap();
        }
    }

    #[tokio::test]
    async fn nothing_large_is_kept_and_nothing_large_is_read_ahead() {
        let (mut peer, stream) = pair().await;
        let frame = [&(1_000_000_u32).to_be_bytes()[..], &vec![7; 1_000_000]].concat();
        let mut frames = Frames::new(usize::MAX);
        let sending = tokio::spawn(async move {
            peer.write_all(&frame).await.unwrap();
            peer.write_all(&frame).await.unwrap();
            peer
        });
        drop(arrived(&mut frames, &stream).await);
        // The second one is on its way, and nobody has asked for it.
        while frames.waiting() < SMALL {
            stream.readable().await.unwrap();
            let _ = frames.read(&stream);
        }
        assert!(frames.waiting() <= MOST_WAITING);
        assert!(frames.large.is_none() && frames.small.capacity() <= 2 * MOST_WAITING);
        assert_eq!(arrived(&mut frames, &stream).await.len(), 1_000_000);
        frames.shrink();
        assert_eq!(frames.small.capacity(), 0);
        sending.await.unwrap();
    }

    /// The next frame, as a connection without a quota takes it in.
    async fn arrived(frames: &mut Frames, stream: &TcpStream) -> Bytes {
        loop {
            if let Some(frame) = frames.next().unwrap() {
                return frame;
            }
            if let Some(len) = frames.announced().unwrap() {
                frames.begin_large(len, Hold::default());
            }
            stream.readable().await.unwrap();
            let _ = frames.read(stream);
        }
    }

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (peer, accepted) = tokio::join!(connecting, listener.accept());
        (peer.unwrap(), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn memory_follows_what_arrives_not_what_is_announced() {
        let (mut peer, stream) = pair().await;
        let mut frames = Frames::new(usize::MAX);
        peer.write_all(&[0x7f, 0xff, 0xff, 0xff, 1, 2, 3])
            .await
            .unwrap();
        while frames.waiting() < 7 {
            stream.readable().await.unwrap();
            let _ = frames.read(&stream);
        }
        let len = frames.announced().unwrap().unwrap();
        frames.begin_large(len, Hold::default());
        let _ = frames.read(&stream);
        assert_eq!(frames.waiting(), 7);
        let large = frames.large.unwrap();
        assert!(large.bytes.capacity() <= 2 * STEP && frames.small.capacity() <= 2 * STEP);
    }
}
