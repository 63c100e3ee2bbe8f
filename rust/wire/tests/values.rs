//! The protocol's primitive values and the derive macro's rules, at their edges.

use bytes::Bytes;
use kafkalite_wire::{
    Error, ErrorCode, Message, Reader, Records, Request, RequestHeader, Result, Value, Version,
    Writer, api::metadata::MetadataRequest,
};

const OLD: i16 = 0;
const FLEXIBLE: i16 = 2;

/// One of everything that the macro can say.
#[derive(Debug, Clone, PartialEq, Message)]
struct Sample {
    always: i32,
    #[wire(versions = 1.., default = -1)]
    required: i64,
    #[wire(versions = 1..=2, default = 7, ignorable)]
    dropped: i8,
    #[wire(nullable = 1.., default = Some(Vec::new()))]
    list: Option<Vec<i32>>,
    #[wire(versions = 2.., nullable = ..)]
    inner: Option<Inner>,
    #[wire(versions = 2.., tag = 3)]
    late: String,
    #[wire(versions = 2.., tag = 1, default = -1)]
    early: i16,
}

#[derive(Debug, Clone, PartialEq, Message)]
struct Inner {
    flag: bool,
}

fn version(number: i16) -> Version {
    Version::new(number, FLEXIBLE)
}

fn written(value: &impl Value, number: i16) -> Result<Vec<u8>> {
    let mut writer = Writer::new(version(number));
    value.write(&mut writer)?;
    Ok(writer.as_bytes().to_vec())
}

