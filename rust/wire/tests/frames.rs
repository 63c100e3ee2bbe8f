//! Frames as a broker and a client exchange them, byte by byte.

use bytes::Bytes;
use kafkalite_wire::{
    ApiKey, Error, ErrorCode, Part, Records, Request, RequestHeader, RequestPrefix, Response,
    api::{
        TABLE,
        api_versions::{ApiVersionRange, ApiVersionsRequest, ApiVersionsResponse},
        fetch::{FetchResponse, FetchedPartition, FetchedTopic},
        metadata::MetadataRequest,
        produce::{ProducePartition, ProduceRequest, ProduceTopic},
    },
    frame,
};

fn header(api_version: i16) -> RequestHeader {
    RequestHeader {
        api_version,
        correlation_id: 7,
        client_id: Some("me".to_owned()),
    }
}

fn without_prefix(mut frame: Bytes) -> Bytes {
    let prefix = frame.split_to(frame::PREFIX_LEN);
    let prefix = *prefix.first_chunk().expect("four bytes were split off");
    assert_eq!(frame::length(prefix, frame.len()), Ok(frame.len()));
    frame
}

#[test]
fn a_request_in_an_old_and_in_a_flexible_version() {
    let request = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    let old = request.encode(&header(1)).unwrap().into_bytes();
    assert_eq!(
        old.as_ref(),
        b"\0\0\0\x10\0\x03\0\x01\0\0\0\x07\0\x02me\xff\xff\xff\xff"
    );
    let flexible = request.encode(&header(12)).unwrap().into_bytes();
    assert_eq!(
        flexible.as_ref(),
        b"\0\0\0\x11\0\x03\0\x0c\0\0\0\x07\0\x02me\0\0\x01\0\0"
    );
    for frame in [old, flexible] {
        let (_, decoded) = MetadataRequest::decode(without_prefix(frame)).unwrap();
        assert_eq!(decoded, request);
    }
}

#[test]
fn api_versions_answers_an_unknown_version_in_version_0() {
    let mut frame = without_prefix(
        ApiVersionsRequest::default()
            .encode(&header(4))
            .unwrap()
            .into_bytes(),
    )
    .to_vec();
    frame[3] = 99;
    let frame = Bytes::from(frame);

    let prefix = RequestPrefix::read(&frame).unwrap();
    assert_eq!(prefix.key(), Some(ApiKey::ApiVersions));
    assert_eq!(prefix.correlation_id, 7);
    assert_eq!(
        ApiVersionsRequest::decode(frame),
        Err(Error::UnsupportedVersion {
            key: 18,
            version: 99
        })
    );

    let answer = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion,
        api_keys: vec![ApiVersionRange {
            api_key: 18,
            min_version: 0,
            max_version: 4,
        }],
        ..Default::default()
    };
    let bytes = answer
        .encode(0, prefix.correlation_id)
        .unwrap()
        .into_bytes();
    assert_eq!(
        bytes.as_ref(),
        b"\0\0\0\x10\0\0\0\x07\0\x23\0\0\0\x01\0\x12\0\0\0\x04"
    );
    let refusal = without_prefix(bytes);
    for asked in 0..=4 {
        assert_eq!(
            ApiVersionsResponse::decode_or_refused(refusal.clone(), asked),
            Ok((7, answer.clone()))
        );
    }
}

#[test]
fn what_is_advertised_is_what_is_served_but_for_produce() {
    let retired = [(ApiKey::Fetch, 0), (ApiKey::ListOffsets, 0)];
    for api in TABLE {
        let oldest = retired.iter().find(|(key, _)| *key == api.key);
        let oldest = oldest.map_or(*api.versions.start(), |(_, version)| *version);
        assert_eq!(api.with_retired, oldest..=*api.versions.end());
        let range = ApiVersionRange::from(api);
        assert_eq!(range.max_version, *api.versions.end());
        let expected = match api.key {
            ApiKey::Produce => 0, // KAFKA-18659
            _ => *api.versions.start(),
        };
        assert_eq!(range.min_version, expected);
        assert_eq!(ApiKey::from_code(range.api_key), Some(api.key));
    }
    assert!(TABLE.is_sorted_by_key(|api| api.key.code()));
}

