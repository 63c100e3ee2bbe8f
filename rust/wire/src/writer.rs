//! Writing: a growing buffer that remembers where foreign bytes belong.

use bytes::{BufMut, BytesMut};

use crate::{Encoded, Error, Result, Splice, Version};

/// A buffer that a message is written into, in one version.
#[derive(Debug)]
pub struct Writer {
    bytes: BytesMut,
    splices: Vec<Splice>,
    version: Version,
}

impl Writer {
    /// An empty buffer.
    pub fn new(version: Version) -> Writer {
        Writer {
            bytes: BytesMut::with_capacity(256), // most frames that are not Produce fit
            splices: Vec::new(),
            version,
        }
    }

    /// Goes on in another version: a header and its body do not share theirs.
    pub fn set_version(&mut self, version: Version) {
        self.version = version;
    }

    /// The version that is being written.
    #[inline]
    pub fn version(&self) -> Version {
        self.version
    }

    /// What has been written so far, without the splices.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes as they are.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.put_slice(bytes);
    }

    /// An unsigned integer of variable length (KIP-482).
    #[inline]
    pub fn unsigned_varint(&mut self, value: u32) {
        let (bytes, length) = varint(value);
        self.bytes.put_slice(&bytes[..length]);
    }

    /// The length of a string; `None` is null.
    pub fn string_length(&mut self, length: Option<usize>) -> Result<()> {
        let value = within(length, i16::MAX as usize)?;
        if self.version.is_flexible() {
            self.unsigned_varint((value + 1) as u32);
        } else {
            self.bytes.put_i16(value as i16);
        }
        Ok(())
    }

    /// The length of bytes or the number of an array's elements; `None` is null.
    pub fn length(&mut self, length: Option<usize>) -> Result<()> {
        let value = within(length, i32::MAX as usize)?;
        if self.version.is_flexible() {
            self.unsigned_varint((value + 1) as u32);
        } else {
            self.bytes.put_i32(value as i32);
        }
        Ok(())
    }

    /// One tagged field: its tag, its size, then what `value` writes.
    pub fn tagged(
        &mut self,
        tag: u32,
        value: impl FnOnce(&mut Writer) -> Result<()>,
    ) -> Result<()> {
        self.unsigned_varint(tag);
        let start = self.bytes.len();
        value(self)?;
        // The size stands before the value and is only known after it: the value moves up to make room.
        let end = self.bytes.len();
        let (size, room) = varint((end - start) as u32);
        self.bytes.put_bytes(0, room);
        self.bytes.copy_within(start..end, start + room);
        self.bytes[start..start + room].copy_from_slice(&size[..room]);
        debug_assert!(
            self.splices.iter().all(|splice| splice.at <= start),
            "records never stand in a tagged field"
        );
        Ok(())
    }

    /// Leaves a gap here, to be filled with `len` bytes by whoever sends the message.
    pub fn splice(&mut self, slot: u32, len: u32) {
        self.splices.push(Splice {
            at: self.bytes.len(),
            slot,
            len,
        });
    }

    /// The finished frame; the first four bytes were kept free for its length.
    pub(crate) fn finish(mut self) -> Result<Encoded> {
        let spliced: usize = self.splices.iter().map(|s| s.len as usize).sum();
        let length = self.bytes.len() - 4 + spliced;
        let prefix = i32::try_from(length).map_err(|_| Error::TooLong {
            length,
            limit: i32::MAX as usize,
        })?;
        self.bytes[..4].copy_from_slice(&prefix.to_be_bytes());
        Ok(Encoded {
            bytes: self.bytes,
            splices: self.splices,
        })
    }
}

/// A length as a signed number, null as −1.
fn within(length: Option<usize>, limit: usize) -> Result<i64> {
    match length {
        None => Ok(-1),
        Some(length) if length <= limit => Ok(length as i64),
        Some(length) => Err(Error::TooLong { length, limit }),
    }
}

fn varint(mut value: u32) -> ([u8; 5], usize) {
    let mut bytes = [0; 5];
    let mut length = 0;
    while value >= 0x80 {
        bytes[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    (bytes, length + 1)
}
