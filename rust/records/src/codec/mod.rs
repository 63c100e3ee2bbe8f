//! The codecs, behind one door for each direction.

mod compress;
mod decompress;
mod lz4;
mod output;
mod snappy;

pub use compress::{Compressor, InvalidLevel};
pub use decompress::Decompressor;
