//! A batch that owns its decompressed payload: what a consumer buffers and a message points into.

use std::iter::FusedIterator;

use bytes::Bytes;

use crate::{
    BatchHeader, Decompressor, RecordBatch, RecordLayout, Records, Result, records::Cursor,
};

/// A batch's header and its decompressed records. Cloning shares the payload.
#[derive(Debug, Clone)]
pub struct DecodedBatch {
    header: BatchHeader,
    payload: Bytes,
}

impl DecodedBatch {
    /// Takes the batch at the front of `bytes` and decompresses it to `max_bytes` at the most. Uncompressed
    /// records are shared, not copied: they keep all of `bytes` alive. The checksum is not verified.
    pub fn decode(
        bytes: &Bytes,
        decompressor: &mut Decompressor,
        max_bytes: usize,
    ) -> Result<Self> {
        let batch = RecordBatch::parse(bytes)?;
        let payload = match batch.decompress(decompressor, max_bytes)? {
            std::borrow::Cow::Borrowed(payload) => bytes.slice_ref(payload),
            std::borrow::Cow::Owned(payload) => Bytes::from(payload),
        };
        Ok(Self {
            header: *batch.header(),
            payload,
        })
    }

    /// The header.
    pub const fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The decompressed records, which [`RecordLayout`]s point into.
    pub const fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// Walks the records as borrowed slices.
    pub fn records(&self) -> Records<'_> {
        Records::new(&self.header, &self.payload)
    }

    /// Walks the records as positions; the iterator owns the batch.
    pub fn into_layouts(self) -> Layouts {
        Layouts {
            cursor: Cursor::new(&self.header),
            batch: self,
        }
    }
}

/// Iterator over the records of a [`DecodedBatch`] as positions in its payload: `Send`, no lifetime, so that it
/// can be kept in an object of another language. After an error it ends.
#[derive(Debug, Clone)]
pub struct Layouts {
    cursor: Cursor,
    batch: DecodedBatch,
}

impl Layouts {
    /// The batch whose records these are.
    pub const fn batch(&self) -> &DecodedBatch {
        &self.batch
    }

    /// Records that the header promises and that have not been walked; the payload may hold fewer.
    pub const fn remaining(&self) -> usize {
        self.cursor.left()
    }
}

impl Iterator for Layouts {
    type Item = Result<RecordLayout>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.cursor.advance(&self.batch.payload)
    }
}

impl FusedIterator for Layouts {}
