//! A few bytes that name a group are the whole group in the answer: repeated in one request, they would fill any memory.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_describe::ConsumerGroupDescribeRequest;
use kafkalite_wire::api::describe_groups::DescribeGroupsRequest;
use kafkalite_wire::api::offset_fetch::{
    OffsetFetchGroup, OffsetFetchGroupTopic, OffsetFetchRequest, OffsetFetchTopic,
};
use support::groups::committing;
use support::start;

fn names() -> Vec<String> {
    ["g", "other", "g", "g"].map(str::to_owned).to_vec()
}

#[tokio::test]
async fn groups_are_described_once() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.join_alone("g", b"mine").await;
    let request = DescribeGroupsRequest {
        groups: names(),
        ..Default::default()
    };
    let classic = client.ask(6, &request).await.groups;
    let classic: Vec<_> = classic.iter().map(|group| &*group.group_id).collect();
    assert_eq!(classic, ["g", "other"]);
    let request = ConsumerGroupDescribeRequest {
        group_ids: names(),
        ..Default::default()
    };
    let consumer = client.ask(1, &request).await.groups;
    let consumer: Vec<_> = consumer.iter().map(|group| &*group.group_id).collect();
    assert_eq!(consumer, ["g", "other"]);
}

#[tokio::test]
async fn all_offsets_of_a_group_are_told_once() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.commit(committing("g", "t", 0, 5, "note")).await;
    let request = OffsetFetchRequest {
        groups: names()
            .into_iter()
            .map(|group_id| OffsetFetchGroup {
                group_id,
                topics: None,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let groups = client.ask(9, &request).await.groups;
    let groups: Vec<_> = groups.iter().map(|group| &*group.group_id).collect();
    assert_eq!(groups, ["g", "other"]);
}

#[tokio::test]
async fn an_offset_is_told_once_and_a_topic_may_be_named_for_each_of_its_partitions() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    for partition in 0..2 {
        let request = committing("g", "t", partition, 5, &"n".repeat(4000));
        assert_eq!(client.commit(request).await, ErrorCode::None);
    }
    let asked = [vec![0, 0, 0], vec![1, 0], vec![1]];
    let expected = [vec![0], vec![1], vec![]];

    let topic = |partition_indexes: &Vec<i32>| OffsetFetchGroupTopic {
        name: "t".to_owned(),
        partition_indexes: partition_indexes.clone(),
        ..Default::default()
    };
    let request = OffsetFetchRequest {
        groups: vec![OffsetFetchGroup {
            group_id: "g".to_owned(),
            topics: Some(asked.iter().map(topic).collect()),
            ..Default::default()
        }],
        ..Default::default()
    };
    let topics = client.ask(9, &request).await.groups.remove(0).topics;
    for (topic, expected) in topics.iter().zip(&expected) {
        let told = topic.partitions.iter();
        assert!(told.clone().all(|told| told.committed_offset == 5));
        assert_eq!(
            &told.map(|told| told.partition_index).collect::<Vec<_>>(),
            expected
        );
    }

    let topic = |partition_indexes: &Vec<i32>| OffsetFetchTopic {
        name: "t".to_owned(),
        partition_indexes: partition_indexes.clone(),
    };
    let request = OffsetFetchRequest {
        group_id: "g".to_owned(),
        topics: Some(asked.iter().map(topic).collect()),
        ..Default::default()
    };
    let topics = client.ask(7, &request).await.topics;
    let told = topics.iter().map(|topic| topic.partitions.len());
    assert_eq!(told.collect::<Vec<_>>(), [1, 1, 0]);
}
