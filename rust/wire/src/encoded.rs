//! A finished frame: bytes, and gaps for what is sent without passing through here.

use bytes::{Bytes, BytesMut};

/// A gap in an encoded frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splice {
    /// Where the foreign bytes belong: before this position of [`Encoded::bytes`].
    pub at: usize,
    /// Which bytes: the number that the sender gave to them in `Records::Spliced`.
    pub slot: u32,
    /// How many bytes.
    pub len: u32,
}

/// A frame, length prefix included, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// All bytes of the frame but those of the splices.
    pub bytes: BytesMut,
    /// The gaps, in the order in which they are sent.
    pub splices: Vec<Splice>,
}

/// What is sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Bytes(Bytes),
    /// `len` bytes from where the sender keeps `slot`.
    Splice {
        /// The sender's number for the bytes.
        slot: u32,
        /// How many bytes.
        len: u32,
    },
}

impl Encoded {
    /// Bytes on the wire, the length prefix and the splices included.
    pub fn frame_len(&self) -> usize {
        self.bytes.len() + self.splices.iter().map(|s| s.len as usize).sum::<usize>()
    }

    /// The frame as one run of bytes.
    ///
    /// Only for frames without splices: those bytes are not here.
    pub fn into_bytes(self) -> Bytes {
        debug_assert!(self.splices.is_empty(), "spliced bytes would be missing");
        self.bytes.freeze()
    }

    /// The frame cut at its splices, in the order of sending; empty runs are left out.
    pub fn into_parts(self) -> Vec<Part> {
        let mut parts = Vec::with_capacity(2 * self.splices.len() + 1);
        let bytes = self.bytes.freeze();
        let mut sent = 0;
        for splice in self.splices {
            if splice.at > sent {
                parts.push(Part::Bytes(bytes.slice(sent..splice.at)));
            }
            if splice.len > 0 {
                parts.push(Part::Splice {
                    slot: splice.slot,
                    len: splice.len,
                });
            }
            sent = splice.at;
        }
        if sent < bytes.len() {
            parts.push(Part::Bytes(bytes.slice(sent..)));
        }
        parts
    }
}
