//! What becomes of a topic, and of wrong wishes.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use kafkalite_wire::api::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreateTopicsRequest,
};
use kafkalite_wire::api::delete_topics::{DeleteTopic, DeleteTopicsRequest};
use support::data::topic;
use support::groups::committing;
use support::{Client, restart, start};
use uuid::Uuid;

/// Asks for one topic that must be refused, and returns the code and the sentence.
async fn refusal(client: &mut Client, topic: CreatableTopic) -> (ErrorCode, String) {
    let created = client.create_topics(vec![topic]).await.remove(0);
    assert_eq!(
        (created.topic_id, created.num_partitions),
        (Uuid::nil(), -1)
    );
    (
        created.error_code,
        created.error_message.expect("a sentence"),
    )
}

async fn grow(client: &mut Client, name: &str, count: i32) -> ErrorCode {
    let topic = CreatePartitionsTopic {
        name: name.to_owned(),
        count,
        assignments: None,
    };
    let request = CreatePartitionsRequest {
        topics: vec![topic],
        ..Default::default()
    };
    client.ask(3, &request).await.results[0].error_code
}

#[tokio::test]
async fn a_created_topic_is_described_as_it_was_asked_for() {
    let broker = start(&[("num.partitions", "3")]).await;
    let mut client = broker.connect().await;
    let topics = vec![
        topic("default", -1, &[]),
        topic("set", 2, &[("retention.ms", "1000")]),
    ];
    let created = client.create_topics(topics).await;
    assert!(
        created.iter().all(|topic| topic.error_code.is_none()),
        "{created:?}"
    );
    assert_eq!(
        (created[0].num_partitions, created[0].replication_factor),
        (3, 1)
    );
    let configs = created[1].configs.as_ref().unwrap();
    let retention = configs
        .iter()
        .find(|config| config.name == "retention.ms")
        .unwrap();
    assert_eq!(
        (retention.value.as_deref(), retention.config_source),
        (Some("1000"), 1)
    );

    for created in created {
        let described = client.describe(&created.name).await;
        assert_eq!(described.topic_id, created.topic_id);
        assert_eq!(described.partitions.len() as i32, created.num_partitions);
        for (index, partition) in (0..).zip(&described.partitions) {
            assert_eq!((partition.partition_index, partition.leader_id), (index, 0));
            assert_eq!(
                (partition.leader_epoch, &partition.isr_nodes[..]),
                (0, &[0][..])
            );
        }
    }
    let all = client.metadata(&[], false).await;
    let names: Vec<_> = all
        .topics
        .iter()
        .map(|topic| topic.name.as_deref().unwrap())
        .collect();
    assert_eq!(names, ["default", "set"]);
    assert_eq!(
        all.brokers[0].port,
        i32::from(broker.broker.address().port())
    );
}

#[tokio::test]
async fn names_that_cannot_be() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("a.b", 1, &[]).await;
    let long = "x".repeat(250);
    for (name, word) in [
        ("../escape", "a-z"),
        ("..", "name"),
        (".", "name"),
        ("", "empty"),
        ("a/b", "a-z"),
        ("a b", "a-z"),
        ("ä", "a-z"),
        (long.as_str(), "249"),
        ("a_b", "a.b"),
    ] {
        let (code, message) = refusal(&mut client, topic(name, 1, &[])).await;
        assert_eq!(code, ErrorCode::InvalidTopic, "{name}");
        assert!(message.contains(word), "{name}: {message}");
    }
    for name in ["../escape", "a b", "a_b"] {
        let asked = client.metadata(&[name], true).await;
        assert_eq!(
            asked.topics[0].error_code,
            ErrorCode::InvalidTopic,
            "{name}"
        );
    }
    let parent = broker.dir.path().parent().unwrap();
    assert!(!parent.join("escape").exists() && !parent.join("escape-0").exists());
    let names = client.metadata(&[], false).await.topics;
    assert_eq!(names.len(), 1);
    let (code, message) = refusal(&mut client, topic("__cluster_metadata", 1, &[])).await;
    assert_eq!(code, ErrorCode::InvalidRequest);
    assert!(message.contains("controllers"), "{message}");
    client.create(&"x".repeat(249), 1, &[]).await;
}

