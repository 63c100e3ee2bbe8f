//! Topics that are spread over both brokers.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic,
};
use kafkalite_wire::api::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use kafkalite_wire::api::delete_topics::{DeleteTopic, DeleteTopicsRequest};
use kafkalite_wire::api::list_config_resources::ListConfigResourcesRequest;
use kafkalite_wire::api::metadata::{MetadataRequest, MetadataRequestTopic};

use super::*;

/// The numbers of the partitions of a topic that lie here.
fn lying_here(one: &OneOfTwo, name: &str) -> Vec<i32> {
    let topic = one.state().replicas.by_name(name);
    let partitions = topic.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|partition| partition.index).collect()
}

fn leaders(one: &OneOfTwo, name: &str) -> Vec<Option<i32>> {
    let topic = one.state().registry.topic(name).unwrap();
    topic.partitions.iter().map(|one| one.leader).collect()
}

#[tokio::test]
async fn of_a_topic_that_is_created_each_broker_gets_its_partitions() {
    let one = start(vec![]).await;
    let mut client = one.connect().await;
    let spread = CreatableTopic {
        name: "spread".to_owned(),
        num_partitions: 4,
        replication_factor: 1,
        ..Default::default()
    };
    let assigned = CreatableTopic {
        name: "assigned".to_owned(),
        num_partitions: -1,
        replication_factor: -1,
        assignments: [vec![OTHER], vec![OTHER, ME], vec![ME]]
            .into_iter()
            .zip(0..)
            .map(|(broker_ids, partition_index)| CreatableReplicaAssignment {
                partition_index,
                broker_ids,
            })
            .collect(),
        ..Default::default()
    };
    let elsewhere = CreatableTopic {
        name: "elsewhere".to_owned(),
        assignments: assigned.assignments[..1].to_vec(),
        ..assigned.clone()
    };
    let request = CreateTopicsRequest {
        topics: vec![spread, assigned, elsewhere],
        timeout_ms: 1000,
        ..Default::default()
    };
    let created = client.ask(7, &request).await.topics;
    let sizes = created
        .iter()
        .map(|one| (one.error_code, one.num_partitions, one.replication_factor));
    let fine = ErrorCode::None;
    assert!(
        sizes.eq([(fine, 4, 1), (fine, 3, 1), (fine, 1, 1)]),
        "{created:?}"
    );

    let (me, other) = (Some(ME), Some(OTHER));
    assert_eq!(leaders(&one, "spread"), [me, other, me, other]);
    assert_eq!(leaders(&one, "assigned"), [other, other, me]);
    assert_eq!(lying_here(&one, "spread"), [0, 2]);
    assert_eq!(lying_here(&one, "assigned"), [1, 2]);
    assert!(lying_here(&one, "elsewhere").is_empty());
    assert!(one.broker.data_dir().join("spread-2").exists());
    assert!(!one.broker.data_dir().join("spread-1").exists());
}

#[tokio::test]
async fn a_topic_grows_where_it_was_asked_to_and_is_deleted_whole() {
    let one = start(vec![]).await;
    let mut client = one.connect().await;
    let state = one.state();
    one.broker.create_topic("t", Some(1), []).await.unwrap();
    assert_eq!(lying_here(&one, "t"), [0]);
    let mut grow = async |count, assigned: Option<&[i32]>| {
        let assignments = assigned.map(|brokers| {
            let each = brokers.iter().map(|&broker| CreatePartitionsAssignment {
                broker_ids: vec![broker],
            });
            each.collect()
        });
        let request = CreatePartitionsRequest {
            topics: vec![CreatePartitionsTopic {
                name: "t".to_owned(),
                count,
                assignments,
            }],
            timeout_ms: 1000,
            validate_only: false,
        };
        client.ask(3, &request).await.results[0].error_code
    };
    assert_eq!(grow(3, Some(&[OTHER, ME])).await, ErrorCode::None);
    assert_eq!(grow(5, None).await, ErrorCode::None);
    let (me, other) = (Some(ME), Some(OTHER));
    assert_eq!(leaders(&one, "t"), [me, other, me, other, me]);
    assert_eq!(lying_here(&one, "t"), [0, 2, 4]);
    let topic = state.replicas.by_name("t").unwrap();
    let found = |index| topic.partition(index).map(|one| one.index);
    assert_eq!(
        [-1, 0, 1, 2, 3, 4, 5].map(found),
        [None, Some(0), None, Some(2), None, Some(4), None]
    );

    let request = DeleteTopicsRequest {
        topics: vec![DeleteTopic {
            name: Some("t".to_owned()),
            ..Default::default()
        }],
        timeout_ms: 1000,
        ..Default::default()
    };
    let deleted = client.ask(6, &request).await.responses;
    assert_eq!(deleted[0].error_code, ErrorCode::None);
    assert!(lying_here(&one, "t").is_empty());
    assert!(!one.broker.data_dir().join("t-4").exists());
}

#[tokio::test]
async fn the_cluster_is_described_with_what_is_away() {
    let led_here = topic("t", vec![on(&[ME, OTHER, 5], 3), on(&[OTHER], 4)]);
    let one = start(vec![led_here]).await;
    let mut client = one.connect().await;
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some("t".to_owned()),
            ..Default::default()
        }]),
        ..Default::default()
    };
    let described = client.ask(12, &request).await;
    let brokers: Vec<_> = described.brokers.iter().map(|one| one.node_id).collect();
    assert_eq!((brokers, described.controller_id), (vec![ME, OTHER], OTHER));
    let partitions = &described.topics[0].partitions;
    let first = &partitions[0];
    assert_eq!((first.leader_id, first.leader_epoch), (ME, 3));
    assert_eq!(first.offline_replicas, [5]);
    assert_eq!(partitions[1].leader_id, OTHER);

    let request = ListConfigResourcesRequest {
        resource_types: vec![4],
    };
    let resources = client.ask(1, &request).await.config_resources;
    let names = resources.iter().map(|one| one.resource_name.as_str());
    assert!(names.eq(["0", "2"]), "{resources:?}");
}
