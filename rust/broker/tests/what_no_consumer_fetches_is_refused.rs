//! Fetches that make no sense from a consumer get the codes of Apache Kafka.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::{FetchRequest, FetchResponse, FetchedPartition};
use support::data::{fetch_by_id, fetch_by_name, from};
use support::start;

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
