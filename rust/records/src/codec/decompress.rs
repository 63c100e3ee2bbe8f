//! Decompression with a cap.

use std::{fmt, io::Read};

use flate2::bufread::MultiGzDecoder;
use zstd::zstd_safe::{self, DCtx, DParameter, InBuffer, OutBuffer};

use super::output::{FIRST_ALLOCATION, Failure, first_allocation};
use super::{lz4, snappy};
use crate::{Compression, RecordsError, Result};

/// The largest window that a zstd stream may claim before its content has come, as a power of two: 8 MiB,
/// what every level up to 19 uses. Frames that claim more are decompressed without a window buffer.
const ZSTD_WINDOW_LOG: u32 = 23;
/// zstd's `ZSTD_error_frameParameter_windowTooLarge`: its functions return errors as negatives.
const ZSTD_WINDOW_TOO_LARGE: usize = 16_usize.wrapping_neg();
/// zstd's `ZSTD_error_dstSize_tooSmall`.
const ZSTD_TOO_SMALL: usize = 70_usize.wrapping_neg();
/// Decompresses payloads; keeps the codecs' working memory from one to the next.
#[derive(Default)]
pub struct Decompressor {
    zstd: Option<DCtx<'static>>,
    snappy: snap::raw::Decoder,
}

impl Decompressor {
    /// One that has no working memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `input` decompresses to. More than `limit` bytes are [`RecordsError::TooLarge`], found without
    /// allocating much more than has been decompressed.
    pub fn decompress(
        &mut self,
        codec: Compression,
        input: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.decompress_into(codec, input, limit, &mut out)?;
        Ok(out)
    }

    /// As [`Self::decompress`], in the place of what `out` holds; its room is used. After an error `out` is empty.
    pub fn decompress_into(
        &mut self,
        codec: Compression,
        input: &[u8],
        limit: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        // Positions in payloads are 31 bits wide, as all lengths in Kafka's formats.
        let limit = limit.min(i32::MAX as usize);
        let mut room = std::mem::take(out);
        room.clear();
        let filled = match codec {
            Compression::None if input.len() > limit => Err(Failure::TooLarge),
            Compression::None => {
                room.extend_from_slice(input);
                Ok(room)
            }
            Compression::Gzip => gzip(input, limit, room),
            Compression::Snappy => snappy::decompress(&mut self.snappy, input, limit, room),
            Compression::Lz4 => lz4::decompress(input, limit, room),
            Compression::Zstd => self.zstd(input, limit, room),
        };
        *out = filled.map_err(|failure| match failure {
            Failure::TooLarge => RecordsError::TooLarge { limit },
            Failure::Codec(detail) => RecordsError::Decompress { codec, detail },
        })?;
        Ok(())
    }

    fn zstd(&mut self, input: &[u8], limit: usize, mut out: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let context = match &mut self.zstd {
            Some(context) => context,
            empty => {
                let mut context = DCtx::try_create().ok_or("no memory")?;
                context
                    .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))
                    .map_err(zstd_error)?;
                empty.insert(context)
            }
        };
        context
            .reset(zstd_safe::ResetDirective::SessionOnly)
            .map_err(zstd_error)?;
        let claimed = match zstd_safe::get_frame_content_size(input) {
            Ok(size) => size.unwrap_or(0),
            Err(_) => return Err("not a frame".into()),
        };
        if claimed > limit as u64 {
            return Err(Failure::TooLarge);
        }
        out.reserve(first_allocation(input.len(), claimed as usize));
        let mut source = InBuffer::around(input);
        loop {
            let (read, written) = (source.pos(), out.len());
            let mut target = OutBuffer::around_pos(&mut out, written);
            let step = context.decompress_stream(&mut target, &mut source);
            let hint = match step {
                Ok(hint) => hint,
                Err(ZSTD_WINDOW_TOO_LARGE) => return zstd_at_once(context, input, limit, out),
                Err(code) => return Err(zstd_error(code)),
            };
            if out.len() > limit {
                return Err(Failure::TooLarge);
            }
            if hint == 0 && source.pos() == input.len() {
                return Ok(out);
            }
            if out.len() == out.capacity() {
                out.reserve(out.len().max(FIRST_ALLOCATION).min(limit - out.len() + 1));
            } else if source.pos() == read && out.len() == written {
                return Err("the frame is cut short".into());
            }
        }
    }
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").finish_non_exhaustive()
    }
}

/// Decompresses frames whose window is larger than a stream may claim: the output is the window. It must be large
/// enough at once, so that the size is found by trying.
fn zstd_at_once(
    context: &mut DCtx<'_>,
    input: &[u8],
    limit: usize,
    mut out: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    let mut capacity = first_allocation(input.len(), 0).min(limit);
    loop {
        out.clear();
        out.reserve_exact(capacity);
        match context.decompress(&mut out, input) {
            // The room may be larger than the limit: it was another batch's.
            Ok(len) if len > limit => return Err(Failure::TooLarge),
            Ok(_) => return Ok(out),
            Err(ZSTD_TOO_SMALL) if capacity < limit => {
                capacity = capacity.saturating_mul(4).min(limit);
            }
            Err(ZSTD_TOO_SMALL) => return Err(Failure::TooLarge),
            Err(code) => return Err(zstd_error(code)),
        }
    }
}

fn gzip(input: &[u8], limit: usize, mut out: Vec<u8>) -> Result<Vec<u8>, Failure> {
    out.reserve(first_allocation(input.len(), 0).min(limit));
    MultiGzDecoder::new(input)
        .take(limit as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|error| Failure::Codec(error.to_string()))?;
    if out.len() > limit {
        Err(Failure::TooLarge)
    } else {
        Ok(out)
    }
}

fn zstd_error(code: usize) -> Failure {
    zstd_safe::get_error_name(code).into()
}
