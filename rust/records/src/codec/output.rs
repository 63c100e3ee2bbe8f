//! What codecs decompress into: as much as comes, not as much as is claimed.

/// What is allocated before any byte has come, however much the compressed bytes claim.
pub(super) const FIRST_ALLOCATION: usize = 64 << 10;
/// No allocation grows beyond this many times what has come so far.
const PLAUSIBLE_RATIO: usize = 16;

/// What to allocate for `input_len` compressed bytes that claim to hold `claimed` (0: they don't say).
pub(super) fn first_allocation(input_len: usize, claimed: usize) -> usize {
    let plausible = input_len
        .saturating_mul(PLAUSIBLE_RATIO)
        .max(FIRST_ALLOCATION);
    if claimed == 0 {
        input_len.saturating_mul(4).min(plausible)
    } else {
        claimed.min(plausible)
    }
}

/// Bytes that are filled from the front and zeroed beyond, for codecs that write into slices. Each byte is
/// zeroed once, however many small blocks claim a large one.
pub(super) struct Output {
    bytes: Vec<u8>,
    filled: usize,
    limit: usize,
}

impl Output {
    /// One that uses the room of `bytes`, which is empty, and has `capacity` at the least.
    pub(super) fn new(mut bytes: Vec<u8>, capacity: usize, limit: usize) -> Self {
        bytes.reserve(capacity.min(limit));
        Self {
            bytes,
            filled: 0,
            limit,
        }
    }

    /// Bytes that have come.
    pub(super) const fn filled(&self) -> usize {
        self.filled
    }

    /// Bytes that may still come.
    pub(super) const fn left(&self) -> usize {
        self.limit - self.filled
    }

    /// What has been filled, and room for `len` bytes after it, or for what the limit leaves.
    pub(super) fn room(&mut self, len: usize) -> (&[u8], &mut [u8]) {
        let end = self.filled + len.min(self.left());
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        let (filled, room) = self.bytes[..end].split_at_mut(self.filled);
        (filled, room)
    }

    /// Counts `len` bytes of the room as filled.
    pub(super) fn fill(&mut self, len: usize) {
        self.filled += len;
        debug_assert!(
            self.filled <= self.bytes.len(),
            "only room that was given is filled"
        );
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.filled);
        self.bytes
    }
}

/// Why a codec gave nothing; gets its codec and its limit at the door.
pub(super) enum Failure {
    TooLarge,
    Codec(String),
}

impl From<&str> for Failure {
    fn from(detail: &str) -> Self {
        Self::Codec(detail.to_owned())
    }
}
