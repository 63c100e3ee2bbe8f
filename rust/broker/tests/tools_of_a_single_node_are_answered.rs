//! What administrators' tools ask of a cluster, answered as a cluster of one.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic,
};
use kafkalite_wire::api::alter_replica_log_dirs::{
    AlterReplicaLogDir, AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest,
};
use kafkalite_wire::api::create_acls::{CreatableAcl, CreateAclsRequest};
use kafkalite_wire::api::delete_acls::DeleteAclsRequest;
use kafkalite_wire::api::describe_acls::DescribeAclsRequest;
use kafkalite_wire::api::describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest};
use kafkalite_wire::api::describe_producers::{DescribeProducersRequest, DescribeProducersTopic};
use kafkalite_wire::api::describe_quorum::{
    DescribeQuorumPartition, DescribeQuorumRequest, DescribeQuorumTopic,
};
use kafkalite_wire::api::describe_user_scram_credentials::{
    DescribeUserScramCredentialsRequest, ScramUser,
};
use kafkalite_wire::api::elect_leaders::{ElectLeadersRequest, ElectLeadersTopic};
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use kafkalite_wire::api::list_config_resources::ListConfigResourcesRequest;
use kafkalite_wire::api::list_partition_reassignments::ListPartitionReassignmentsRequest;
use kafkalite_wire::api::update_features::{FeatureUpdate, UpdateFeaturesRequest};
use support::data::{batch, batch_of, origin};
use support::start;

const UNKNOWN: ErrorCode = ErrorCode::UnknownTopicOrPartition;

#[tokio::test]
async fn the_directory_and_the_sizes_in_it_are_described() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    client.create("u", 1, &[]).await;
    client.put("t", 1, &["one", "two"]).await;
    let size = batch(&["one", "two"]).len() as i64;
    let wanted = |topic: &str, partitions: &[i32]| DescribableLogDirTopic {
        topic: topic.to_owned(),
        partitions: partitions.to_vec(),
    };
    for version in 0..=5 {
        let request = DescribeLogDirsRequest {
            topics: Some(vec![wanted("t", &[1, 5]), wanted("no", &[0])]),
        };
        let dirs = client.ask(version, &request).await.results;
        let [dir] = &dirs[..] else { panic!("{dirs:?}") };
        assert_eq!(dir.log_dir, broker.broker.data_dir().to_str().unwrap());
        let [topic] = &dir.topics[..] else {
            panic!("{dir:?}")
        };
        let [partition] = &topic.partitions[..] else {
            panic!("{topic:?}")
        };
        assert_eq!((&*topic.name, partition.partition_index), ("t", 1));
        assert_eq!(partition.partition_size, size);
        assert_eq!(dir.total_bytes > dir.usable_bytes, version >= 4);
    }
    let all = client
        .ask(4, &DescribeLogDirsRequest { topics: None })
        .await;
    let names: Vec<_> = all.results[0].topics.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["t", "u"]);
}

#[tokio::test]
async fn a_partition_can_be_put_where_it_is_and_nowhere_else() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let here = broker.broker.data_dir().to_str().unwrap();
    for (path, codes) in [
        (here, [ErrorCode::None, UNKNOWN]),
        ("/elsewhere", [ErrorCode::LogDirNotFound; 2]),
    ] {
        let request = AlterReplicaLogDirsRequest {
            dirs: vec![AlterReplicaLogDir {
                path: path.to_owned(),
                topics: vec![AlterReplicaLogDirTopic {
                    name: "t".to_owned(),
                    partitions: vec![0, 1],
                }],
            }],
        };
        let results = client.ask(2, &request).await.results;
        let found: Vec<_> = results[0]
            .partitions
            .iter()
            .map(|it| it.error_code)
            .collect();
        assert_eq!(found, codes, "{path}");
    }

    let place = |replicas| ReassignablePartition {
        partition_index: 0,
        replicas,
    };
    let request = AlterPartitionReassignmentsRequest {
        topics: vec![ReassignableTopic {
            name: "t".to_owned(),
            partitions: vec![place(Some(vec![0])), place(Some(vec![0, 1])), place(None)],
        }],
        ..Default::default()
    };
    let answer = client.ask(1, &request).await;
    let partitions = answer.responses[0].partitions.iter();
    let codes: Vec<_> = partitions.map(|it| it.error_code).collect();
    let refused = ErrorCode::InvalidReplicaAssignment;
    let nothing = ErrorCode::NoReassignmentInProgress;
    assert_eq!(codes, [ErrorCode::None, refused, nothing]);
    let listed = client
        .ask(0, &ListPartitionReassignmentsRequest::default())
        .await;
    assert!(listed.error_code.is_none() && listed.topics.is_empty());
}

