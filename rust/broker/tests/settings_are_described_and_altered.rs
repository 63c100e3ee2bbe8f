//! The three APIs of settings: every default is told, what is altered acts and stays.

mod support;

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterableConfig,
};
use kafkalite_wire::api::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResult, DescribedConfig,
};
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use support::{Client, config, data, start};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

async fn describe(
    client: &mut Client,
    version: i16,
    kind: i8,
    name: &str,
    keys: Option<&[&str]>,
) -> DescribeConfigsResult {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configuration_keys: keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()),
        }],
        include_synonyms: true,
        include_documentation: version >= 3,
    };
    client.ask(version, &request).await.results.remove(0)
}

async fn setting(client: &mut Client, kind: i8, name: &str, key: &str) -> DescribedConfig {
    describe(client, 4, kind, name, Some(&[key]))
        .await
        .configs
        .remove(0)
}

async fn change(
    client: &mut Client,
    kind: i8,
    name: &str,
    changes: &[(&str, i8, Option<&str>)],
    validate_only: bool,
) -> (ErrorCode, String) {
    let configs =
        changes.iter().map(
            |(name, config_operation, value)| IncrementalAlterableConfig {
                name: (*name).to_owned(),
                config_operation: *config_operation,
                value: value.map(str::to_owned),
            },
        );
    let request = IncrementalAlterConfigsRequest {
        resources: vec![IncrementalAlterConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configs: configs.collect(),
        }],
        validate_only,
    };
    let answer = client.ask(1, &request).await.responses.remove(0);
    (answer.error_code, answer.error_message.unwrap_or_default())
}

#[tokio::test]
async fn every_setting_is_told_with_its_source_type_synonyms_and_meaning() {
    let broker = start(&[("log.retention.hours", "2")]).await;
    let mut client = broker.connect().await;
    client
        .create("clicks", 1, &[("internal.segment.bytes", "4096")])
        .await;
    for version in 1..=4 {
        for (kind, name, table) in [
            (TOPIC, "clicks", kafkalite_broker::config::TOPIC),
            (BROKER, "0", kafkalite_broker::config::BROKER),
        ] {
            let described = describe(&mut client, version, kind, name, None).await;
            assert_eq!(described.error_code, ErrorCode::None);
            let told: Vec<&str> = described
                .configs
                .iter()
                .map(|config| config.name.as_str())
                .collect();
            let known: Vec<&str> = table.iter().map(|row| row.name).collect();
            assert_eq!(told, known);
            for config in described.configs.iter().filter(|_| version >= 3) {
                assert!(
                    config.config_type > 0
                        && config
                            .documentation
                            .as_ref()
                            .is_some_and(|doc| !doc.is_empty())
                );
            }
        }
    }
    let own = setting(&mut client, TOPIC, "clicks", "internal.segment.bytes").await;
    assert_eq!(
        (own.value.as_deref(), own.config_source, own.read_only),
        (Some("4096"), 1, false)
    );

    // From another setting, in another unit. As in Kafka none is listed that only stands in for the nearest.
    let retention = setting(&mut client, TOPIC, "clicks", "retention.ms").await;
    assert_eq!(retention.value.as_deref(), Some("7200000"));
    assert!(retention.synonyms.is_empty() && retention.config_source == 5);
    let nearest = ("log.retention.ms", SET, Some("5"));
    change(&mut client, BROKER, "0", &[nearest], false).await;
    let retention = setting(&mut client, TOPIC, "clicks", "retention.ms").await;
    let listed = retention.synonyms.iter();
    let listed: Vec<_> = listed
        .map(|one| (one.name.as_str(), one.value.as_deref().unwrap(), one.source))
        .collect();
    let expected = [
        ("log.retention.ms", "5", 2),
        ("log.retention.hours", "2", 4),
        ("log.retention.hours", "168", 5),
    ];
    assert_eq!(listed, expected);
    assert_eq!(retention.config_source, 2);

    // What is in force, not what was asked for.
    let listeners = setting(&mut client, BROKER, "0", "listeners").await;
    assert_eq!(
        listeners.value,
        Some(format!("PLAINTEXT://{}", broker.broker.address()))
    );
    assert!(listeners.read_only);
}

