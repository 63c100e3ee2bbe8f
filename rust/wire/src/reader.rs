//! Reading: a cursor over one frame.

use bytes::Bytes;

use crate::{Error, Result, Version};

/// A cursor over a frame's bytes, in one version.
///
/// Byte fields are slices of the frame: they keep it alive and are never copied.
#[derive(Debug)]
pub struct Reader {
    frame: Bytes,
    at: usize,
    end: usize, // of the frame, or of the tagged field that is being read
    version: Version,
    memory: usize,   // that arrays and strings may still take
    elements: usize, // that one array may have
}

impl Reader {
    /// Starts at the first byte of `frame`.
    pub fn new(frame: Bytes, version: Version) -> Reader {
        let end = frame.len();
        Reader {
            frame,
            at: 0,
            end,
            version,
            memory: usize::MAX,
            elements: usize::MAX,
        }
    }

    /// From now on arrays and strings may take this many bytes together; without it only the frame's own length bounds them.
    pub fn limit_memory(&mut self, bytes: usize) {
        self.memory = bytes;
    }

    /// From now on no array may have more elements than this.
    pub fn limit_elements(&mut self, elements: usize) {
        self.elements = elements;
    }

    /// Goes on in another version: a header and its body do not share theirs.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// The version that is being read.
    #[inline]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Bytes that are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.end - self.at
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Error::TrailingBytes`] if bytes are left.
    pub fn finish(self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(Error::TrailingBytes(left)),
        }
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.frame[self.at..self.end].first_chunk::<N>() {
            Some(bytes) => {
                let bytes = *bytes;
                self.at += N;
                Ok(bytes)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// The next `length` bytes, as a slice of the frame.
    pub fn bytes(&mut self, length: usize) -> Result<Bytes> {
        if length > self.remaining() {
            return Err(self.truncated(length));
        }
        let bytes = self.frame.slice(self.at..self.at + length);
        self.at += length;
        Ok(bytes)
    }

    /// The next `length` bytes as text.
    pub fn text(&mut self, length: usize) -> Result<String> {
        if length > self.remaining() {
            return Err(self.truncated(length));
        }
        self.take_memory(length)?;
        let bytes = &self.frame[self.at..self.at + length];
        let text = std::str::from_utf8(bytes).map_err(|_| Error::BadString { at: self.at })?;
        let text = text.to_owned();
        self.at += length;
        Ok(text)
    }

    /// An unsigned integer of variable length (KIP-482).
    pub fn unsigned_varint(&mut self) -> Result<u32> {
        let start = self.at;
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::BadVarint { at: start })
    }

    /// The length of a string, or `None` for null.
    pub fn string_length(&mut self) -> Result<Option<usize>> {
        let at = self.at;
        let length = if self.version.is_flexible() {
            i64::from(self.unsigned_varint()?) - 1
        } else {
            i64::from(self.array().map(i16::from_be_bytes)?)
        };
        if length > i64::from(i16::MAX) {
            return Err(Error::BadLength { length, at });
        }
        checked(length, at)
    }

    /// The length of bytes or the number of an array's elements, or `None` for null.
    pub fn length(&mut self) -> Result<Option<usize>> {
        let at = self.at;
        let length = if self.version.is_flexible() {
            i64::from(self.unsigned_varint()?) - 1
        } else {
            i64::from(self.array().map(i32::from_be_bytes)?)
        };
        checked(length, at)
    }

    /// Admits `count` elements of at least `min_size` bytes here, each of `size` bytes in memory.
    ///
    /// A count that the remaining bytes can't hold is refused before anything is allocated.
    pub(crate) fn admit(&mut self, count: usize, min_size: usize, size: usize) -> Result<()> {
        if count > self.elements {
            return Err(Error::TooManyElements {
                elements: count,
                limit: self.elements,
            });
        }
        let needed = count.saturating_mul(min_size.max(1));
        if needed > self.remaining() {
            return Err(self.truncated(needed));
        }
        self.take_memory(count.saturating_mul(size))
    }

    /// The tagged fields at the end of a struct: `known` reads those whose tag it knows and returns whether it did; the
    /// others are skipped, as KIP-482 wants it.
    pub fn tagged_fields(
        &mut self,
        mut known: impl FnMut(u32, &mut Reader) -> Result<bool>,
    ) -> Result<()> {
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let size = self.unsigned_varint()? as usize;
            if size > self.remaining() {
                return Err(self.truncated(size));
            }
            let outer_end = self.end;
            let field_end = self.at + size;
            self.end = field_end;
            let read = known(tag, self)?;
            let left = self.remaining();
            if read && left > 0 {
                return Err(Error::BadTaggedField { tag, left });
            }
            self.at = field_end;
            self.end = outer_end;
        }
        Ok(())
    }

    /// The tagged fields of a struct that knows none.
    pub fn skip_tagged_fields(&mut self) -> Result<()> {
        self.tagged_fields(|_, _| Ok(false))
    }

    fn take_memory(&mut self, bytes: usize) -> Result<()> {
        match self.memory.checked_sub(bytes) {
            Some(left) => self.memory = left,
            None => return Err(Error::TooMuchMemory { at: self.at }),
        }
        Ok(())
    }

    /// The error for a null where a value must stand; the length field has just been read.
    pub(crate) fn unexpected_null(&self) -> Error {
        Error::BadLength {
            length: -1,
            at: self.at,
        }
    }

    #[cold]
    fn truncated(&self, needed: usize) -> Error {
        Error::Truncated {
            needed,
            at: self.at,
            left: self.remaining(),
        }
    }
}

fn checked(length: i64, at: usize) -> Result<Option<usize>> {
    match usize::try_from(length) {
        Ok(length) => Ok(Some(length)),
        Err(_) if length == -1 => Ok(None),
        Err(_) => Err(Error::BadLength { length, at }),
    }
}