#[tokio::test]
async fn wishes_that_cannot_be_met_say_why() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("there", 1, &[]).await;
    let replicas = |n| CreatableTopic {
        replication_factor: n,
        ..topic("t", 1, &[])
    };
    let assigned = |assignments: &[(i32, &[i32])]| CreatableTopic {
        assignments: assignments
            .iter()
            .map(|(partition_index, brokers)| CreatableReplicaAssignment {
                partition_index: *partition_index,
                broker_ids: brokers.to_vec(),
            })
            .collect(),
        ..topic("t", -1, &[])
    };
    for (wish, code, word) in [
        (
            topic("there", 1, &[]),
            ErrorCode::TopicAlreadyExists,
            "there",
        ),
        (
            topic("there", 0, &[]),
            ErrorCode::TopicAlreadyExists,
            "there",
        ),
        (
            CreatableTopic {
                replication_factor: 3,
                ..topic("there", 1, &[])
            },
            ErrorCode::TopicAlreadyExists,
            "there",
        ),
        (topic("a/b", 0, &[]), ErrorCode::InvalidTopic, "a/b"),
        (
            topic("t", 0, &[]),
            ErrorCode::InvalidPartitions,
            "partitions",
        ),
        (topic("t", -2, &[]), ErrorCode::InvalidPartitions, "-2"),
        (
            topic("t", i32::MAX, &[]),
            ErrorCode::InvalidPartitions,
            "2147483647",
        ),
        (
            replicas(3),
            ErrorCode::InvalidReplicationFactor,
            "single broker",
        ),
        (
            replicas(0),
            ErrorCode::InvalidReplicationFactor,
            "single broker",
        ),
        (
            topic("t", 1, &[("retention.mss", "1")]),
            ErrorCode::InvalidConfig,
            "retention.ms",
        ),
        (
            topic("t", 1, &[("retention.ms", "soon")]),
            ErrorCode::InvalidConfig,
            "retention.ms",
        ),
        (
            assigned(&[(0, &[7])]),
            ErrorCode::InvalidReplicaAssignment,
            "7",
        ),
        (
            assigned(&[(0, &[0, 1])]),
            ErrorCode::InvalidReplicaAssignment,
            "only broker",
        ),
        (
            assigned(&[(0, &[0]), (2, &[0])]),
            ErrorCode::InvalidReplicaAssignment,
            "0, 1, 2",
        ),
        (
            assigned(&[(0, &[0]), (0, &[0])]),
            ErrorCode::InvalidReplicaAssignment,
            "once",
        ),
        (
            CreatableTopic {
                num_partitions: 1,
                ..assigned(&[(0, &[0])])
            },
            ErrorCode::InvalidRequest,
            "-1",
        ),
    ] {
        let (found, message) = refusal(&mut client, wish.clone()).await;
        assert_eq!(found, code, "{wish:?}");
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(
        client.describe("t").await.error_code,
        ErrorCode::UnknownTopicOrPartition
    );

    let by_hand = client
        .create_topics(vec![assigned(&[(1, &[0]), (0, &[0])])])
        .await;
    assert_eq!(
        (by_hand[0].error_code, by_hand[0].num_partitions),
        (ErrorCode::None, 2)
    );
}

#[tokio::test]
async fn validate_only_changes_nothing() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let request = CreateTopicsRequest {
        topics: vec![topic("t", 5, &[]), topic("bad name", 1, &[])],
        validate_only: true,
        ..Default::default()
    };
    let answer = client.ask(7, &request).await.topics;
    assert_eq!(
        (answer[0].error_code, answer[0].num_partitions),
        (ErrorCode::None, 5)
    );
    assert_eq!(answer[1].error_code, ErrorCode::InvalidTopic);
    assert!(client.metadata(&[], false).await.topics.is_empty());
}

#[tokio::test]
async fn in_every_version() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    for version in 0..=7 {
        let name = format!("t{version}");
        let wish = CreatableTopic {
            replication_factor: 1,
            ..topic(&name, 1, &[])
        };
        let request = CreateTopicsRequest {
            topics: vec![wish],
            ..Default::default()
        };
        let created = client.ask(version, &request).await.topics;
        assert_eq!(created[0].error_code, ErrorCode::None, "{created:?}");
    }
    for version in 0..=6 {
        let name = format!("t{version}");
        let by_name = DeleteTopic {
            name: Some(name.clone()),
            ..Default::default()
        };
        let request = DeleteTopicsRequest {
            topics: if version >= 6 { vec![by_name] } else { vec![] },
            topic_names: vec![name.clone()],
            ..Default::default()
        };
        let deleted = client.ask(version, &request).await.responses;
        assert_eq!(
            (deleted[0].error_code, deleted[0].name.as_ref()),
            (ErrorCode::None, Some(&name))
        );
    }
    let left = client.metadata(&[], false).await.topics;
    assert_eq!(left.len(), 1);
    let by_id = DeleteTopic {
        name: None,
        topic_id: left[0].topic_id,
    };
    let unknown = DeleteTopic {
        name: None,
        topic_id: Uuid::from_u128(1),
    };
    let request = DeleteTopicsRequest {
        topics: vec![by_id, unknown],
        ..Default::default()
    };
    let deleted = client.ask(6, &request).await.responses;
    assert_eq!(
        (deleted[0].error_code, deleted[0].name.as_deref()),
        (ErrorCode::None, Some("t7"))
    );
    assert_eq!(deleted[1].error_code, ErrorCode::UnknownTopicId);
}

#[tokio::test]
async fn partitions_are_added_and_never_taken_away() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    client.put("t", 1, &["stays"]).await;
    for count in [2, 1, 0, -1, i32::MAX] {
        assert_eq!(
            grow(&mut client, "t", count).await,
            ErrorCode::InvalidPartitions
        );
    }
    assert_eq!(
        grow(&mut client, "nowhere", 3).await,
        ErrorCode::UnknownTopicOrPartition
    );
    assert_eq!(grow(&mut client, "t", 4).await, ErrorCode::None);
    assert_eq!(client.describe("t").await.partitions.len(), 4);
    client.put("t", 3, &["new"]).await;
    assert_eq!(client.read_all("t", 1, 0).await, [(0, "stays".to_owned())]);
}

