//! The admin client against both brokers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use kafkalite_client::{
    ConfigChange, ConfigResource, NewTopic, ProducerRecord, StartAt, TopicPartition,
};
use support::{Kafka, Kafkalite, PATIENCE, Peer, admin, fresh, producer};

#[tokio::test(flavor = "multi_thread")]
async fn with_kafkalite() {
    let peer = Kafkalite::start().await;
    everything(&peer.bootstrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_apache_kafka() {
    let Some(peer) = Kafka::start() else { return };
    everything(&peer.bootstrap()).await;
}

async fn everything(bootstrap: &str) {
    let admin = admin(bootstrap);
    let cluster = admin.describe_cluster().await.unwrap();
    assert_eq!(cluster.brokers.len(), 1);
    assert_eq!(
        format!("{}:{}", cluster.brokers[0].host, cluster.brokers[0].port),
        bootstrap
    );

    let mut new = NewTopic::new(fresh("admin"), 2);
    new.configs
        .push(("retention.ms".to_owned(), "123456".to_owned()));
    admin.create_topic(&new).await.unwrap();
    admin.create_partitions(&new.name, 3).await.unwrap();
    let described = loop {
        // A cluster of several processes learns about new partitions later.
        let described = admin.describe_topic(&new.name).await;
        match described {
            Ok(described) if described.partitions.len() == 3 => break described,
            _ => tokio::task::yield_now().await,
        }
    };
    assert!(
        described
            .partitions
            .iter()
            .all(|partition| partition.leader.is_some())
    );
    assert!(admin.topics().await.unwrap().contains(&described));

    let resource = ConfigResource::Topic(new.name.clone());
    let value = async |name: &str| {
        let entries = admin.describe_configs(&resource).await.unwrap();
        let entry = entries
            .into_iter()
            .find(|entry| entry.name == name)
            .unwrap();
        (entry.value.unwrap(), entry.is_default)
    };
    assert_eq!(value("retention.ms").await, ("123456".to_owned(), false));
    let changes = [
        ("retention.ms", ConfigChange::Delete),
        ("segment.bytes", ConfigChange::Set("2000000".to_owned())),
    ];
    admin.alter_configs(&resource, &changes).await.unwrap();
    while value("segment.bytes").await != ("2000000".to_owned(), false) {}
    assert!(value("retention.ms").await.1);
    let wrong = admin
        .alter_configs(
            &resource,
            &[("retention.ms", ConfigChange::Set("soon".to_owned()))],
        )
        .await;
    assert!(wrong.is_err());
    let broker = ConfigResource::Broker(cluster.brokers[0].id);
    assert!(!admin.describe_configs(&broker).await.unwrap().is_empty());

    let producer = producer(bootstrap, &[]);
    let record = ProducerRecord {
        topic: &new.name,
        partition: Some(1),
        value: Some(b"x"),
        ..Default::default()
    };
    for _ in 0..10 {
        producer.send(&record).await.unwrap();
    }
    producer.close(PATIENCE).await.unwrap();
    let of = TopicPartition::new(&*new.name, 1);
    let end = admin
        .list_offsets(&[(of.clone(), StartAt::End)])
        .await
        .unwrap();
    assert_eq!(end[&of].unwrap().offset, 10);
    assert_eq!(
        admin.delete_records(&[(of.clone(), 4)]).await.unwrap()[&of],
        4
    );
    let start = admin
        .list_offsets(&[(of.clone(), StartAt::Beginning)])
        .await
        .unwrap();
    assert_eq!(start[&of].unwrap().offset, 4);
    admin.delete_topic(&new.name).await.unwrap();
}
