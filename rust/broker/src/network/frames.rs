//! The bytes of one connection on their way in, cut into frames.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use kafkalite_wire::{Error, frame};
use tokio::net::TcpStream;

/// The least that is made room for at a time.
const STEP: usize = 8 * 1024;
/// An idle connection keeps a buffer of at most this size.
const IDLE: usize = 64 * 1024;
/// Room is made at once for at most this much of a frame.
const MOST_TRUSTED: usize = 4 * 1024 * 1024;

/// Bytes that were read and not yet handed out.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: BytesMut,
    /// Largest frame in bytes.
    limit: usize,
    /// Largest frame that this peer has sent in full: as much is made room for when it announces the next.
    trusted: usize,
}

impl Frames {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            limit,
            trusted: 0,
        }
    }

    /// The length of the frame that is coming in, once its first four bytes are here.
    pub(super) fn coming(&self) -> Result<Option<usize>, Error> {
        let prefix = self.buffer.first_chunk::<{ frame::PREFIX_LEN }>();
        prefix
            .map(|prefix| frame::length(*prefix, self.limit))
            .transpose()
    }

    /// The next frame without its length, if all of it is here.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(len) = self
            .coming()?
            .filter(|len| self.buffer.len() - frame::PREFIX_LEN >= *len)
        else {
            return Ok(None);
        };
        self.trusted = self.trusted.max(len).min(MOST_TRUSTED);
        self.buffer.advance(frame::PREFIX_LEN);
        Ok(Some(self.buffer.split_to(len).freeze()))
    }

    /// Reads once what the socket has, without waiting. 0: the peer has closed its half.
    ///
    /// The buffer at most doubles with each read and never outgrows the frame: what is allocated follows what has
    /// arrived, not what was announced. A peer that has sent large frames before is given their room at once, so that
    /// its bytes are not copied again and again as the buffer grows.
    pub(super) fn read(&mut self, stream: &TcpStream) -> io::Result<usize> {
        let here = self.buffer.len();
        let missing = match self.coming() {
            Ok(Some(len)) => (len + frame::PREFIX_LEN).saturating_sub(here),
            _ => 0,
        };
        self.buffer
            .reserve(missing.min(here.max(self.trusted)).max(STEP));
        stream.try_read_buf(&mut self.buffer)
    }

    /// How many bytes are waiting to be handed out.
    pub(super) fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// Whether an idle connection should give its memory back.
    pub(super) fn hoards(&self) -> bool {
        self.buffer.is_empty() && self.buffer.capacity() > IDLE
    }

    /// Gives the memory back; only when nothing is waiting in it.
    pub(super) fn shrink(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_cut_wherever_reads_end() {
        let mut frames = Frames::new(10);
        let mut cut = Vec::new();
        for byte in [0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0] {
            frames.buffer.extend_from_slice(&[byte]);
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
            frames.buffer.extend_from_slice(&prefix);
            assert!(matches!(
                frames.next(),
                Err(Error::FrameTooLarge { limit: 10, .. })
            ));
        }
    }

    #[test]
    fn trust_grows_with_what_was_sent_and_has_an_end() {
        let mut frames = Frames::new(usize::MAX);
        for (len, trusted) in [(100, 100), (7, 100), (5 * 1024 * 1024, MOST_TRUSTED)] {
            frames
                .buffer
                .extend_from_slice(&u32::try_from(len).unwrap().to_be_bytes());
            frames.buffer.extend_from_slice(&vec![0; len]);
            assert_eq!(frames.next().unwrap().unwrap().len(), len);
            assert_eq!(frames.trusted, trusted);
        }
    }

    #[tokio::test]
    async fn the_buffer_follows_what_arrives_not_what_is_announced() {
        use tokio::io::AsyncWriteExt;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut frames = Frames::new(usize::MAX);
        peer.write_all(&[0x7f, 0xff, 0xff, 0xff, 1, 2, 3])
            .await
            .unwrap();
        for _ in 0..100 {
            if frames.waiting() == 7 {
                break;
            }
            stream.readable().await.unwrap();
            let _ = frames.read(&stream);
        }
        let _ = frames.read(&stream);
        assert_eq!(frames.waiting(), 7);
        assert!(
            frames.buffer.capacity() <= 3 * STEP,
            "{}",
            frames.buffer.capacity()
        );
    }
}