#[tokio::test]
async fn a_deleted_topic_is_gone_with_its_settings_and_its_files() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let first = client.create("t", 2, &[("max.message.bytes", "100")]).await;
    client.put("t", 0, &["old"]).await;
    assert_eq!(client.delete("t").await.error_code, ErrorCode::None);
    assert_eq!(
        client.delete("t").await.error_code,
        ErrorCode::UnknownTopicOrPartition
    );
    assert!(!broker.dir.path().join("t-0").exists());

    let second = client.create("t", 1, &[]).await;
    assert_ne!(first, second);
    assert_eq!(client.fetch("t", 0, 0).await.high_watermark, 0);
    client.put("t", 0, &[&"x".repeat(200)]).await;
    let is_leftover = |entry: &std::io::Result<std::fs::DirEntry>| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .ends_with("-delete")
    };
    while std::fs::read_dir(broker.dir.path())
        .unwrap()
        .any(|entry| is_leftover(&entry))
    {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let forbidding = start(&[("delete.topic.enable", "false")]).await;
    let mut client = forbidding.connect().await;
    client.create("t", 1, &[]).await;
    assert_eq!(
        client.delete("t").await.error_code,
        ErrorCode::TopicDeletionDisabled
    );
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for run in 0..3 {
        let broker = restart(dir.path(), &[]).await;
        let mut client = Client::connect(&broker).await;
        if run == 0 {
            ids.push(
                client
                    .create("one", 2, &[("max.message.bytes", "150")])
                    .await,
            );
            ids.push(client.create("two", 1, &[]).await);
            client.create("gone", 1, &[]).await;
            client.delete("gone").await;
            assert_eq!(grow(&mut client, "two", 3).await, ErrorCode::None);
        }
        client.put("one", 1, &[&format!("run {run}")]).await;
        let topics = client.metadata(&[], false).await.topics;
        let seen: Vec<_> = topics
            .iter()
            .map(|topic| (topic.topic_id, topic.partitions.len()))
            .collect();
        assert_eq!(seen, [(ids[0], 2), (ids[1], 3)], "run {run}");
        let large = client
            .produce("one", 0, support::data::batch(&[&"x".repeat(150)]))
            .await;
        assert_eq!(
            large.error_code,
            ErrorCode::MessageTooLarge,
            "settings are kept"
        );
        if run == 1 {
            drop(broker); // without a stop, as if it had crashed
        } else {
            broker.stop().await.unwrap();
        }
    }
    let broker = restart(dir.path(), &[]).await;
    let values = Client::connect(&broker).await.read_all("one", 1, 0).await;
    assert_eq!(values.len(), 3);
}

#[tokio::test]
async fn a_topic_that_is_named_twice_is_answered_once_and_left_as_it_is() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let wanted = vec![topic("t", 1, &[]), topic("u", 1, &[]), topic("t", 2, &[])];
    let created = client.create_topics(wanted).await;
    let told: Vec<_> = created
        .iter()
        .map(|topic| (&*topic.name, topic.error_code))
        .collect();
    let twice = ErrorCode::InvalidRequest;
    assert_eq!(told, [("u", ErrorCode::None), ("t", twice)]);

    let grown = CreatePartitionsTopic {
        name: "u".to_owned(),
        count: 3,
        assignments: None,
    };
    let request = CreatePartitionsRequest {
        topics: vec![grown.clone(), grown],
        ..Default::default()
    };
    let results = client.ask(3, &request).await.results;
    assert_eq!((results.len(), results[0].error_code), (1, twice));
    assert_eq!(client.describe("u").await.partitions.len(), 1);

    let id = created[0].topic_id;
    let by_name = DeleteTopic {
        name: Some("u".to_owned()),
        topic_id: Uuid::nil(),
    };
    let by_id = DeleteTopic {
        name: None,
        topic_id: id,
    };
    let request = DeleteTopicsRequest {
        topics: vec![by_name, by_id],
        ..Default::default()
    };
    let responses = client.ask(6, &request).await.responses;
    assert_eq!((responses.len(), responses[0].error_code), (1, twice));
    assert!(client.describe("u").await.error_code.is_none());
}

#[tokio::test]
async fn the_topic_of_committed_offsets_may_be_created_by_a_client_and_keeps_them() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let name = "__consumer_offsets";
    let created = client.create_topics(vec![topic(name, 3, &[])]).await;
    assert_eq!(created[0].error_code, ErrorCode::None);
    let configs = created[0].configs.as_ref().unwrap();
    let policy = configs
        .iter()
        .find(|config| config.name == "cleanup.policy");
    assert_eq!(policy.unwrap().value.as_deref(), Some("compact"));
    client.create("t", 1, &[]).await;
    let committed = client.commit(committing("g", "t", 0, 5, "")).await;
    assert_eq!(committed, ErrorCode::None);
    assert_eq!(client.describe(name).await.partitions.len(), 3);
}