#[test]
fn the_response_header_of_api_versions_has_no_tagged_fields() {
    let bytes = ApiVersionsResponse::default()
        .encode(3, 7)
        .unwrap()
        .into_bytes();
    assert_eq!(bytes.as_ref(), b"\0\0\0\x0c\0\0\0\x07\0\0\x01\0\0\0\0\0");
    let (id, _) = ApiVersionsResponse::decode(without_prefix(bytes), 3).unwrap();
    assert_eq!(id, 7);
}

#[test]
fn spliced_records_are_counted_but_not_held() {
    let partition = |records| FetchedPartition {
        records,
        ..Default::default()
    };
    let response = |first, second| FetchResponse {
        responses: vec![FetchedTopic {
            topic: "t".to_owned(),
            partitions: vec![partition(first), partition(second)],
            ..Default::default()
        }],
        ..Default::default()
    };
    for version in ApiKey::Fetch.versions() {
        let whole = response(
            Records::Bytes(Bytes::from_static(b"first")),
            Records::Bytes(Bytes::from_static(b"second")),
        )
        .encode(version, 1)
        .unwrap();
        let gaps = response(
            Records::Spliced { len: 5, slot: 0 },
            Records::Spliced { len: 6, slot: 1 },
        )
        .encode(version, 1)
        .unwrap();
        assert_eq!(gaps.frame_len(), whole.frame_len());
        let mut sent = Vec::new();
        for part in gaps.into_parts() {
            match part {
                Part::Bytes(bytes) => sent.extend_from_slice(&bytes),
                Part::Splice { slot: 0, len: 5 } => sent.extend_from_slice(b"first"),
                Part::Splice { slot: 1, len: 6 } => sent.extend_from_slice(b"second"),
                Part::Splice { .. } => panic!("no such slot"),
            }
        }
        assert_eq!(sent, whole.into_bytes());
    }
}

#[test]
fn records_are_slices_of_the_frame() {
    let request = ProduceRequest {
        acks: -1,
        topic_data: vec![ProduceTopic {
            name: "t".to_owned(),
            partition_data: vec![ProducePartition {
                index: 3,
                records: Records::Bytes(Bytes::from(vec![9; 1000])),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let frame = without_prefix(request.encode(&header(9)).unwrap().into_bytes());
    let (_, mut decoded) = ProduceRequest::decode(frame.clone()).unwrap();
    assert_eq!(decoded, request);
    let partition = decoded.topic_data.remove(0).partition_data.remove(0);
    let range = frame.as_ptr_range();
    assert!(range.contains(&partition.records.into_bytes().as_ptr()));
}

#[test]
fn frame_lengths_are_bounded() {
    assert_eq!(frame::length([0, 0, 1, 0], 256), Ok(256));
    assert_eq!(
        frame::length([0, 0, 1, 1], 256),
        Err(Error::FrameTooLarge {
            length: 257,
            limit: 256
        })
    );
    assert!(frame::length([0xff; 4], usize::MAX).is_err());
}

#[test]
fn what_a_version_cannot_say_is_an_error_unless_it_may_be_dropped() {
    let request = MetadataRequest {
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    assert_eq!(
        request.encode(&header(3)),
        Err(Error::FieldNotInVersion {
            field: "allow_auto_topic_creation",
            version: 3
        })
    );
    let everything = MetadataRequest {
        topics: None,
        ..Default::default()
    };
    assert_eq!(
        everything.encode(&header(0)),
        Err(Error::NotNullable {
            field: "topics",
            version: 0
        })
    );
    let software = ApiVersionsRequest {
        client_software_name: "kafkalite".to_owned(),
        ..Default::default()
    };
    assert!(software.encode(&header(0)).is_ok());
}

#[test]
fn what_librdkafka_leaves_behind_a_request_is_ignored() {
    let frame = b"\0\x03\0\x0d\0\0\0\x03\0\x07rdkafka\0\0\0\0\0\x01\0\0";
    let (_, request) = MetadataRequest::decode(Bytes::from_static(frame)).unwrap();
    assert_eq!(request.topics, None, "it asks for all topics");
}
