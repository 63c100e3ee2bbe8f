//! The records of Produce and Fetch: opaque bytes, here or elsewhere.

use bytes::Bytes;

use crate::{Reader, Result, Value, Version, Writer, schema::Kind};

/// Record batches inside a message. Null is read as empty and never written: some clients reject it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// The bytes themselves; a slice of the frame where they were read.
    Bytes(Bytes),
    /// Bytes that the sender keeps elsewhere, such as in a log file, and puts into the frame's gap as it sends it (see
    /// [`Encoded`](crate::Encoded)). Never the result of reading.
    Spliced {
        /// How many bytes.
        len: u32,
        /// The sender's own number for them.
        slot: u32,
    },
}

impl Records {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Records::Bytes(bytes) => bytes.len(),
            Records::Spliced { len, .. } => *len as usize,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, or nothing if they are elsewhere.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Records::Bytes(bytes) => bytes,
            Records::Spliced { .. } => Bytes::new(),
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Records::Bytes(Bytes::new())
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Records::Bytes(bytes)
    }
}

impl Value for Records {
    const KIND: Kind = Kind::Records;

    fn min_size(v: Version) -> usize {
        Bytes::min_size(v)
    }

    fn read(r: &mut Reader) -> Result<Self> {
        let length = r.length()?.unwrap_or(0);
        r.bytes(length).map(Records::Bytes)
    }

    fn write(&self, w: &mut Writer) -> Result<()> {
        w.length(Some(self.len()))?;
        match self {
            Records::Bytes(bytes) => w.put(bytes),
            Records::Spliced { len, slot } => w.splice(*slot, *len),
        }
        Ok(())
    }
}
