//! Requests about partitions, of which some are another broker's to answer for.

use kafkalite_wire::api::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use kafkalite_wire::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafkalite_wire::api::describe_producers::{DescribeProducersRequest, DescribeProducersTopic};
use kafkalite_wire::api::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use kafkalite_wire::api::leader::NodeEndpoint;
use kafkalite_wire::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use kafkalite_wire::api::offset_for_leader_epoch::{
    OffsetForLeaderEpochRequest, OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafkalite_wire::api::produce::{
    ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic,
};
use kafkalite_wire::{ErrorCode, Records};

use super::*;
use ErrorCode::{
    FencedLeaderEpoch, None as Fine, NotLeaderOrFollower, UnknownTopicId, UnknownTopicOrPartition,
};

const FIRST_WITH_IDS: i16 = 13;

/// Partitions 0 to 3 are led here, led and held by the other only, held here and led by the other, and led by nobody; there is no
/// partition 4.
fn mixed() -> TopicImage {
    let leaderless = PartitionImage {
        leader: None,
        ..on(&[OTHER], 9)
    };
    topic(
        "t",
        vec![
            on(&[ME], 3),
            on(&[OTHER], 5),
            followed(&[OTHER, ME], 6),
            leaderless,
        ],
    )
}

const EXPECTED: [ErrorCode; 5] = [
    Fine,
    NotLeaderOrFollower,
    NotLeaderOrFollower,
    NotLeaderOrFollower,
    UnknownTopicOrPartition,
];

fn other() -> NodeEndpoint {
    NodeEndpoint {
        node_id: OTHER,
        host: "other".to_owned(),
        port: 9092,
        rack: None,
    }
}

fn produce(of: &TopicImage, indexes: impl Iterator<Item = i32>) -> ProduceRequest {
    let partition = |index| ProducePartition {
        index,
        records: Records::Bytes(batch()),
    };
    ProduceRequest {
        acks: 1,
        timeout_ms: 60_000,
        topic_data: vec![ProduceTopic {
            name: of.name.to_string(),
            topic_id: of.id,
            partition_data: indexes.map(partition).collect(),
        }],
        ..Default::default()
    }
}

/// A fetch that waits for a message for longer than any test.
fn fetch(of: &TopicImage, indexes: impl Iterator<Item = i32>) -> FetchRequest {
    let partition = |partition| FetchPartition {
        partition,
        partition_max_bytes: 1000,
        ..Default::default()
    };
    FetchRequest {
        max_wait_ms: 600_000,
        min_bytes: 1,
        max_bytes: 100_000,
        topics: vec![FetchTopic {
            topic: of.name.to_string(),
            topic_id: of.id,
            partitions: indexes.map(partition).collect(),
        }],
        ..Default::default()
    }
}

#[tokio::test]
async fn a_producer_is_told_who_leads_what_it_sent_here() {
    let one = start(vec![mixed()]).await;
    let mut client = one.connect().await;
    for version in [9, 10, FIRST_WITH_IDS] {
        let answer: ProduceResponse = client.ask(version, &produce(&mixed(), 0..5)).await;
        let partitions = &answer.responses[0].partition_responses;
        let codes: Vec<_> = partitions.iter().map(|one| one.error_code).collect();
        assert_eq!(codes, EXPECTED, "version {version}");
        let leaders: Vec<_> = partitions
            .iter()
            .map(|one| &one.current_leader)
            .map(|leader| (leader.leader_id, leader.leader_epoch))
            .collect();
        if version == 9 {
            assert_eq!(leaders, [(-1, -1); 5]);
            assert_eq!(answer.node_endpoints, []);
        } else {
            let none = (-1, -1);
            assert_eq!(leaders, [none, (OTHER, 5), (OTHER, 6), none, none]);
            assert_eq!(answer.node_endpoints, [other()]);
        }
        let message = partitions[1].error_message.as_deref().unwrap();
        assert!(message.contains("broker 2"), "{message}");
    }
    let here = one.state().replicas.by_name("t").unwrap();
    let ends = here
        .partitions
        .iter()
        .map(|one| (one.index, one.log.end_offset()));
    assert_eq!(ends.collect::<Vec<_>>(), [(0, 3), (2, 0)]);
}

#[tokio::test]
async fn a_producer_of_a_topic_of_which_nothing_lies_here_is_told_who_has_it() {
    let far = topic("far", vec![on(&[OTHER], 1)]);
    let offsets = topic("__consumer_offsets", vec![on(&[OTHER], 1)]);
    let unknown = topic("unknown", vec![]);
    let one = start(vec![far.clone(), offsets.clone()]).await;
    let mut client = one.connect().await;
    for (of, expected) in [
        (&far, NotLeaderOrFollower),
        (&offsets, ErrorCode::InvalidTopic),
        (&unknown, UnknownTopicId),
    ] {
        let request = produce(of, std::iter::once(0));
        let answer: ProduceResponse = client.ask(FIRST_WITH_IDS, &request).await;
        let code = answer.responses[0].partition_responses[0].error_code;
        assert_eq!(code, expected, "{}", of.name);
    }
}

#[tokio::test]
async fn a_consumer_is_told_at_once_who_leads_what_it_fetches_here() {
    let one = start(vec![mixed()]).await;
    let mut client = one.connect().await;
    for version in [12, 15, 16, 18] {
        let answer: FetchResponse = client.ask(version, &fetch(&mixed(), 0..5)).await;
        let partitions = &answer.responses[0].partitions;
        let codes: Vec<_> = partitions.iter().map(|one| one.error_code).collect();
        assert_eq!(codes, EXPECTED, "version {version}");
        let leaders = partitions.iter().map(|one| one.current_leader.leader_id);
        let leaders: Vec<_> = leaders.collect();
        if version < 16 {
            assert_eq!((leaders, answer.node_endpoints), (vec![-1; 5], vec![]));
        } else {
            assert_eq!(leaders, [-1, OTHER, OTHER, -1, -1]);
            assert_eq!(answer.node_endpoints, [other()]);
        }
    }
}

#[tokio::test]
async fn a_consumer_does_not_wait_at_one_partition_before_it_is_told_who_leads_another() {
    let one = start(vec![mixed()]).await;
    let mut client = one.connect().await;
    let answer: FetchResponse = client.ask(16, &fetch(&mixed(), 0..2)).await;
    let leaders = answer.responses[0].partitions.iter();
    let leaders = leaders.map(|one| one.current_leader.leader_id);
    assert!(leaders.eq([-1, OTHER]));
}

#[tokio::test]
async fn a_consumer_that_waits_here_is_told_when_another_leads() {
    let led_here = topic("t", vec![followed(&[ME, OTHER], 3)]);
    let one = start(vec![led_here.clone()]).await;
    let mut client = one.connect().await;
    client.send(16, &fetch(&led_here, 0..1)).await;
    one.waiting("t").await;
    one.tell(image(vec![topic("t", vec![followed(&[OTHER, ME], 4)])]));
    let answer: FetchResponse = client.receive(16).await;
    let partition = &answer.responses[0].partitions[0];
    assert_eq!(partition.error_code, NotLeaderOrFollower);
    let leader = &partition.current_leader;
    assert_eq!((leader.leader_id, leader.leader_epoch), (OTHER, 4));
}

#[tokio::test]
async fn a_consumer_waits_until_the_brokers_that_must_have_a_message_have_it() {
    let shared = topic("t", vec![on(&[ME, OTHER], 3)]);
    let one = start(vec![shared.clone()]).await;
    let mut consumer = one.connect().await;
    consumer.send(16, &fetch(&shared, 0..1)).await;
    one.waiting("t").await;

    let mut producer = one.connect().await;
    let answer: ProduceResponse = producer.ask(10, &produce(&shared, 0..1)).await;
    let code = answer.responses[0].partition_responses[0].error_code;
    assert_eq!(code, ErrorCode::NotEnoughReplicasAfterAppend);
    let here = one.state().replicas.by_name("t").unwrap();
    let partition = here.partition(0).unwrap();
    assert_eq!(
        (partition.log.end_offset(), partition.log.high_watermark()),
        (1, 0)
    );

    partition.agree(Some(1));
    let answer: FetchResponse = consumer.receive(16).await;
    let partition = &answer.responses[0].partitions[0];
    assert_eq!((partition.error_code, partition.high_watermark), (Fine, 1));
    assert!(!partition.records.is_empty());
}

#[tokio::test]
async fn questions_about_offsets_and_epochs_go_to_the_leader() {
    let one = start(vec![mixed()]).await;
    let mut client = one.connect().await;
    let listed = client
        .ask(
            7,
            &ListOffsetsRequest {
                replica_id: -1,
                topics: vec![ListOffsetsTopic {
                    name: "t".to_owned(),
                    partitions: (0..5)
                        .map(|partition_index| ListOffsetsPartition {
                            partition_index,
                            timestamp: -1,
                            ..Default::default()
                        })
                        .collect(),
                }],
                ..Default::default()
            },
        )
        .await;
    let codes = listed.topics[0].partitions.iter().map(|one| one.error_code);
    assert!(codes.eq(EXPECTED), "{listed:?}");

    let epochs = client
        .ask(
            4,
            &OffsetForLeaderEpochRequest {
                topics: vec![OffsetForLeaderTopic {
                    topic: "t".to_owned(),
                    partitions: (0..5)
                        .map(|partition| OffsetForLeaderPartition {
                            partition,
                            leader_epoch: 3,
                            ..Default::default()
                        })
                        .collect(),
                }],
                ..Default::default()
            },
        )
        .await;
    let codes = epochs.topics[0].partitions.iter().map(|one| one.error_code);
    assert!(codes.eq(EXPECTED), "{epochs:?}");

    let mut behind = fetch(&mixed(), 0..1);
    behind.topics[0].partitions[0].current_leader_epoch = 2;
    let fenced: FetchResponse = client.ask(16, &behind).await;
    let partition = &fenced.responses[0].partitions[0];
    assert_eq!(partition.error_code, FencedLeaderEpoch);
    assert_eq!(partition.current_leader.leader_epoch, 3);
}

#[tokio::test]
async fn what_lies_here_is_described_and_only_the_leader_deletes_from_it() {
    let one = start(vec![mixed()]).await;
    let mut client = one.connect().await;
    let deleted = client
        .ask(
            2,
            &DeleteRecordsRequest {
                topics: vec![DeleteRecordsTopic {
                    name: "t".to_owned(),
                    partitions: (0..5)
                        .map(|partition_index| DeleteRecordsPartition {
                            partition_index,
                            offset: 0,
                        })
                        .collect(),
                }],
                timeout_ms: 1000,
            },
        )
        .await;
    let codes = deleted.topics[0]
        .partitions
        .iter()
        .map(|one| one.error_code);
    assert!(codes.eq(EXPECTED), "{deleted:?}");

    let mut described_here = EXPECTED;
    described_here[2] = Fine;
    let producers = client
        .ask(
            0,
            &DescribeProducersRequest {
                topics: vec![DescribeProducersTopic {
                    name: "t".to_owned(),
                    partition_indexes: (0..5).collect(),
                }],
            },
        )
        .await;
    let codes = producers.topics[0]
        .partitions
        .iter()
        .map(|one| one.error_code);
    assert!(codes.eq(described_here), "{producers:?}");

    let placed = client
        .ask(
            2,
            &AlterReplicaLogDirsRequest {
                dirs: vec![AlterReplicaLogDir {
                    path: one.broker.data_dir().to_str().unwrap().to_owned(),
                    topics: vec![AlterReplicaLogDirTopic {
                        name: "t".to_owned(),
                        partitions: (0..5).collect(),
                    }],
                }],
            },
        )
        .await;
    let missing = ErrorCode::ReplicaNotAvailable;
    let codes = placed.results[0]
        .partitions
        .iter()
        .map(|one| one.error_code);
    assert!(
        codes.eq([Fine, missing, Fine, missing, UnknownTopicOrPartition]),
        "{placed:?}"
    );
}
