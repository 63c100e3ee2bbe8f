//! Brokers that are gone, addresses that are wrong, peers that speak something else: what the user is told.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use kafkalite_client::{
    Admin, AdminConfig, ClientError, ErrorCode, LinkError, NewTopic, ProducerRecord, StartAt,
    TopicPartition,
};
use support::{Kafkalite, PATIENCE, Peer, admin, all, consumer, producer, topic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A peer that reads what it is sent and answers every time with these bytes.
async fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                while let Ok(1..) = stream.read(&mut request).await {
                    if stream.write_all(bytes).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// What `describe_cluster` says about a peer.
async fn complaint(bootstrap: &str, settings: &[(&str, &str)]) -> ClientError {
    let mut config = AdminConfig::from_pairs([("bootstrap.servers", bootstrap)]).unwrap();
    config.set("default.api.timeout.ms", "400").unwrap();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    Admin::new(config)
        .unwrap()
        .describe_cluster()
        .await
        .unwrap_err()
}

async fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn nobody_listens() {
    let address = unused_address().await;
    let error = complaint(&address, &[]).await;
    let said = error.to_string();
    assert!(
        said.contains(&format!(
            "cannot connect to {address} (from bootstrap.servers)"
        )),
        "{said}"
    );
    assert!(said.contains("no broker listens there"), "{said}");
    assert!(error.retriable());
}

#[tokio::test]
async fn a_peer_that_accepts_and_never_answers() {
    let address = answering(b"").await;
    let said = complaint(&address.to_string(), &[]).await.to_string();
    assert!(
        said.contains(&format!("describing the cluster at {address} (from")),
        "{said}"
    );
}

#[tokio::test]
async fn a_host_that_does_not_exist() {
    let said = complaint("no-such-host.invalid:9092", &[])
        .await
        .to_string();
    assert!(
        said.contains("no-such-host.invalid:9092 (from bootstrap.servers)"),
        "{said}"
    );
}

#[tokio::test]
async fn a_web_server() {
    let address = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let said = complaint(&address.to_string(), &[]).await.to_string();
    assert!(
        said.contains("does not speak Kafka's protocol") && said.contains(&address.to_string()),
        "{said}"
    );
}

#[tokio::test]
async fn a_response_of_nonsense() {
    // A frame of 12 bytes with the right correlation id and no message in it.
    let address = answering(&[
        0, 0, 0, 12, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3,
    ])
    .await;
    let said = complaint(&address.to_string(), &[]).await.to_string();
    assert!(said.contains("ApiVersions"), "{said}");
}

#[tokio::test]
async fn a_response_to_another_request() {
    let address = answering(&[0, 0, 0, 4, 0, 0, 0, 99]).await;
    let said = complaint(&address.to_string(), &[]).await.to_string();
    assert!(
        said.contains("a response to request 99 where that to 0 was due"),
        "{said}"
    );
}

#[tokio::test]
async fn a_peer_that_never_answers() {
    let address = answering(b"").await;
    let said = complaint(&address.to_string(), &[("request.timeout.ms", "50")])
        .await
        .to_string();
    assert!(
        said.contains("ApiVersions to") && said.contains("was not answered within 50 ms"),
        "{said}"
    );
}

#[tokio::test]
async fn an_advertised_address_that_is_wrong() {
    let wrong = unused_address().await;
    let peer = Kafkalite::advertising(Some(&wrong)).await;
    let consumer = consumer(&peer.bootstrap(), &[]);
    let of = TopicPartition::new("nowhere", 0);
    let said = consumer.partitions("nowhere", PATIENCE).await;
    assert_eq!(
        said.unwrap().len(),
        1,
        "metadata comes from the bootstrap address"
    );
    let error = consumer
        .offsets(&[(of, StartAt::End)], Duration::from_millis(300))
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains(&format!("{wrong} (advertised by the cluster for broker")),
        "{said}"
    );
}

#[tokio::test]
async fn a_broker_that_goes_away() {
    let mut peer = Kafkalite::start().await;
    let topic = topic(&peer.bootstrap(), "gone", 1).await;
    let producer = producer(
        &peer.bootstrap(),
        &[
            ("delivery.timeout.ms", "300"),
            ("request.timeout.ms", "200"),
            ("linger.ms", "0"),
        ],
    );
    let record = ProducerRecord {
        topic: &topic,
        value: Some(b"x"),
        ..Default::default()
    };
    producer.send(&record).await.unwrap().wait().await.unwrap();
    let consumer = consumer(&peer.bootstrap(), &[]);
    consumer.assign(all(&topic, 1, StartAt::End));
    peer.stop().await;

    let looked_at = producer.send(&record).await.unwrap();
    let said = looked_at.wait().await.unwrap_err().to_string();
    assert!(
        said.contains("delivery.timeout.ms=300") && said.contains("cannot connect to 127.0.0.1"),
        "{said}"
    );
    producer.flush().await.unwrap();

    producer.send(&record).await.unwrap();
    let error = producer.flush().await.unwrap_err();
    assert!(
        matches!(error, ClientError::Undelivered { count: 1, .. }),
        "{error}"
    );
    producer.flush().await.unwrap();

    assert!(
        consumer
            .next_batch(Duration::from_millis(300))
            .await
            .unwrap()
            .is_none()
    );
    assert!(matches!(
        consumer.trouble(),
        Some(ClientError::Link(
            LinkError::Connect { .. } | LinkError::Disconnected { .. }
        ))
    ));

    producer.send(&record).await.unwrap();
    let error = producer.close(Duration::from_millis(1)).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Undelivered { count: 1, .. }),
        "{error}"
    );
    let refused = producer.send(&record).await.unwrap_err();
    assert_eq!(refused.to_string(), "the producer is closed");
}