fn read<T: Value>(bytes: &[u8], number: i16) -> Result<T> {
    let mut reader = Reader::new(Bytes::copy_from_slice(bytes), version(number));
    let value = T::read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

#[test]
fn defaults_are_those_that_the_fields_name() {
    let sample = Sample::default();
    assert_eq!((sample.always, sample.required, sample.dropped), (0, -1, 7));
    assert_eq!((sample.list, sample.inner), (Some(Vec::new()), None));
    assert_eq!((sample.late.as_str(), sample.early), ("", -1));
}

#[test]
fn each_version_carries_its_fields() {
    let sample = Sample {
        always: 1,
        required: 2,
        dropped: 3,
        list: Some(vec![4]),
        inner: Some(Inner { flag: true }),
        late: "z".to_owned(),
        early: 5,
    };
    assert_eq!(
        written(&sample, 1),
        Err(Error::FieldNotInVersion {
            field: "inner",
            version: 1
        })
    );
    let bytes =
        b"\0\0\0\x01\0\0\0\0\0\0\0\x02\x03\x02\0\0\0\x04\x01\x01\0\x02\x01\x02\0\x05\x03\x02\x02z";
    assert_eq!(written(&sample, 2).unwrap(), bytes);
    assert_eq!(read(bytes, 2), Ok(sample.clone()));
    let without = written(&sample, 3).unwrap();
    let expected = Sample {
        dropped: 7,
        ..sample
    };
    assert_eq!(read(&without, 3), Ok(expected));
}

#[test]
fn tagged_fields_at_their_default_are_not_sent() {
    let bytes = written(&Sample::default(), 2).unwrap();
    assert_eq!(
        bytes,
        b"\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x07\x01\xff\0"
    );
}

#[test]
fn null_only_where_the_version_has_it() {
    let null = Sample {
        list: None,
        ..Default::default()
    };
    let refused = Error::NotNullable {
        field: "list",
        version: 0,
    };
    assert_eq!(written(&null, 0), Err(refused));
    assert_eq!(read(&written(&null, 1).unwrap(), 1), Ok(null));
    let not_allowed = read::<Sample>(b"\0\0\0\0\xff\xff\xff\xff", 0);
    assert!(matches!(
        not_allowed,
        Err(Error::BadLength { length: -1, .. })
    ));
}

#[test]
fn tagged_fields_longer_than_their_size_field() {
    for length in [0, 1, 126, 127, 128, 16_382, 16_383, 16_384, 32_767] {
        let sample = Sample {
            late: "x".repeat(length),
            ..Default::default()
        };
        assert_eq!(read(&written(&sample, 2).unwrap(), 2), Ok(sample));
    }
}

#[test]
fn a_tagged_field_takes_exactly_the_bytes_that_it_was_sent_with() {
    let head = b"\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x07\x01\xff";
    let with = |tail: &[u8]| read::<Sample>(&[head, tail].concat(), 2);
    assert_eq!(with(b"\x01\x01\x02\0\x05").unwrap().early, 5);
    assert_eq!(
        with(b"\x01\x01\x03\0\x05\0"),
        Err(Error::BadTaggedField { tag: 1, left: 1 })
    );
    assert!(matches!(
        with(b"\x01\x01\x01\x05"),
        Err(Error::Truncated { .. })
    ));
    assert!(matches!(
        with(b"\x01\x09\x7f\x05"),
        Err(Error::Truncated { .. })
    ));
    assert!(matches!(
        with(b"\xff\xff\xff\xff\x0f"),
        Err(Error::Truncated { .. })
    ));
}

#[test]
fn varints_have_one_to_five_bytes() {
    for (value, bytes) in [
        (0, b"\0".as_slice()),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
        (u32::MAX, b"\xff\xff\xff\xff\x0f"),
    ] {
        let mut writer = Writer::new(version(2));
        writer.unsigned_varint(value);
        assert_eq!(writer.as_bytes(), bytes);
        let mut reader = Reader::new(Bytes::copy_from_slice(bytes), version(2));
        assert_eq!(reader.unsigned_varint(), Ok(value));
    }
    for bytes in [
        b"\xff\xff\xff\xff\x10".as_slice(),
        b"\x80\x80\x80\x80\x80\0",
    ] {
        let mut reader = Reader::new(Bytes::copy_from_slice(bytes), version(2));
        assert_eq!(reader.unsigned_varint(), Err(Error::BadVarint { at: 0 }));
    }
}

#[test]
fn strings_are_utf8_of_at_most_32767_bytes() {
    let long = "x".repeat(32_768);
    for number in [OLD, FLEXIBLE] {
        let longest = long[1..].to_owned();
        assert_eq!(
            read(&written(&longest, number).unwrap(), number),
            Ok(longest)
        );
        let refused = written(&long, number);
        assert!(matches!(
            refused,
            Err(Error::TooLong { length: 32_768, .. })
        ));
    }
    // 32,769 as a compact length, which is one more than the length
    assert_eq!(
        read::<String>(
            &[b"\x81\x80\x02".as_slice(), long.as_bytes()].concat(),
            FLEXIBLE
        ),
        Err(Error::BadLength {
            length: 32_768,
            at: 0
        })
    );
    assert_eq!(
        read::<String>(b"\0\x02\xff\xff", OLD),
        Err(Error::BadString { at: 2 })
    );
    assert_eq!(
        read::<String>(b"\xff\xfe", OLD),
        Err(Error::BadLength { length: -2, at: 0 })
    );
}

#[test]
fn null_records_are_read_as_none_and_never_written() {
    assert_eq!(read(b"\xff\xff\xff\xff", OLD), Ok(Records::default()));
    assert_eq!(read(b"\0", FLEXIBLE), Ok(Records::default()));
    assert_eq!(written(&Records::default(), OLD).unwrap(), b"\0\0\0\0");
    assert_eq!(written(&Records::default(), FLEXIBLE).unwrap(), b"\x01");
}

#[test]
fn an_unknown_error_code_survives() {
    let code: ErrorCode = read(b"\x7f\xff", OLD).unwrap();
    assert_eq!(code, ErrorCode::Other(i16::MAX));
    assert!(!code.is_retriable());
    assert_eq!(written(&code, OLD).unwrap(), b"\x7f\xff");
}

#[test]
fn a_request_of_another_api_is_refused() {
    let header = RequestHeader {
        api_version: 1,
        correlation_id: 1,
        client_id: None,
    };
    let frame = MetadataRequest::default().encode(&header).unwrap();
    let mut frame = frame.into_bytes().to_vec();
    frame.drain(..4);
    frame[1] = 18;
    assert_eq!(
        MetadataRequest::decode(Bytes::from(frame)),
        Err(Error::UnsupportedVersion {
            key: 18,
            version: 1
        })
    );
}