#[tokio::test]
async fn no_election_is_needed() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let mut request = ElectLeadersRequest {
        topic_partitions: Some(vec![ElectLeadersTopic {
            topic: "t".to_owned(),
            partitions: vec![0, 1],
        }]),
        ..Default::default()
    };
    for version in 0..=2 {
        let answer = client.ask(version, &request).await;
        let results = answer.replica_election_results[0].partition_result.iter();
        let codes: Vec<_> = results.map(|it| it.error_code).collect();
        assert_eq!(codes, [ErrorCode::ElectionNotNeeded, UNKNOWN]);
        assert_eq!(answer.error_code, ErrorCode::None);
    }
    request.election_type = 2;
    assert_eq!(
        client.ask(2, &request).await.error_code,
        ErrorCode::InvalidRequest
    );
}

#[tokio::test]
async fn producers_are_described_as_the_partition_remembers_them() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let id = client.producer_id().await;
    for sequence in [0, 2] {
        let bytes = batch_of(
            &["one", "two"],
            kafkalite_records::Compression::None,
            origin(id, sequence),
        );
        assert!(client.produce("t", 0, bytes).await.error_code.is_none());
    }
    let request = DescribeProducersRequest {
        topics: vec![DescribeProducersTopic {
            name: "t".to_owned(),
            partition_indexes: vec![0, 1, 0],
        }],
    };
    let topics = client.ask(0, &request).await.topics;
    let [known, missing, again] = &topics[0].partitions[..] else {
        panic!("{topics:?}")
    };
    let [producer] = &known.active_producers[..] else {
        panic!("{known:?}")
    };
    assert_eq!((producer.producer_id, producer.producer_epoch), (id, 0));
    assert_eq!(
        (producer.last_sequence, producer.coordinator_epoch),
        (3, -1)
    );
    assert_eq!(producer.current_txn_start_offset, -1);
    assert!(producer.last_timestamp > 0);
    assert_eq!(missing.error_code, UNKNOWN);
    assert_eq!(
        again.error_code,
        ErrorCode::InvalidRequest,
        "its answer may be long"
    );
}

#[tokio::test]
async fn this_broker_is_the_quorum() {
    let broker = start(&[("node.id", "4")]).await;
    let mut client = broker.connect().await;
    for version in 0..=2 {
        let request = DescribeQuorumRequest {
            topics: vec![DescribeQuorumTopic {
                topic_name: "__cluster_metadata".to_owned(),
                partitions: vec![DescribeQuorumPartition::default()],
            }],
        };
        let answer = client.ask(version, &request).await;
        let quorum = &answer.topics[0].partitions[0];
        assert_eq!((quorum.error_code, quorum.leader_id), (ErrorCode::None, 4));
        assert_eq!(quorum.current_voters[0].replica_id, 4);
        assert!(quorum.observers.is_empty());
        let ports = answer.nodes.iter().map(|node| node.listeners[0].port);
        let expected = (version >= 2).then(|| broker.broker.address().port());
        assert!(ports.eq(expected));
    }
}

#[tokio::test]
async fn features_stay_as_they_are() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    for (feature, level, upgrade_type, code) in [
        ("group.version", 1, 1, ErrorCode::None),
        ("group.version", 2, 1, ErrorCode::InvalidUpdateVersion),
        ("group.version", 0, 3, ErrorCode::InvalidUpdateVersion),
        ("group.version", 1, 4, ErrorCode::InvalidUpdateVersion),
        ("metadata.version", 33, 1, ErrorCode::InvalidUpdateVersion),
    ] {
        let request = UpdateFeaturesRequest {
            feature_updates: vec![FeatureUpdate {
                feature: feature.to_owned(),
                max_version_level: level,
                upgrade_type,
                ..Default::default()
            }],
            ..Default::default()
        };
        for version in [1, 2] {
            let answer = client.ask(version, &request).await;
            assert_eq!(answer.error_code, code, "{feature} {level}");
            assert_eq!(answer.error_message.is_none(), code.is_none());
            assert_eq!(
                answer.results.len(),
                usize::from(version == 1 && code.is_none())
            );
        }
    }
}