#[tokio::test]
async fn a_full_buffer_that_stays_full() {
    let address = unused_address().await;
    let peer = Kafkalite::start().await;
    let topic = topic(&peer.bootstrap(), "stuck", 1).await;
    drop(address);
    let settings = [
        ("buffer.memory", "500"),
        ("max.block.ms", "100"),
        ("linger.ms", "0"),
        ("delivery.timeout.ms", "60000"),
    ];
    let mut peer = peer;
    let producer = producer(&peer.bootstrap(), &settings);
    producer.partition_count(&topic).await.unwrap();
    peer.stop().await;
    let record = ProducerRecord {
        topic: &topic,
        value: Some(&[0; 400]),
        ..Default::default()
    };
    producer.send(&record).await.unwrap();
    let said = producer.send(&record).await.unwrap_err().to_string();
    assert!(
        said.contains("buffer.memory=500") && said.contains("max.block.ms=100"),
        "{said}"
    );
    drop(producer);
}

#[tokio::test]
async fn a_wait_for_a_cluster_that_nobody_answers_for_uses_up_its_time() {
    // What is left after the first pause is shorter than the second would be.
    let settings = [("max.block.ms", "600"), ("retry.backoff.ms", "400")];
    let producer = producer(&unused_address().await, &settings);
    let began = Instant::now();
    let error = producer.partition_count("t").await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn what_the_broker_or_the_settings_forbid() {
    let peer = Kafkalite::start().await;
    let bootstrap = peer.bootstrap();
    let admin = admin(&bootstrap);
    let mut small = NewTopic::new(support::fresh("small"), 1);
    small
        .configs
        .push(("max.message.bytes".to_owned(), "1000".to_owned()));
    admin.create_topic(&small).await.unwrap();
    let again = admin.create_topic(&small).await.unwrap_err();
    assert_eq!(again.code(), Some(ErrorCode::TopicAlreadyExists));

    let producer = producer(&bootstrap, &[("max.request.size", "5000")]);
    let with = |value| ProducerRecord {
        topic: &small.name,
        value: Some(value),
        ..Default::default()
    };
    let by_broker = producer
        .send(&with(&[0; 2000]))
        .await
        .unwrap()
        .wait()
        .await
        .unwrap_err();
    assert_eq!(by_broker.code(), Some(ErrorCode::MessageTooLarge));
    let by_setting = producer.send(&with(&[0; 6000])).await.unwrap_err();
    assert!(
        by_setting.to_string().contains("max.request.size=5000"),
        "{by_setting}"
    );
    // A refused batch does not hold up those behind it.
    let fine = producer
        .send(&with(b"fine"))
        .await
        .unwrap()
        .wait()
        .await
        .unwrap();
    assert_eq!(fine.offset, Some(0));

    let bad_name = producer
        .send(&ProducerRecord {
            topic: "no/slash",
            ..Default::default()
        })
        .await
        .unwrap_err();
    assert_eq!(bad_name.code(), Some(ErrorCode::InvalidTopic));
    let missing = admin.describe_topic("missing").await;
    assert!(missing.is_err_and(|error| error.code() == Some(ErrorCode::UnknownTopicOrPartition)));
    let missing = admin.delete_topic("missing").await;
    assert!(missing.is_err_and(|error| error.code() == Some(ErrorCode::UnknownTopicOrPartition)));
}

#[tokio::test]
async fn a_name_that_no_topic_can_have() {
    let peer = Kafkalite::start().await;
    let bootstrap = peer.bootstrap();
    let good = topic(&bootstrap, "good", 1).await;
    let long = "x".repeat(40_000);
    let producer = producer(&bootstrap, &[]);
    for bad in ["", "..", "a b", &long] {
        let error = producer.partition_count(bad).await.unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::InvalidTopic), "{error}");
        assert!(error.to_string().len() < 1000, "{error}");
    }
    let record = ProducerRecord {
        topic: &good,
        ..Default::default()
    };
    producer.send(&record).await.unwrap().wait().await.unwrap();

    let consumer = consumer(&bootstrap, &[]);
    consumer.assign([
        (TopicPartition::new(long, 0), StartAt::Beginning),
        (TopicPartition::new(&*good, 0), StartAt::Beginning),
    ]);
    assert_eq!(**support::next(&consumer).await.topic(), *good);
}

