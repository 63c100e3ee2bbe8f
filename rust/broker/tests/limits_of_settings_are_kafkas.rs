//! What Apache Kafka 4.4 takes as a setting is taken, and what it refuses is refused.

mod support;

use kafkalite_broker::BrokerConfig;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::delete_records::{
    DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic,
};
use kafkalite_wire::api::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribedConfig,
};
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use support::{Client, data, start};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

async fn set(client: &mut Client, kind: i8, name: &str, pairs: &[(&str, &str)]) -> ErrorCode {
    let configs = pairs
        .iter()
        .map(|(name, value)| IncrementalAlterableConfig {
            name: (*name).to_owned(),
            config_operation: 0,
            value: Some((*value).to_owned()),
        });
    let resource = IncrementalAlterConfigsResource {
        resource_type: kind,
        resource_name: name.to_owned(),
        configs: configs.collect(),
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![resource],
        validate_only: false,
    };
    client.ask(1, &request).await.responses[0].error_code
}

async fn describe(client: &mut Client, kind: i8, name: &str) -> Vec<DescribedConfig> {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configuration_keys: None,
        }],
        include_synonyms: true,
        include_documentation: false,
    };
    client.ask(4, &request).await.results.remove(0).configs
}

fn value<'a>(described: &'a [DescribedConfig], name: &str) -> Option<&'a str> {
    let found = described.iter().find(|config| config.name == name)?;
    found.value.as_deref()
}

#[tokio::test]
async fn what_kafka_refuses_of_a_topic_is_refused() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    for refused in [
        &[("segment.bytes", "1048575")][..],
        &[
            ("min.compaction.lag.ms", "10"),
            ("max.compaction.lag.ms", "5"),
        ],
        &[("compression.gzip.level", "0")],
        &[("compression.gzip.level", "10")],
        &[("compression.lz4.level", "18")],
        &[("compression.zstd.level", "23")],
        &[("retention.ms", "-2")],
        &[("remote.storage.enable", "true")],
        &[("remote.copy.lag.ms", "-2")],
        &[("max.decompressed.message.bytes", "0")],
        &[("leader.replication.throttled.replicas", "all")],
    ] {
        let code = set(&mut client, TOPIC, "t", refused).await;
        assert_eq!(code, ErrorCode::InvalidConfig, "{refused:?}");
    }
    let described = describe(&mut client, TOPIC, "t").await;
    assert!(described.iter().all(|config| config.config_source == 5));
    assert_eq!(value(&described, "internal.segment.bytes"), None);
}

#[tokio::test]
async fn what_kafka_takes_of_a_topic_is_taken() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let pairs = [
        ("segment.bytes", "1048576"),
        ("internal.segment.bytes", "100"),
        ("cleanup.policy", ""),
        ("retention.bytes", "-2"),
        ("compression.gzip.level", "-1"),
        ("compression.zstd.level", "-131072"),
        ("local.retention.ms", "5"),
        ("remote.storage.enable", "false"),
        ("remote.log.copy.disable", "true"),
        ("errors.deadletterqueue.group.enable", "true"),
        ("follower.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", "0:0,1:0"),
    ];
    let code = set(&mut client, TOPIC, "t", &pairs).await;
    assert_eq!(code, ErrorCode::None);
    let described = describe(&mut client, TOPIC, "t").await;
    for (name, expected) in pairs {
        assert_eq!(value(&described, name), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_lag_is_compared_with_the_brokers_where_the_topic_has_none() {
    let broker = start(&[("log.cleaner.max.compaction.lag.ms", "100")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let lag = [("min.compaction.lag.ms", "101")];
    let code = set(&mut client, TOPIC, "t", &lag).await;
    assert_eq!(code, ErrorCode::InvalidConfig);
    let both = [lag[0], ("max.compaction.lag.ms", "101")];
    let code = set(&mut client, TOPIC, "t", &both).await;
    assert_eq!(code, ErrorCode::None);
}

#[tokio::test]
async fn a_topic_without_a_policy_keeps_everything() {
    let small = [
        ("internal.segment.bytes", "300"),
        ("retention.ms", "1"),
        ("retention.bytes", "1"),
    ];
    let broker = start(&[("log.retention.check.interval.ms", "20")]).await;
    let mut client = broker.connect().await;
    let without = [&small[..], &[("cleanup.policy", "")]].concat();
    client.create("keeps", 1, &without).await;
    client.create("deletes", 1, &small).await;
    for _ in 0..5 {
        for topic in ["keeps", "deletes"] {
            client.put(topic, 0, &["x".repeat(150).as_str()]).await;
        }
    }
    // The same looks that empty the one are made at the other.
    while client.offset_at("deletes", 0, -2).await.offset < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.offset_at("keeps", 0, -2).await.offset, 0);
    let keyless = client.produce("keeps", 0, data::batch(&["no key"])).await;
    assert_eq!(keyless.error_code, ErrorCode::None);
    // What goes there goes because somebody says so.
    let before = DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: "keeps".to_owned(),
            partitions: vec![DeleteRecordsPartition {
                partition_index: 0,
                offset: 3,
            }],
        }],
        ..Default::default()
    };
    let deleted = client.ask(2, &before).await.topics.remove(0);
    assert_eq!(deleted.partitions[0].error_code, ErrorCode::None);
    assert_eq!(client.offset_at("keeps", 0, -2).await.offset, 3);
}

#[tokio::test]
async fn what_is_set_on_a_broker_wins_over_what_is_set_on_all() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let (name, own) = ("message.max.bytes", "300");
    set(&mut client, BROKER, "", &[(name, "200")]).await;
    set(&mut client, BROKER, "0", &[(name, own)]).await;
    let support::TestBroker { broker, dir } = broker;
    broker.stop().await.unwrap();

    let broker = support::restart(dir.path(), &[]).await;
    let mut client = Client::connect(&broker).await;
    let described = describe(&mut client, BROKER, "0").await;
    let found = described.iter().find(|config| config.name == name).unwrap();
    let listed: Vec<_> = found
        .synonyms
        .iter()
        .map(|one| (one.value.as_deref(), one.source))
        .collect();
    assert_eq!(
        listed,
        [(Some(own), 2), (Some("200"), 3), (Some("1048588"), 5)]
    );
    let of_all = describe(&mut client, BROKER, "").await;
    assert_eq!(value(&of_all, name), Some("200"));
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn a_broker_tells_its_number_and_where_clients_find_it() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let described = describe(&mut client, BROKER, "0").await;
    assert_eq!(value(&described, "broker.id"), Some("0"));
    let address = format!("PLAINTEXT://{}", broker.broker.address());
    let advertised = described
        .iter()
        .find(|config| config.name == "advertised.listeners")
        .unwrap();
    assert_eq!(advertised.value, Some(address));
    assert_eq!(advertised.config_source, 4, "as in Kafka: of the start");
}

#[test]
fn a_segment_that_would_be_too_small_is_refused_with_what_to_set_instead() {
    let refused = BrokerConfig::new().set("log.segment.bytes", "1048575");
    let message = refused.unwrap_err().to_string();
    for word in ["from 1048576", "internal.segment.bytes"] {
        assert!(message.contains(word), "{message}");
    }
}