#[tokio::test]
async fn what_is_not_there_is_not_described() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    for (kind, name, code) in [
        (TOPIC, "nowhere", ErrorCode::UnknownTopicOrPartition),
        (TOPIC, "../nowhere", ErrorCode::UnknownTopicOrPartition),
        (BROKER, "7", ErrorCode::InvalidRequest),
        (BROKER, "zero", ErrorCode::InvalidRequest),
        (8, "0", ErrorCode::InvalidRequest),
        (0, "", ErrorCode::InvalidRequest),
    ] {
        let described = describe(&mut client, 4, kind, name, None).await;
        assert_eq!(
            (described.error_code, described.resource_name.as_str()),
            (code, name)
        );
        assert!(described.error_message.is_some() && described.configs.is_empty());
        assert_eq!(
            change(
                &mut client,
                kind,
                name,
                &[("retention.ms", SET, Some("1"))],
                false
            )
            .await
            .0,
            code
        );
    }
    client.create("clicks", 1, &[]).await;
    assert!(
        describe(&mut client, 4, TOPIC, "clicks", Some(&["no.such"]))
            .await
            .configs
            .is_empty()
    );
}

#[tokio::test]
async fn a_short_request_does_not_get_an_endless_answer() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let resource = DescribeConfigsResource {
        resource_type: BROKER,
        resource_name: "0".to_owned(),
        configuration_keys: None,
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource; 10_000],
        ..Default::default()
    };
    client.send(4, &request).await;
    let answer = client.frame().await.unwrap();
    assert!(answer.len() < 1 << 20, "{} bytes", answer.len());
}

#[tokio::test]
async fn a_topics_settings_act_at_once_and_stay() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("clicks", 1, &[]).await;
    client.put("clicks", 0, &["x".repeat(500).as_str()]).await;
    let changes = [
        ("max.message.bytes", SET, Some("200")),
        ("cleanup.policy", APPEND, Some("compact")),
        ("cleanup.policy.none", DELETE, None),
    ];
    let (code, message) = change(&mut client, TOPIC, "clicks", &changes[..2], true).await;
    assert_eq!((code, message.as_str()), (ErrorCode::None, ""));
    assert_eq!(
        setting(&mut client, TOPIC, "clicks", "max.message.bytes")
            .await
            .config_source,
        5,
        "validated only"
    );

    assert_eq!(
        change(&mut client, TOPIC, "clicks", &changes, false)
            .await
            .0,
        ErrorCode::None
    );
    // A compacted topic takes no message without a key.
    let refused = client.produce("clicks", 0, data::batch(&["x"])).await;
    assert_eq!(refused.error_code, ErrorCode::InvalidRecord);
    let policy = [("cleanup.policy", SUBTRACT, Some("delete"))];
    assert_eq!(
        change(&mut client, TOPIC, "clicks", &policy, false).await.0,
        ErrorCode::None
    );

    let support::TestBroker { broker, dir } = broker;
    broker.stop().await.unwrap();
    let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
    let mut client = Client::connect(&broker).await;
    assert_eq!(
        setting(&mut client, TOPIC, "clicks", "max.message.bytes")
            .await
            .value
            .as_deref(),
        Some("200")
    );
    assert_eq!(
        setting(&mut client, TOPIC, "clicks", "cleanup.policy")
            .await
            .value
            .as_deref(),
        Some("compact")
    );
    let refused = client.produce("clicks", 0, data::batch(&["x"])).await;
    assert_eq!(refused.error_code, ErrorCode::InvalidRecord);
    broker.stop().await.unwrap();
}

#[tokio::test]
async fn the_brokers_settings_act_on_topics_that_have_none_of_their_own() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("plain", 1, &[]).await;
    client
        .create("own", 1, &[("max.message.bytes", "100000")])
        .await;
    let limit = [("message.max.bytes", SET, Some("200"))];
    assert_eq!(
        change(&mut client, BROKER, "", &limit, false).await.0,
        ErrorCode::None
    );
    let large = data::batch(&["x".repeat(500).as_str()]);
    assert_eq!(
        client.produce("plain", 0, large.clone()).await.error_code,
        ErrorCode::MessageTooLarge
    );
    assert_eq!(
        client.produce("own", 0, large.clone()).await.error_code,
        ErrorCode::None
    );
    let told = setting(&mut client, TOPIC, "plain", "max.message.bytes").await;
    assert_eq!(
        (told.value.as_deref(), told.config_source),
        (Some("200"), 3)
    );
    // Asked about the cluster, only what was altered is told.
    let of_cluster = describe(&mut client, 4, BROKER, "", None).await.configs;
    assert_eq!(of_cluster.len(), 1);
    assert_eq!(
        (of_cluster[0].name.as_str(), of_cluster[0].config_source),
        ("message.max.bytes", 3)
    );

    assert_eq!(
        change(
            &mut client,
            BROKER,
            "",
            &[("message.max.bytes", DELETE, None)],
            false
        )
        .await
        .0,
        ErrorCode::None
    );
    assert_eq!(
        client.produce("plain", 0, large).await.error_code,
        ErrorCode::None
    );
}

