//! Metadata: all topics or none, by name or by id, and the topics that asking creates.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::metadata::{MetadataRequest, MetadataRequestTopic};
use support::start;
use uuid::Uuid;

#[tokio::test]
async fn metadata_means_all_or_none_as_its_version_says() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let id = client.create("t", 1, &[]).await;
    let mut count = async |version, topics| {
        let request = MetadataRequest {
            topics,
            ..Default::default()
        };
        client.ask(version, &request).await.topics.len()
    };
    assert_eq!(count(0, Some(vec![])).await, 1);
    for version in 1..=13 {
        assert_eq!(count(version, Some(vec![])).await, 0, "version {version}");
        assert_eq!(count(version, None).await, 1, "version {version}");
    }
    let by_id = |topic_id| MetadataRequestTopic {
        topic_id,
        name: None,
    };
    let request = MetadataRequest {
        topics: Some(vec![by_id(id), by_id(Uuid::from_u128(1))]),
        include_topic_authorized_operations: true,
        ..Default::default()
    };
    let topics = client.ask(12, &request).await.topics;
    assert_eq!(topics[0].name.as_deref(), Some("t"));
    assert_ne!(topics[0].topic_authorized_operations, i32::MIN);
    assert_eq!(
        (topics[1].error_code, &topics[1].name),
        (ErrorCode::UnknownTopicId, &None)
    );
}

#[tokio::test]
async fn metadata_creates_where_all_agree() {
    let broker = start(&[("num.partitions", "2")]).await;
    let mut client = broker.connect().await;
    let unknown = ErrorCode::UnknownTopicOrPartition;
    assert_eq!(
        client.metadata(&["t"], false).await.topics[0].error_code,
        unknown
    );
    assert_eq!(
        client.metadata(&["__consumer_offsets"], true).await.topics[0].error_code,
        unknown
    );
    let topics = client.metadata(&["t", "u", "t"], true).await.topics;
    assert!(
        topics
            .iter()
            .all(|topic| topic.error_code.is_none() && topic.partitions.len() == 2)
    );
    assert_eq!(topics.len(), 2, "each once, however often it was asked for");
    assert_eq!(client.put("t", 1, &["usable at once"]).await, 0);

    let strict = start(&[("auto.create.topics.enable", "false")]).await;
    let mut client = strict.connect().await;
    assert_eq!(
        client.metadata(&["t"], true).await.topics[0].error_code,
        unknown
    );
}

#[tokio::test]
async fn many_clients_that_ask_at_once_get_the_same_topic() {
    let broker = start(&[]).await;
    let mut asking = Vec::new();
    for _ in 0..20 {
        let mut client = broker.connect().await;
        asking.push(tokio::spawn(async move {
            client.metadata(&["t"], true).await.topics.remove(0)
        }));
    }
    let mut ids = std::collections::HashSet::new();
    for asked in asking {
        let topic = asked.await.unwrap();
        assert_eq!(topic.error_code, ErrorCode::None);
        ids.insert(topic.topic_id);
    }
    assert_eq!(ids.len(), 1);
}
