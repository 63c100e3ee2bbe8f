//! Versions that the oracle does not know, byte by byte.

use std::fmt::Debug;

use bytes::Bytes;
use kafkalite_wire::{
    ErrorCode, Reader, Request, Response, Value, Version, Writer,
    api::{
        api_versions::ApiVersionsRequest,
        create_topics::{CreatableTopic, CreateTopicsRequest, CreateTopicsResponse, CreatedTopic},
        delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse, DeletedGroup},
        delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse, DeletedTopic},
        describe_log_dirs::{
            DescribableLogDirTopic, DescribeLogDirsRequest, DescribeLogDirsResponse,
            DescribedLogDir, DescribedLogDirPartition, DescribedLogDirTopic,
        },
        fetch::{
            FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchedPartition, FetchedTopic,
        },
        list_offsets::{
            ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
            ListedOffsetsPartition, ListedOffsetsTopic,
        },
        offset_commit::{
            CommittedPartition, CommittedTopic, OffsetCommitPartition, OffsetCommitRequest,
            OffsetCommitResponse, OffsetCommitTopic,
        },
        offset_fetch::{
            FetchedGroupOffset, FetchedOffsetsGroup, FetchedOffsetsGroupTopic, OffsetFetchGroup,
            OffsetFetchGroupTopic, OffsetFetchRequest, OffsetFetchResponse,
        },
    },
};
use uuid::Uuid;

const TOPIC_ID: Uuid = Uuid::from_bytes(*b"0123456789abcdef");

fn is_written_as<T: Value + PartialEq + Debug>(message: &T, version: Version, bytes: &[u8]) {
    let mut writer = Writer::new(version);
    message.write(&mut writer).expect("the version can say it");
    assert_eq!(
        writer.as_bytes().escape_ascii().to_string(),
        bytes.escape_ascii().to_string()
    );
    let mut reader = Reader::new(Bytes::copy_from_slice(bytes), version);
    assert_eq!(T::read(&mut reader).as_ref(), Ok(message));
    reader.finish().expect("nothing is left over");
}

fn request<T: Request + PartialEq + Debug>(message: &T, version: i16, bytes: &[u8]) {
    is_written_as(message, Version::new(version, T::FLEXIBLE), bytes);
}

fn response<T: Response + PartialEq + Debug>(message: &T, version: i16, bytes: &[u8]) {
    is_written_as(message, Version::new(version, T::Request::FLEXIBLE), bytes);
}

#[test]
fn create_topics_0_and_1() {
    let asked = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: "t".to_owned(),
            num_partitions: 3,
            replication_factor: 1,
            ..Default::default()
        }],
        timeout_ms: 500,
        ..Default::default()
    };
    let old = b"\0\0\0\x01\0\x01t\0\0\0\x03\0\x01\0\0\0\0\0\0\0\0\0\0\x01\xf4";
    request(&asked, 0, old);
    let validated = CreateTopicsRequest {
        validate_only: true,
        ..asked
    };
    request(&validated, 1, &[old.as_slice(), b"\x01"].concat());

    let mut topic = CreatedTopic {
        name: "t".to_owned(),
        error_code: ErrorCode::TopicAlreadyExists,
        ..Default::default()
    };
    let answered = |topic: &CreatedTopic| CreateTopicsResponse {
        topics: vec![topic.clone()],
        ..Default::default()
    };
    response(&answered(&topic), 0, b"\0\0\0\x01\0\x01t\0\x24");
    response(&answered(&topic), 1, b"\0\0\0\x01\0\x01t\0\x24\xff\xff");
    topic.error_message = Some("no".to_owned());
    response(&answered(&topic), 1, b"\0\0\0\x01\0\x01t\0\x24\0\x02no");
}

#[test]
fn delete_topics_0() {
    let asked = DeleteTopicsRequest {
        topic_names: vec!["t".to_owned()],
        timeout_ms: 500,
        ..Default::default()
    };
    request(&asked, 0, b"\0\0\0\x01\0\x01t\0\0\x01\xf4");
    let answered = DeleteTopicsResponse {
        responses: vec![DeletedTopic {
            name: Some("t".to_owned()),
            error_code: ErrorCode::UnknownTopicOrPartition,
            ..Default::default()
        }],
        ..Default::default()
    };
    response(&answered, 0, b"\0\0\0\x01\0\x01t\0\x03");
}