#[tokio::test]
async fn what_cannot_be_set_says_why_and_changes_nothing() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("clicks", 1, &[]).await;
    for (kind, name, changes, code, word) in [
        (
            TOPIC,
            "clicks",
            ("retention.sm", SET, Some("1")),
            ErrorCode::InvalidConfig,
            "retention.ms",
        ),
        (
            TOPIC,
            "clicks",
            ("retention.ms", SET, Some("soon")),
            ErrorCode::InvalidConfig,
            "whole number",
        ),
        (
            TOPIC,
            "clicks",
            ("retention.ms", SET, None),
            ErrorCode::InvalidRequest,
            "no value",
        ),
        (
            TOPIC,
            "clicks",
            ("retention.ms", APPEND, Some("1")),
            ErrorCode::InvalidConfig,
            "no list",
        ),
        (
            TOPIC,
            "clicks",
            ("cleanup.policy", APPEND, Some("forget")),
            ErrorCode::InvalidConfig,
            "compact",
        ),
        (
            TOPIC,
            "clicks",
            ("retention.ms", 9, Some("1")),
            ErrorCode::InvalidRequest,
            "operation 9",
        ),
        (
            BROKER,
            "0",
            ("listeners", SET, Some("PLAINTEXT://:1")),
            ErrorCode::InvalidRequest,
            "start again",
        ),
        (
            BROKER,
            "0",
            ("ssl.key.password", SET, Some("x")),
            ErrorCode::InvalidRequest,
            "encrypt",
        ),
        (
            BROKER,
            "0",
            ("message.max.bytes", SET, Some("-1")),
            ErrorCode::InvalidRequest,
            "from 0",
        ),
        (
            BROKER,
            "0",
            ("message.max.bytes", APPEND, Some("1")),
            ErrorCode::InvalidConfig,
            "no list",
        ),
        (
            BROKER,
            "",
            ("log.retention.ms", SET, Some("0")),
            ErrorCode::InvalidRequest,
            "at least 1",
        ),
    ] {
        let good = if kind == TOPIC {
            ("segment.ms", SET, Some("77"))
        } else {
            ("log.roll.ms", SET, Some("77"))
        };
        for validate_only in [true, false] {
            let (found, message) =
                change(&mut client, kind, name, &[good, changes], validate_only).await;
            assert_eq!(found, code, "{message}");
            assert!(message.contains(word), "{message}");
        }
    }
    assert_eq!(
        setting(&mut client, TOPIC, "clicks", "segment.ms")
            .await
            .config_source,
        5
    );
    let twice = [
        ("segment.ms", SET, Some("1")),
        ("segment.ms", SET, Some("2")),
    ];
    assert_eq!(
        change(&mut client, TOPIC, "clicks", &twice, false).await.0,
        ErrorCode::InvalidRequest
    );
}

#[tokio::test]
async fn alter_configs_replaces_all_of_a_resource() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client
        .create("clicks", 1, &[("retention.ms", "1000")])
        .await;
    client.create("views", 1, &[]).await;
    let resource = |name: &str, key: &str, value: Option<&str>| AlterConfigsResource {
        resource_type: TOPIC,
        resource_name: name.to_owned(),
        configs: vec![AlterableConfig {
            name: key.to_owned(),
            value: value.map(str::to_owned),
        }],
    };
    for version in 0..=2 {
        let resources = vec![
            resource("clicks", "segment.ms", Some("99")),
            resource("nowhere", "segment.ms", Some("99")),
            resource("views", "segment.ms", Some("1")),
            resource("views", "segment.ms", Some("2")),
        ];
        let answer = client
            .ask(
                version,
                &AlterConfigsRequest {
                    resources,
                    validate_only: false,
                },
            )
            .await;
        let codes: Vec<ErrorCode> = answer
            .responses
            .iter()
            .map(|response| response.error_code)
            .collect();
        let twice = ErrorCode::InvalidRequest;
        assert_eq!(
            codes,
            [
                ErrorCode::None,
                ErrorCode::UnknownTopicOrPartition,
                twice,
                twice
            ]
        );
    }
    assert_eq!(
        setting(&mut client, TOPIC, "clicks", "segment.ms")
            .await
            .value
            .as_deref(),
        Some("99")
    );
    assert_eq!(
        setting(&mut client, TOPIC, "clicks", "retention.ms")
            .await
            .config_source,
        5,
        "left out: the default again"
    );
    assert_eq!(
        setting(&mut client, TOPIC, "views", "segment.ms")
            .await
            .config_source,
        5
    );
}
