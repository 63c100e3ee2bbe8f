//! One record: as borrowed slices, and as positions for those who keep the payload.

use std::{borrow::Cow, iter::FusedIterator};

use bytes::Bytes;

use crate::{RecordsError, Result, varint};

/// A record, borrowed from its batch's decompressed payload.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: i64,
    /// In ms since 1970: the producer's, or the append's if the batch says so. −1 for none.
    pub timestamp: i64,
    /// The key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The value; a record without one is a tombstone on a compacted topic.
    pub value: Option<&'a [u8]>,
    /// The headers, parsed as they are asked for.
    pub headers: Headers<'a>,
}

/// A header of a record (KIP-82).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name: UTF-8 by convention, but nobody checks it on the way.
    pub key: &'a [u8],
    /// The value, if it has one.
    pub value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// A header with a value.
    pub const fn new(key: &'a str, value: &'a [u8]) -> Self {
        Self {
            key: key.as_bytes(),
            value: Some(value),
        }
    }

    /// The name as text; bytes that are not UTF-8 become U+FFFD, as in the Java client.
    pub fn name(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.key)
    }
}

/// Iterator of a record's headers. After an error it ends.
#[derive(Debug, Clone, Default)]
pub struct Headers<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Headers<'a> {
    /// No headers.
    pub const EMPTY: Self = Self { rest: &[], left: 0 };

    /// How many are left, as the record claims; each takes two bytes at the least, and those are there.
    pub const fn remaining(&self) -> usize {
        self.left as usize
    }

    fn read(&mut self) -> Option<Header<'a>> {
        let mut at = 0;
        let key = Span::read(self.rest, &mut at)?.of(self.rest)?;
        let value = Span::read(self.rest, &mut at)?.of(self.rest);
        self.rest = &self.rest[at..];
        Some(Header { key, value })
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Result<Header<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let header = self.read();
        if header.is_none() || (self.left == 0 && !self.rest.is_empty()) {
            *self = Self::EMPTY;
            return Some(Err(RecordsError::Corrupt(
                "headers do not fill their record",
            )));
        }
        header.map(Ok)
    }
}

impl FusedIterator for Headers<'_> {}

/// Where a nullable field lies in a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    start: u32,
    /// −1 for null.
    len: i32,
}

impl Span {
    pub(crate) const NULL: Self = Self { start: 0, len: -1 };

    /// Reads a length and moves past what it counts. `None` if that is not there.
    #[inline]
    pub(crate) fn read(bytes: &[u8], at: &mut usize) -> Option<Self> {
        let len = varint::read_32(bytes, at)?;
        let start = *at;
        if len < 0 {
            // The format's null is −1; no writer has another negative length.
            return (len == -1).then_some(Self {
                start: start as u32,
                len,
            });
        }
        if len as usize > bytes.len() - start {
            return None;
        }
        *at = start + len as usize;
        Some(Self {
            start: start as u32,
            len,
        })
    }

    pub(crate) const fn new(start: usize, len: usize) -> Self {
        Self {
            start: start as u32,
            len: len as i32,
        }
    }

    #[must_use]
    pub(crate) const fn shifted(self, by: usize) -> Self {
        Self {
            start: self.start + by as u32,
            len: self.len,
        }
    }

    /// Whether the field is null.
    pub const fn is_null(self) -> bool {
        self.len < 0
    }

    /// Bytes of the field, 0 for null.
    pub const fn len(self) -> usize {
        if self.len < 0 { 0 } else { self.len as usize }
    }

    /// Whether the field has no bytes: null, or empty.
    pub const fn is_empty(self) -> bool {
        self.len <= 0
    }

    /// Where the field begins in the payload.
    pub const fn start(self) -> usize {
        self.start as usize
    }

    /// The field in the payload that it was found in; `None` for null.
    #[inline]
    pub fn of(self, payload: &[u8]) -> Option<&[u8]> {
        if self.is_null() {
            return None;
        }
        payload.get(self.start()..self.start() + self.len())
    }

    /// As [`Span::of`], sharing the payload instead of borrowing it.
    pub fn slice(self, payload: &Bytes) -> Option<Bytes> {
        self.of(payload).map(|field| payload.slice_ref(field))
    }
}

/// A record as positions in its batch's payload: 48 bytes, `Copy`, no lifetime. For those who keep the payload
/// and look at a record's parts later, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordLayout {
    /// As in [`Record`].
    pub offset: i64,
    /// As in [`Record`].
    pub timestamp: i64,
    /// Where the key is.
    pub key: Span,
    /// Where the value is.
    pub value: Span,
    pub(crate) headers: Span,
    pub(crate) header_count: u32,
}

impl RecordLayout {
    /// The headers in the payload that the record was found in.
    pub fn headers(self, payload: &[u8]) -> Headers<'_> {
        self.headers
            .of(payload)
            .map_or(Headers::EMPTY, |rest| Headers {
                rest,
                left: self.header_count,
            })
    }

    /// How many headers there are.
    pub const fn header_count(self) -> usize {
        self.header_count as usize
    }

    /// The record in the payload that it was found in.
    #[inline]
    pub fn of(self, payload: &[u8]) -> Record<'_> {
        Record {
            offset: self.offset,
            timestamp: self.timestamp,
            key: self.key.of(payload),
            value: self.value.of(payload),
            headers: self.headers(payload),
        }
    }
}