/// Kafka 1.1.1's consumer asks in 3, clients of 0.10.0 in 2, of 0.9 in 1, of 0.8 in 0.
#[test]
fn fetch_0_to_3() {
    let mut asked = FetchRequest {
        replica_id: -1,
        max_wait_ms: 100,
        min_bytes: 1,
        topics: vec![FetchTopic {
            topic: "t".to_owned(),
            partitions: vec![FetchPartition {
                partition: 2,
                fetch_offset: 5,
                partition_max_bytes: 1 << 20,
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let (head, rest) = (
        b"\xff\xff\xff\xff\0\0\0\x64\0\0\0\x01",
        b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\x05\0\x10\0\0",
    );
    for version in 0..=2 {
        request(&asked, version, &[&head[..], rest].concat());
    }
    asked.max_bytes = 9;
    request(&asked, 3, &[&head[..], b"\0\0\0\x09", rest].concat());

    let mut answered = FetchResponse {
        responses: vec![FetchedTopic {
            topic: "t".to_owned(),
            partitions: vec![
                FetchedPartition {
                    partition_index: 2,
                    high_watermark: 6,
                    records: Bytes::from_static(b"set").into(),
                    ..Default::default()
                },
                FetchedPartition {
                    partition_index: 3,
                    error_code: ErrorCode::UnsupportedCompressionType,
                    high_watermark: -1,
                    ..Default::default()
                },
            ],
            ..Default::default()
        }],
        ..Default::default()
    };
    let rest = b"\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\x02\0\0\0\0\0\0\0\0\0\x06\0\0\0\x03set\
        \0\0\0\x03\0\x4c\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    response(&answered, 0, rest);
    answered.throttle_time_ms = 7;
    for version in 1..=3 {
        response(&answered, version, &[b"\0\0\0\x07", &rest[..]].concat());
    }
}

#[test]
fn list_offsets_0() {
    let asked = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic {
            name: "t".to_owned(),
            partitions: vec![ListOffsetsPartition {
                partition_index: 2,
                timestamp: -2,
                max_num_offsets: 3,
                ..Default::default()
            }],
        }],
        ..Default::default()
    };
    request(
        &asked,
        0,
        b"\xff\xff\xff\xff\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xfe\0\0\0\x03",
    );
    let answered = ListOffsetsResponse {
        topics: vec![ListedOffsetsTopic {
            name: "t".to_owned(),
            partitions: vec![ListedOffsetsPartition {
                partition_index: 2,
                old_style_offsets: vec![5, 4],
                ..Default::default()
            }],
        }],
        ..Default::default()
    };
    response(
        &answered,
        0,
        b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x02\0\0\0\0\0\x02\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0\x04",
    );
}

#[test]
fn list_offsets_11() {
    let asked = ListOffsetsRequest {
        replica_id: -1,
        isolation_level: 1,
        topics: vec![ListOffsetsTopic {
            name: "t".to_owned(),
            partitions: vec![ListOffsetsPartition {
                partition_index: 2,
                timestamp: -6,
                ..Default::default()
            }],
        }],
        timeout_ms: 9,
    };
    request(
        &asked,
        11,
        b"\xff\xff\xff\xff\x01\x02\x02t\x02\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfa\0\0\0\0\0\x09\0",
    );
    let answered = ListOffsetsResponse {
        topics: vec![ListedOffsetsTopic {
            name: "t".to_owned(),
            partitions: vec![ListedOffsetsPartition {
                partition_index: 2,
                offset: 5,
                leader_epoch: 1,
                ..Default::default()
            }],
        }],
        ..Default::default()
    };
    response(
        &answered,
        11,
        b"\0\0\0\0\x02\x02t\x02\0\0\0\x02\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\x05\0\0\0\x01\0\0\0",
    );
}

#[test]
fn offset_commit_10_names_topics_by_id() {
    let asked = OffsetCommitRequest {
        group_id: "g".to_owned(),
        generation_id_or_member_epoch: 4,
        member_id: "m".to_owned(),
        topics: vec![OffsetCommitTopic {
            topic_id: TOPIC_ID,
            partitions: vec![OffsetCommitPartition {
                partition_index: 2,
                committed_offset: 5,
                committed_metadata: Some("note".to_owned()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    request(
        &asked,
        10,
        b"\x02g\0\0\0\x04\x02m\0\x020123456789abcdef\x02\0\0\0\x02\0\0\0\0\0\0\0\x05\xff\xff\xff\xff\x05note\0\0\0",
    );
    let answered = OffsetCommitResponse {
        topics: vec![CommittedTopic {
            topic_id: TOPIC_ID,
            partitions: vec![CommittedPartition {
                partition_index: 2,
                error_code: ErrorCode::StaleMemberEpoch,
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    response(
        &answered,
        10,
        b"\0\0\0\0\x020123456789abcdef\x02\0\0\0\x02\0\x71\0\0\0",
    );
}

#[test]
fn offset_fetch_10_names_topics_by_id() {
    let asked = OffsetFetchRequest {
        groups: vec![OffsetFetchGroup {
            group_id: "g".to_owned(),
            topics: Some(vec![OffsetFetchGroupTopic {
                topic_id: TOPIC_ID,
                partition_indexes: vec![2],
                ..Default::default()
            }]),
            ..Default::default()
        }],
        require_stable: true,
        ..Default::default()
    };
    request(
        &asked,
        10,
        b"\x02\x02g\0\xff\xff\xff\xff\x020123456789abcdef\x02\0\0\0\x02\0\0\x01\0",
    );
    let answered = OffsetFetchResponse {
        groups: vec![FetchedOffsetsGroup {
            group_id: "g".to_owned(),
            topics: vec![FetchedOffsetsGroupTopic {
                topic_id: TOPIC_ID,
                partitions: vec![FetchedGroupOffset {
                    partition_index: 2,
                    committed_offset: 5,
                    metadata: Some("note".to_owned()),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    response(
        &answered,
        10,
        b"\0\0\0\0\x02\x02g\x020123456789abcdef\x02\0\0\0\x02\0\0\0\0\0\0\0\x05\xff\xff\xff\xff\x05note\0\0\0\0\0\0\0\0",
    );
}

#[test]
fn api_versions_5_names_the_cluster_and_the_node() {
    let unknown = ApiVersionsRequest {
        client_software_name: "a".to_owned(),
        client_software_version: "1".to_owned(),
        ..Default::default()
    };
    request(&unknown, 5, b"\x02a\x021\0\xff\xff\xff\xff\0");
    let known = ApiVersionsRequest {
        cluster_id: Some("c".to_owned()),
        node_id: 7,
        ..unknown
    };
    request(&known, 5, b"\x02a\x021\x02c\0\0\0\x07\0");
}

#[test]
fn delete_groups_3_says_why() {
    let asked = DeleteGroupsRequest {
        groups_names: vec!["g".to_owned()],
    };
    request(&asked, 3, b"\x02\x02g\0");
    let answered = DeleteGroupsResponse {
        results: vec![DeletedGroup {
            group_id: "g".to_owned(),
            error_code: ErrorCode::GroupDeletionFailed,
            error_message: Some("no".to_owned()),
        }],
        ..Default::default()
    };
    response(&answered, 3, b"\0\0\0\0\x02\x02g\0\x86\x03no\0\0");
}

#[test]
fn describe_log_dirs_0_and_5() {
    let asked = DescribeLogDirsRequest {
        topics: Some(vec![DescribableLogDirTopic {
            topic: "t".to_owned(),
            partitions: vec![1],
        }]),
    };
    request(&asked, 0, b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x01");
    request(&asked, 5, b"\x02\x02t\x02\0\0\0\x01\0\0");
    // As Apache Kafka 4.4 answers for an empty partition.
    let mut answered = DescribeLogDirsResponse {
        results: vec![DescribedLogDir {
            log_dir: "/d".to_owned(),
            topics: vec![DescribedLogDirTopic {
                name: "t".to_owned(),
                partitions: vec![DescribedLogDirPartition {
                    partition_index: 1,
                    partition_size: 9,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    response(
        &answered,
        0,
        b"\0\0\0\0\0\0\0\x01\0\0\0\x02/d\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\0\0",
    );
    answered.results[0].total_bytes = 16;
    answered.results[0].usable_bytes = 3;
    response(
        &answered,
        5,
        b"\0\0\0\0\0\0\x02\0\0\x03/d\x02\x02t\x02\0\0\0\x01\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x03\0\0\0",
    );
}
