//! Fetches that make no sense from a consumer get the codes of Apache Kafka.

mod support;

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::{FetchRequest, FetchResponse, FetchedPartition};
use kafkalite_wire::api::leader::{CurrentLeader, NodeEndpoint};
use support::data::{fetch_by_id, fetch_by_name, from};
use support::{Client, TestBroker, config, start};

const UNKNOWN: ErrorCode = ErrorCode::UnknownServerError;

/// Makes a fetch one that no consumer sends.
type Spoil = fn(&mut FetchRequest);

fn first(mut response: FetchResponse) -> FetchedPartition {
    response.responses.remove(0).partitions.remove(0)
}

#[tokio::test]
async fn negative_sizes_unknown_isolation_and_replicas_are_refused() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let id = client.create("t", 1, &[]).await;
    client.put("t", 0, &["one"]).await;
    let refused: [(Spoil, ErrorCode); 4] = [
        (|request| request.max_bytes = -1, UNKNOWN),
        (
            |request| request.topics[0].partitions[0].partition_max_bytes = -1,
            UNKNOWN,
        ),
        (|request| request.isolation_level = 2, UNKNOWN),
        (
            |request| request.replica_id = 5,
            ErrorCode::NotLeaderOrFollower,
        ),
    ];
    for (spoil, code) in refused {
        let mut request = fetch_by_name("t", vec![from(0, 0)]);
        spoil(&mut request);
        let partition = first(client.ask(12, &request).await);
        assert_eq!((partition.error_code, partition.high_watermark), (code, -1));
        assert!(partition.records.is_empty());
    }
    let mut request = fetch_by_id(id, vec![from(0, 0)]);
    request.replica_state.replica_id = 0;
    let partition = first(client.ask(18, &request).await);
    assert_eq!(partition.error_code, ErrorCode::NotLeaderOrFollower);
    request.isolation_level = -1;
    let answer = client.ask(18, &request).await;
    assert_eq!((answer.error_code, answer.responses.len()), (UNKNOWN, 0));
}

#[tokio::test]
async fn who_is_wrong_about_the_leader_is_told_who_leads() {
    let TestBroker { broker, dir } = start(&[]).await;
    let mut client = Client::connect(&broker).await;
    let id = client.create("t", 1, &[]).await;
    client.put("t", 0, &["one"]).await;
    broker.stop().await.unwrap();
    // As if it had been led by others, in a cluster of Apache Kafka.
    let epochs = dir.path().join("t-0/leader-epoch-checkpoint");
    std::fs::write(epochs, "0\n1\n3 0\n").unwrap();
    let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
    let mut client = Client::connect(&broker).await;
    let us = CurrentLeader {
        leader_id: 0,
        leader_epoch: 3,
    };
    let endpoint = NodeEndpoint {
        node_id: 0,
        host: "127.0.0.1".to_owned(),
        port: i32::from(broker.address().port()),
        rack: None,
    };
    let (fenced, unknown, other) = (
        ErrorCode::FencedLeaderEpoch,
        ErrorCode::UnknownLeaderEpoch,
        ErrorCode::NotLeaderOrFollower,
    );
    // What Apache Kafka 4.4 answers.
    for (version, epoch, replica, code, leader, endpoints) in [
        (18, 2, -1, fenced, us.clone(), vec![endpoint.clone()]),
        (16, 2, -1, fenced, us.clone(), vec![endpoint]),
        (15, 2, -1, fenced, CurrentLeader::default(), vec![]),
        (18, 4, -1, unknown, CurrentLeader::default(), vec![]),
        (18, -1, 5, other, us, vec![]),
    ] {
        let mut request = fetch_by_id(id, vec![from(0, 0)]);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        request.replica_state.replica_id = replica;
        let answer = client.ask(version, &request).await;
        assert_eq!(answer.node_endpoints, endpoints, "{version} {epoch}");
        let partition = first(answer);
        assert_eq!(
            (partition.error_code, partition.current_leader),
            (code, leader)
        );
    }
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_debugging_replica_reads_as_a_consumer_does() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.put("t", 0, &["one"]).await;
    let mut request = fetch_by_name("t", vec![from(0, 0)]);
    request.replica_id = -2;
    let partition = first(client.ask(12, &request).await);
    assert_eq!(
        (partition.error_code, partition.high_watermark),
        (ErrorCode::None, 1)
    );
}