#[tokio::test]
async fn security_is_off_and_says_so() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let disabled = ErrorCode::SecurityDisabled;
    let described = client.ask(3, &DescribeAclsRequest::default()).await;
    assert_eq!(described.error_code, disabled);
    let request = CreateAclsRequest {
        creations: vec![CreatableAcl::default(); 2],
    };
    let created = client.ask(3, &request).await.results;
    assert!(created.len() == 2 && created.iter().all(|it| it.error_code == disabled));
    let request = DeleteAclsRequest {
        filters: vec![DescribeAclsRequest::default(); 2],
    };
    let deleted = client.ask(3, &request).await.filter_results;
    assert!(deleted.len() == 2 && deleted.iter().all(|it| it.error_code == disabled));

    let users = |names: &[&str]| DescribeUserScramCredentialsRequest {
        users: Some(
            names
                .iter()
                .map(|&name| ScramUser {
                    name: name.to_owned(),
                })
                .collect(),
        ),
    };
    assert!(client.ask(0, &users(&[])).await.results.is_empty());
    let named = client.ask(0, &users(&["a", "b", "b"])).await.results;
    let named: Vec<_> = named.iter().map(|it| (&*it.user, it.error_code)).collect();
    let (none, twice) = (ErrorCode::ResourceNotFound, ErrorCode::DuplicateResource);
    assert_eq!(named, [("a", none), ("b", twice)]);
}

#[tokio::test]
async fn what_has_settings_is_listed() {
    let broker = start(&[("node.id", "3")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let altered = IncrementalAlterConfigsRequest {
        resources: vec![IncrementalAlterConfigsResource {
            resource_type: 32,
            resource_name: "g".to_owned(),
            configs: vec![IncrementalAlterableConfig {
                name: "consumer.session.timeout.ms".to_owned(),
                value: Some("50000".to_owned()),
                ..Default::default()
            }],
        }],
        ..Default::default()
    };
    let code = client.ask(1, &altered).await.responses[0].error_code;
    assert_eq!(code, ErrorCode::None);
    let asking = |types: &[i8]| ListConfigResourcesRequest {
        resource_types: types.to_vec(),
    };
    let (topic, node, group) = ((2, "t"), (4, "3"), (32, "g"));
    let nothing: &[(i8, &str)] = &[];
    for (types, expected) in [
        (&[][..], &[topic, node, group][..]),
        (&[2, 2], &[topic]),
        (&[32, 4], &[node, group]),
        (&[8, 16], nothing),
    ] {
        let listed = client.ask(1, &asking(types)).await.config_resources;
        let listed: Vec<_> = listed
            .iter()
            .map(|it| (it.resource_type, &*it.resource_name))
            .collect();
        assert_eq!(listed, expected, "{types:?}");
    }
    let code = client.ask(1, &asking(&[3])).await.error_code;
    assert_eq!(code, ErrorCode::UnsupportedVersion);
    let metrics = client.ask(0, &asking(&[])).await;
    assert!(metrics.error_code.is_none() && metrics.config_resources.is_empty());
}

#[tokio::test]
async fn a_name_of_kilobytes_is_not_repeated_for_each_partition() {
    const PARTITIONS: usize = 1000;
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let name = "n".repeat(30_000);
    let indexes = || (0..PARTITIONS as i32).collect::<Vec<_>>();
    let producers = DescribeProducersRequest {
        topics: vec![DescribeProducersTopic {
            name: name.clone(),
            partition_indexes: indexes(),
        }],
    };
    let mut said: Vec<String> = Vec::new();
    for topic in client.ask(0, &producers).await.topics {
        let partitions = topic.partitions.into_iter();
        said.extend(partitions.map(|it| it.error_message.unwrap()));
    }
    let election = ElectLeadersRequest {
        topic_partitions: Some(vec![ElectLeadersTopic {
            topic: name.clone(),
            partitions: indexes(),
        }]),
        ..Default::default()
    };
    for topic in client.ask(2, &election).await.replica_election_results {
        let partitions = topic.partition_result.into_iter();
        said.extend(partitions.map(|it| it.error_message.unwrap()));
    }
    let reassigned = |partition_index| ReassignablePartition {
        partition_index,
        replicas: Some(vec![0]),
    };
    let reassignment = AlterPartitionReassignmentsRequest {
        topics: vec![ReassignableTopic {
            name: name.clone(),
            partitions: indexes().into_iter().map(reassigned).collect(),
        }],
        ..Default::default()
    };
    for topic in client.ask(1, &reassignment).await.responses {
        let partitions = topic.partitions.into_iter();
        said.extend(partitions.map(|it| it.error_message.unwrap()));
    }
    let described = |partition_index| DescribeQuorumPartition { partition_index };
    let quorum = DescribeQuorumRequest {
        topics: vec![DescribeQuorumTopic {
            topic_name: name,
            partitions: indexes().into_iter().map(described).collect(),
        }],
    };
    for topic in client.ask(2, &quorum).await.topics {
        let partitions = topic.partitions.into_iter();
        said.extend(partitions.map(|it| it.error_message.unwrap()));
    }
    assert_eq!(said.len(), 4 * PARTITIONS);
    assert!(
        said.iter().all(|message| message.len() < 400),
        "{}",
        said[0]
    );
}
