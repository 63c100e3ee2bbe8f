//! Snappy as Kafka writes it: snappy-java's stream, which is a header and then raw blocks, each after its length
//! (big-endian `i32`). librdkafka and others write one raw block; that is read too.

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::output::{Failure, Output};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
/// The magic, the version and the oldest version that can read it, both 1.
const HEADER: [u8; 16] = [
    0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1,
];
/// What snappy-java compresses at a time.
const BLOCK: usize = 32 << 10;
/// No snappy element of n bytes makes more than 22 n: a copy of 64 bytes takes three.
const MAX_RATIO: usize = 22;

pub(super) fn decompress(
    decoder: &mut Decoder,
    input: &[u8],
    limit: usize,
    room: Vec<u8>,
) -> Result<Vec<u8>, Failure> {
    let mut out = Output::new(room, 0, limit);
    if !input.starts_with(&MAGIC) {
        block(decoder, input, &mut out)?;
        return Ok(out.into_bytes());
    }
    let mut rest = input
        .get(HEADER.len()..)
        .ok_or("the stream's header is cut short")?;
    while !rest.is_empty() {
        let (len, after) = rest
            .split_first_chunk()
            .ok_or("a block's length is cut short")?;
        let len = usize::try_from(i32::from_be_bytes(*len))
            .map_err(|_| "a block's length is negative")?;
        let (compressed, after) = after.split_at_checked(len).ok_or("a block is cut short")?;
        block(decoder, compressed, &mut out)?;
        rest = after;
    }
    Ok(out.into_bytes())
}

fn block(decoder: &mut Decoder, input: &[u8], out: &mut Output) -> Result<(), Failure> {
    let len = decompress_len(input).map_err(|error| Failure::Codec(error.to_string()))?;
    if len > input.len().saturating_mul(MAX_RATIO) {
        return Err("a block claims more than its bytes can hold".into());
    }
    if len > out.left() {
        return Err(Failure::TooLarge);
    }
    let (_, room) = out.room(len);
    decoder
        .decompress(input, room)
        .map_err(|error| Failure::Codec(error.to_string()))?;
    out.fill(len);
    Ok(())
}

pub(super) fn compress(encoder: &mut Encoder, input: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&HEADER);
    for block in input.chunks(BLOCK) {
        let length_at = out.len();
        let start = length_at + 4;
        out.resize(start + max_compress_len(block.len()), 0);
        let len = encoder
            .compress(block, &mut out[start..])
            .expect("a block is short and the room is what snappy asks for");
        out[length_at..start].copy_from_slice(&(len as i32).to_be_bytes());
        out.truncate(start + len);
    }
}
