//! Producer ids and sequences: duplicates are answered, also after a restart and after a crash.

mod support;

use bytes::Bytes;
use kafkalite_records::{BatchHeader, BatchOrigin, Compression};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::init_producer_id::InitProducerIdRequest;
use support::data::{batch_of, origin};
use support::{Client, restart, start};

fn nth(producer_id: i64, n: i32) -> Bytes {
    let values = [format!("a{n}"), format!("b{n}")];
    let values = [values[0].as_str(), values[1].as_str()];
    batch_of(&values, Compression::None, origin(producer_id, 2 * n))
}

#[tokio::test]
async fn a_batch_sent_again_gets_its_first_offset() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let id = client.producer_id().await;
    for n in 0..7 {
        assert_eq!(
            client.produce("t", 0, nth(id, n)).await.base_offset,
            2 * i64::from(n)
        );
    }
    for n in 2..7 {
        let again = client.produce("t", 0, nth(id, n)).await;
        assert_eq!(
            (again.error_code, again.base_offset),
            (ErrorCode::None, 2 * i64::from(n))
        );
    }
    assert_eq!(client.fetch("t", 0, 0).await.high_watermark, 14);
    // Beyond the last five the broker knows only that it is old.
    let forgotten = client.produce("t", 0, nth(id, 0)).await;
    assert_eq!(forgotten.error_code, ErrorCode::OutOfOrderSequenceNumber);
    assert_eq!(client.fetch("t", 0, 0).await.high_watermark, 14);
}

#[tokio::test]
async fn a_batch_sent_again_gets_the_time_of_the_first_write() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    for kind in ["CreateTime", "LogAppendTime"] {
        let config = [("message.timestamp.type", kind)];
        client.create(kind, 1, &config).await;
        let id = client.producer_id().await;
        client.produce(kind, 0, nth(id, 0)).await;
        let stored = client.fetch(kind, 0, 0).await.records.into_bytes();
        let stored = BatchHeader::parse(&stored).unwrap().max_timestamp;
        // Kafka says it also where the producer's clock stamps.
        let again = client.produce(kind, 0, nth(id, 0)).await;
        assert_eq!(again.log_append_time_ms, stored, "{kind}");
    }
}

#[tokio::test]
async fn also_after_a_stop_and_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let broker = restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    client.create("t", 1, &[]).await;
    let id = client.producer_id().await;
    client.produce("t", 0, nth(id, 0)).await;
    broker.stop().await.unwrap();

    let broker = restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    assert_eq!(client.produce("t", 0, nth(id, 0)).await.base_offset, 0);
    assert_eq!(client.produce("t", 0, nth(id, 1)).await.base_offset, 2);
    drop(broker);

    let broker = restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    assert_eq!(client.produce("t", 0, nth(id, 1)).await.base_offset, 2);
    assert_eq!(
        client.produce("t", 0, nth(id, 3)).await.error_code,
        ErrorCode::OutOfOrderSequenceNumber
    );
    assert_eq!(client.produce("t", 0, nth(id, 2)).await.base_offset, 4);
    assert!(
        client.producer_id().await > id,
        "an id is given out once, whatever happens"
    );
}

#[tokio::test]
async fn ids_are_never_given_out_twice() {
    let broker = start(&[]).await;
    let mut asking = Vec::new();
    for _ in 0..8 {
        let mut client = broker.connect().await;
        asking.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..200 {
                ids.push(client.producer_id().await);
            }
            ids
        }));
    }
    let mut ids = Vec::new();
    for asked in asking {
        ids.extend(asked.await.unwrap());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1600);
}

#[tokio::test]
async fn an_id_that_somebody_made_up_does_not_use_up_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let broker = restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    client.create("t", 1, &[]).await;
    let written = client.produce("t", 0, nth(i64::MAX - 1, 0)).await;
    assert_eq!(written.error_code, ErrorCode::None);
    broker.stop().await.unwrap();
    let again = restart(dir.path(), &[]).await;
    let id = Client::connect(&again).await.producer_id().await;
    assert!((0..1_000_000).contains(&id), "{id}");
}

#[tokio::test]
async fn what_an_idempotent_producer_asks_and_what_it_may_not() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    for version in 0..=5 {
        let answer = client.ask(version, &InitProducerIdRequest::default()).await;
        assert_eq!(
            (answer.error_code, answer.producer_epoch),
            (ErrorCode::None, 0)
        );
    }
    let had_one = InitProducerIdRequest {
        producer_id: 1,
        producer_epoch: 0,
        ..Default::default()
    };
    assert!(client.ask(5, &had_one).await.producer_id > 1);
    let half = InitProducerIdRequest {
        producer_id: 1,
        ..Default::default()
    };
    assert_eq!(
        client.ask(5, &half).await.error_code,
        ErrorCode::InvalidRequest
    );
    let empty = InitProducerIdRequest {
        transactional_id: Some(String::new()),
        ..Default::default()
    };
    assert_eq!(
        client.ask(5, &empty).await.error_code,
        ErrorCode::InvalidRequest
    );
    // A sequence without an id, as no client sends it.
    client.create("t", 1, &[]).await;
    let odd = BatchOrigin {
        producer_id: 1,
        producer_epoch: 0,
        base_sequence: -1,
        transactional: false,
    };
    let odd = client
        .produce("t", 0, batch_of(&["v"], Compression::None, odd))
        .await;
    assert_eq!(odd.error_code, ErrorCode::InvalidRecord);
}

#[tokio::test]
async fn a_transactional_id_is_refused_with_what_ends_the_attempts_of_its_client() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let transactional = InitProducerIdRequest {
        transactional_id: Some("t".to_owned()),
        ..Default::default()
    };
    // In versions 2 to 4 it is librdkafka that asks, which knows -165 as "not supported by the broker".
    for (version, code) in [(0, 35), (1, 35), (2, -165), (3, -165), (4, -165), (5, 35)] {
        let answer = client.ask(version, &transactional).await;
        assert_eq!(
            (answer.error_code.code(), answer.producer_id),
            (code, -1),
            "version {version}"
        );
    }
}
