//! Compression, with buffers and working memory that are kept.

use std::fmt;

use flate2::{Compress, FlushCompress, Status};
use lz4_flex::block::CompressTable;
use zstd::zstd_safe::{
    CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, compress_bound, zstd_sys,
};

use super::{lz4, snappy};
use crate::Compression;

/// Compresses payloads with one codec and level; keeps the codec's working memory from one to the next.
pub struct Compressor {
    codec: Compression,
    state: State,
    out: Vec<u8>,
}

enum State {
    None,
    Gzip(Box<Compress>),
    Snappy(Box<snap::raw::Encoder>),
    Lz4(CompressTable),
    Zstd(CCtx<'static>),
}

impl Compressor {
    /// One for `codec` at `level`, `None` for the codec's default: gzip 1–9 (6), zstd −131072–22 (3). Snappy has
    /// no levels and lz4 has one here, the fast one; Kafka's `compression.lz4.level` (1–17) is accepted and
    /// changes nothing.
    pub fn new(codec: Compression, level: Option<i32>) -> Result<Self, InvalidLevel> {
        let levels = match codec {
            Compression::Gzip => 1..=9,
            Compression::Lz4 => 1..=17,
            Compression::Zstd => zstd::zstd_safe::min_c_level()..=zstd::zstd_safe::max_c_level(),
            Compression::None | Compression::Snappy => i32::MIN..=i32::MAX,
        };
        if let Some(level) = level
            && !levels.contains(&level)
        {
            return Err(InvalidLevel {
                codec,
                level,
                least: *levels.start(),
                most: *levels.end(),
            });
        }
        let state = match codec {
            Compression::None => State::None,
            Compression::Gzip => {
                let level = level.map_or_else(flate2::Compression::default, |level| {
                    flate2::Compression::new(level as u32)
                });
                State::Gzip(Box::new(Compress::new_gzip(level, 15)))
            }
            Compression::Snappy => State::Snappy(Box::new(snap::raw::Encoder::new())),
            Compression::Lz4 => State::Lz4(CompressTable::large()),
            Compression::Zstd => State::Zstd(zstd_context(
                level.unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL),
            )),
        };
        Ok(Self {
            codec,
            state,
            out: Vec::new(),
        })
    }

    /// The codec.
    pub const fn codec(&self) -> Compression {
        self.codec
    }

    /// The compressed `input`, in a buffer that the next call overwrites.
    pub fn compress(&mut self, input: &[u8]) -> &[u8] {
        self.fill(input);
        &self.out
    }

    /// As [`Self::compress`], for a wrapper of format v0: with the checksum of lz4's header that Kafka's clients of before
    /// 0.10 write, and insist on (KAFKA-3160).
    pub(crate) fn compress_for_v0(&mut self, input: &[u8]) -> &[u8] {
        self.fill(input);
        if self.codec == Compression::Lz4 {
            lz4::put_checksum_of_v0(&mut self.out);
        }
        &self.out
    }

    fn fill(&mut self, input: &[u8]) {
        let out = &mut self.out;
        out.clear();
        match &mut self.state {
            State::None => out.extend_from_slice(input),
            State::Gzip(state) => gzip(state, input, out),
            State::Snappy(encoder) => snappy::compress(encoder, input, out),
            State::Lz4(table) => lz4::compress(table, input, out),
            State::Zstd(context) => zstd(context, input, out),
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

fn gzip(state: &mut Compress, input: &[u8], out: &mut Vec<u8>) {
    state.reset();
    loop {
        out.reserve(input.len() / 4 + 128);
        let rest = &input[state.total_in() as usize..];
        let status = state
            .compress_vec(rest, out, FlushCompress::Finish)
            .expect("a compressor that was reset takes any bytes");
        if status == Status::StreamEnd {
            return;
        }
    }
}

fn zstd_context(level: i32) -> CCtx<'static> {
    let mut context = CCtx::create();
    context
        .set_parameter(CParameter::CompressionLevel(level))
        .expect("the level is in the range that zstd states");
    context
}

fn zstd(context: &mut CCtx<'_>, input: &[u8], out: &mut Vec<u8>) {
    const FITS: &str = "zstd needs no more room than its own bound, and memory";
    let start = out.len();
    out.reserve(compress_bound(input.len()));
    context
        .reset(ResetDirective::SessionOnly)
        .expect("a session can be ended at any time");
    // One call with all input and enough room writes the content's size, which spares the reader a window.
    let mut target = OutBuffer::around_pos(out, start);
    let mut source = InBuffer::around(input);
    let end = zstd_sys::ZSTD_EndDirective::ZSTD_e_end;
    let left = context
        .compress_stream2(&mut target, &mut source, end)
        .expect(FITS);
    debug_assert_eq!(left, 0, "{FITS}");
}

/// A compression level that the codec does not have. Show it to who set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{codec} has levels {least} to {most}, not {level}")]
pub struct InvalidLevel {
    codec: Compression,
    level: i32,
    least: i32,
    most: i32,
}

impl InvalidLevel {
    /// What the codec has, as it goes on after "expected".
    #[must_use]
    pub fn allowed(&self) -> String {
        let Self {
            codec, least, most, ..
        } = self;
        format!("a level from {least} to {most}, as {codec} has them")
    }
}
