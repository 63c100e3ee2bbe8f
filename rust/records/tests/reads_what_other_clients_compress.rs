//! The same codec, written otherwise: frames that Kafka's own clients do not write and others do.

#![allow(clippy::unwrap_used)] // what the tests share is a test

use std::io::Write;

use kafkalite_records::{Compression, Decompressor};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

fn text() -> Vec<u8> {
    (0..40_000_u32)
        .flat_map(|n| format!("{} {} ", n % 100, n).into_bytes())
        .collect()
}

#[track_caller]
fn assert_reads(codec: Compression, compressed: &[u8], expected: &[u8]) {
    let mut decompressor = Decompressor::new();
    let got = decompressor
        .decompress(codec, compressed, expected.len())
        .unwrap();
    assert!(got == expected, "{} bytes of {}", got.len(), expected.len());
    let short = decompressor.decompress(codec, compressed, expected.len() - 1);
    assert!(
        matches!(short, Err(kafkalite_records::RecordsError::TooLarge { .. })),
        "{short:?}"
    );
}

#[test]
fn lz4_with_linked_blocks_checksums_and_sizes() {
    // Python's lz4 links blocks; others write any of these.
    let text = text();
    for mode in [BlockMode::Linked, BlockMode::Independent] {
        for size in [
            BlockSize::Max64KB,
            BlockSize::Max256KB,
            BlockSize::Max1MB,
            BlockSize::Max4MB,
        ] {
            for checks in [false, true] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(checks)
                    .content_checksum(checks)
                    .content_size(checks.then_some(text.len() as u64));
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(&text).unwrap();
                let frame = encoder.finish().unwrap();
                assert_reads(Compression::Lz4, &frame, &text);
                let twice = [&frame[..], &frame].concat();
                assert_reads(Compression::Lz4, &twice, &[&text[..], &text].concat());
            }
        }
    }
}

#[test]
fn our_lz4_is_read_by_a_checking_decoder() {
    let text = text();
    let mut compressor = kafkalite_records::Compressor::new(Compression::Lz4, None).unwrap();
    let mut decoder = lz4_flex::frame::FrameDecoder::new(compressor.compress(&text));
    let mut got = Vec::new();
    std::io::Read::read_to_end(&mut decoder, &mut got).unwrap();
    assert!(got == text);
}

#[test]
fn snappy_without_a_stream_around_it() {
    // librdkafka and Sarama.
    let text = text();
    let raw = snap::raw::Encoder::new().compress_vec(&text).unwrap();
    assert_reads(Compression::Snappy, &raw, &text);
}

#[test]
fn gzip_in_several_members() {
    let text = text();
    let mut both = Vec::new();
    for half in [&text[..1_000], &text[1_000..]] {
        let mut encoder = flate2::write::GzEncoder::new(both, flate2::Compression::fast());
        encoder.write_all(half).unwrap();
        both = encoder.finish().unwrap();
    }
    assert_reads(Compression::Gzip, &both, &text);
}

#[test]
fn zstd_of_unknown_size_in_any_window() {
    // Streams do not say how much they hold; the window of level 22 is more than a stream is granted.
    let text = text();
    let mut frames = Vec::new();
    for level in [1, 3, 19, 22] {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), level).unwrap();
        encoder.include_checksum(level == 3).unwrap();
        encoder.write_all(&text).unwrap();
        let frame = encoder.finish().unwrap();
        assert_reads(Compression::Zstd, &frame, &text);
        frames.push(frame);
    }
    assert_reads(
        Compression::Zstd,
        &frames[..2].concat(),
        &[&text[..], &text].concat(),
    );
}
