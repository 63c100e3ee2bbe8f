//! A header that parses is one whose lengths, counts and offsets agree; its bytes come back as they were.

use kafkalite_records::{
    Attributes, BatchHeader, Compression, RecordBatch, RecordsError, TimestampType, batches, crc32c,
};

fn header() -> BatchHeader {
    BatchHeader {
        base_offset: 1_000,
        batch_length: 49,
        partition_leader_epoch: 7,
        crc: 0xdead_beef,
        attributes: Attributes::new(Compression::Zstd).with_transactional(true),
        last_offset_delta: 9,
        base_timestamp: 1_700_000_000_000,
        max_timestamp: 1_700_000_000_009,
        producer_id: 12,
        producer_epoch: 3,
        base_sequence: i32::MAX - 4,
        record_count: 10,
    }
}

/// A batch whose records are opaque bytes.
fn batch(base_offset: i64, payload: &[u8]) -> Vec<u8> {
    let mut header = header().placed(base_offset, 0);
    header.batch_length = 49 + payload.len() as i32;
    let covered = [&header.to_bytes()[21..], payload].concat();
    header.crc = crc32c(&covered);
    [&header.to_bytes(), payload].concat()
}

#[test]
fn a_header_survives_its_bytes() {
    let parsed = BatchHeader::parse(&header().to_bytes()).unwrap();
    assert_eq!(parsed, header());
    assert_eq!(parsed.prefix(), parsed.to_bytes()[..16]);
    assert_eq!(parsed.total_len(), 61);
    assert_eq!((parsed.last_offset(), parsed.next_offset()), (1_009, 1_010));
    assert_eq!(parsed.compression(), Compression::Zstd);
    assert_eq!(
        parsed.last_sequence(),
        4,
        "sequences wrap from i32::MAX to 0"
    );
    assert!(parsed.is_transactional() && parsed.has_producer_id() && parsed.is_dense());
    assert!(!parsed.is_control() && !parsed.has_delete_horizon());
}

#[test]
fn contradictions_are_corrupt() {
    type Spoil = (&'static str, fn(&mut BatchHeader));
    let wrong: [Spoil; 7] = [
        ("length", |h| h.batch_length = 48),
        ("negative length", |h| h.batch_length = -1),
        ("negative offset", |h| h.base_offset = -1),
        ("negative delta", |h| h.last_offset_delta = -1),
        ("offset overflow", |h| h.base_offset = i64::MAX - 9),
        ("negative count", |h| h.record_count = -1),
        ("count over offsets", |h| h.record_count = 11),
    ];
    for (name, spoil) in wrong {
        let mut header = header();
        spoil(&mut header);
        let parsed = BatchHeader::parse(&header.to_bytes());
        assert!(
            matches!(parsed, Err(RecordsError::Corrupt(_))),
            "{name}: {parsed:?}"
        );
    }
    assert_eq!(
        Attributes::from_bits(5),
        Err(RecordsError::UnknownCompression(5))
    );
}

#[test]
fn old_magic_is_told_apart_before_length() {
    let mut raw = header().to_bytes();
    raw[16] = 1;
    assert_eq!(
        BatchHeader::parse(&raw[..17]),
        Err(RecordsError::UnsupportedMagic { magic: 1 })
    );
    assert!(matches!(
        BatchHeader::parse(&raw[..16]),
        Err(RecordsError::Incomplete {
            needed: 61,
            have: 16
        })
    ));
}

#[test]
fn a_checksum_covers_the_records_and_not_the_place() {
    let bytes = batch(0, b"records");
    let view = RecordBatch::parse(&bytes).unwrap();
    view.verify_crc().unwrap();
    let placed = [
        &view.header().placed(55, 9).to_bytes(),
        view.records_payload(),
    ]
    .concat();
    let placed = RecordBatch::parse(&placed).unwrap();
    placed.verify_crc().unwrap();
    assert_eq!(
        (
            placed.header().base_offset,
            placed.header().partition_leader_epoch
        ),
        (55, 9)
    );

    let mut spoiled = bytes.clone();
    *spoiled.last_mut().unwrap() ^= 1;
    let spoiled = RecordBatch::parse(&spoiled).unwrap();
    assert!(matches!(
        spoiled.verify_crc(),
        Err(RecordsError::Checksum { .. })
    ));
}

#[test]
fn a_stamped_batch_has_the_time_of_the_append_and_a_right_checksum() {
    let bytes = batch(0, b"records");
    let view = RecordBatch::parse(&bytes).unwrap();
    let header = view.header().stamped(42).sealed(view.records_payload());
    let stamped = [&header.to_bytes(), view.records_payload()].concat();
    let stamped = RecordBatch::parse(&stamped).unwrap();
    stamped.verify_crc().unwrap();
    assert_eq!(stamped.header().max_timestamp, 42);
    assert_eq!(stamped.header().timestamp_type(), TimestampType::LogAppend);
    assert_eq!(
        stamped.header().compression(),
        Compression::Zstd,
        "other flags stay"
    );
}

#[test]
fn a_walk_ends_at_a_cut_batch_and_fails_at_a_corrupt_one() {
    let whole = [batch(0, b"one"), batch(10, b"two")].concat();
    let first = batch(0, b"one").len();
    for cut in 0..whole.len() {
        let mut walk = batches(&whole[..cut]);
        let seen = walk
            .by_ref()
            .map(Result::unwrap)
            .fold(0, |seen, _| seen + 1);
        assert_eq!(seen, usize::from(cut >= first));
        assert_eq!(
            walk.rest().len(),
            if cut >= first { cut - first } else { cut }
        );
    }
    let mut corrupt = whole;
    corrupt[first + 16] = 9;
    let seen: Vec<_> = batches(&corrupt)
        .map(|batch| batch.map(|batch| batch.header().base_offset))
        .collect();
    assert_eq!(
        seen,
        [Ok(0), Err(RecordsError::UnsupportedMagic { magic: 9 })]
    );
}

#[test]
fn names_are_kafkas() {
    for codec in Compression::ALL {
        assert_eq!(codec.name().parse(), Ok(codec));
        assert_eq!(Compression::from_code(codec.code()), Some(codec));
    }
    assert_eq!("LogAppendTime".parse(), Ok(TimestampType::LogAppend));
    assert_eq!(
        "brotli".parse::<Compression>().unwrap_err().to_string(),
        r#""brotli" is none of none, gzip, snappy, lz4, zstd"#
    );
}
