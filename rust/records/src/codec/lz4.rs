//! LZ4 frames, by hand around the crate's block codec: blocks decompress straight into the output, without the
//! frame codec's own buffers, and the header's checksum is free to be wrong.
//!
//! That checksum byte: Kafka's clients wrote it wrong in message formats v0 and v1 (KAFKA-3160), so that those who
//! read them must ignore it. The others (of blocks and of the content) are passed over as well: a batch has its own.

use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, decompress_into_with_dict,
    get_maximum_output_size,
};

use super::output::{Failure, Output, first_allocation};

const MAGIC: [u8; 4] = 0x184d_2204_u32.to_le_bytes();
/// Version 1, blocks independent, no checksums, no sizes; blocks of 64 KiB; and the checksum of these two bytes.
const HEADER: [u8; 7] = [MAGIC[0], MAGIC[1], MAGIC[2], MAGIC[3], 0x60, 0x40, 0x82];
/// The checksum of all six bytes before it, magic included, where the format counts only the last two.
const CHECKSUM_OF_V0: u8 = 0x1a;
const BLOCK: usize = 64 << 10;
/// In a block's length: the block is stored, not compressed.
const STORED: u32 = 1 << 31;
/// How far back a linked block may refer.
const WINDOW: usize = 64 << 10;

/// The flags of a frame.
struct Frame {
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    max_block: usize,
}

pub(super) fn decompress(input: &[u8], limit: usize, room: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let mut out = Output::new(room, first_allocation(input.len(), 0), limit);
    let mut rest = input;
    // Frames may follow each other; there is one at the least.
    loop {
        let frame = read_header(&mut rest)?;
        read_blocks(&frame, &mut rest, &mut out)?;
        if rest.is_empty() {
            return Ok(out.into_bytes());
        }
    }
}

fn read_header(rest: &mut &[u8]) -> Result<Frame, Failure> {
    if take::<4>(rest)? != MAGIC {
        return Err("not a frame".into());
    }
    let [flags, descriptor] = take(rest)?;
    if flags >> 6 != 1 {
        return Err("not version 1 of the format".into());
    }
    if flags & 0b1 != 0 {
        return Err("the frame needs a dictionary".into());
    }
    if flags & 0b1000 != 0 {
        take::<8>(rest)?; // The content's size: a claim.
    }
    take::<1>(rest)?; // The header's checksum.
    Ok(Frame {
        linked: flags & 0b10_0000 == 0,
        block_checksums: flags & 0b1_0000 != 0,
        content_checksum: flags & 0b100 != 0,
        max_block: match descriptor >> 4 & 0b111 {
            4 => 64 << 10,
            5 => 256 << 10,
            6 => 1 << 20,
            7 => 4 << 20,
            _ => return Err("an undefined block size".into()),
        },
    })
}

fn read_blocks(frame: &Frame, rest: &mut &[u8], out: &mut Output) -> Result<(), Failure> {
    let frame_start = out.filled();
    loop {
        let length = u32::from_le_bytes(take(rest)?);
        if length == 0 {
            break;
        }
        let (block, after) = rest
            .split_at_checked((length & !STORED) as usize)
            .ok_or("a block is cut short")?;
        *rest = after;
        if length & STORED == 0 {
            read_compressed(frame, block, frame_start, out)?;
        } else {
            read_stored(frame, block, out)?;
        }
        if frame.block_checksums {
            take::<4>(rest)?;
        }
    }
    if frame.content_checksum {
        take::<4>(rest)?;
    }
    Ok(())
}

fn read_stored(frame: &Frame, block: &[u8], out: &mut Output) -> Result<(), Failure> {
    if block.len() > frame.max_block {
        return Err("a block is larger than the frame allows".into());
    }
    if block.len() > out.left() {
        return Err(Failure::TooLarge);
    }
    let (_, room) = out.room(block.len());
    room.copy_from_slice(block);
    out.fill(block.len());
    Ok(())
}

fn read_compressed(
    frame: &Frame,
    block: &[u8],
    frame_start: usize,
    out: &mut Output,
) -> Result<(), Failure> {
    // No LZ4 block of n bytes makes more than 255 n.
    let most = frame.max_block.min(block.len().saturating_mul(255));
    let capped = most > out.left();
    let (filled, room) = out.room(most);
    let decompressed = if frame.linked {
        let window = filled.len().saturating_sub(WINDOW).max(frame_start);
        decompress_into_with_dict(block, room, &filled[window..])
    } else {
        decompress_into(block, room)
    };
    match decompressed {
        Ok(len) => {
            out.fill(len);
            Ok(())
        }
        Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if capped => {
            Err(Failure::TooLarge)
        }
        Err(error) => Err(Failure::Codec(error.to_string())),
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Failure> {
    let (taken, after) = rest.split_first_chunk().ok_or("the frame is cut short")?;
    *rest = after;
    Ok(*taken)
}

/// Makes a frame of [`compress`] one of message format v0.
pub(super) fn put_checksum_of_v0(frame: &mut [u8]) {
    frame[HEADER.len() - 1] = CHECKSUM_OF_V0;
}

pub(super) fn compress(table: &mut CompressTable, input: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&HEADER);
    for block in input.chunks(BLOCK) {
        let length_at = out.len();
        let start = length_at + 4;
        out.resize(start + get_maximum_output_size(block.len()), 0);
        let len = compress_into_with_table(block, &mut out[start..], table)
            .expect("the room is what lz4 asks for");
        let length = if len < block.len() {
            out.truncate(start + len);
            len as u32
        } else {
            out.truncate(start);
            out.extend_from_slice(block);
            block.len() as u32 | STORED
        };
        out[length_at..start].copy_from_slice(&length.to_le_bytes());
    }
    out.extend_from_slice(&[0; 4]);
}