#[tokio::test]
async fn a_broker_that_hangs_up_and_then_is_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        drop(listener.accept().await.unwrap());
        std::future::pending::<()>().await; // connections are made, and nothing is answered
    });
    let error = consumer(&address, &[])
        .partitions("t", Duration::from_secs(1))
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains(&format!("connection to {address}")) && said.contains("was lost"),
        "{said}"
    );
}

/// An admin client of a cluster whose only node is at an address that another broker has taken.
async fn create_at_a_taken_address(check: &str) -> (Kafkalite, Result<(), ClientError>) {
    let other = Kafkalite::start().await;
    let mine = Kafkalite::advertising(Some(&other.bootstrap())).await;
    let mut config =
        AdminConfig::from_pairs([("bootstrap.servers", mine.bootstrap().as_str())]).unwrap();
    config.set("default.api.timeout.ms", "400").unwrap();
    config.set("metadata.cluster.check.enable", check).unwrap();
    let admin = Admin::new(config).unwrap();
    let created = admin.create_topic(&NewTopic::new("t", 1)).await;
    (other, created)
}

#[tokio::test]
async fn another_broker_has_taken_the_address_and_gets_nothing() {
    let (other, created) = create_at_a_taken_address("true").await;
    let error = created.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::RebootstrapRequired));
    let said = error.to_string();
    assert!(
        said.contains("node 0 of cluster") && said.contains(&other.bootstrap()),
        "{said}"
    );
    assert!(admin(&other.bootstrap()).topics().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_the_check_another_broker_that_has_taken_the_address_is_believed() {
    let (other, created) = create_at_a_taken_address("false").await;
    created.unwrap();
    assert_eq!(admin(&other.bootstrap()).topics().await.unwrap().len(), 1);
}
