//! Settings of one group (KIP-848): described, altered, and told to members at their next heartbeat.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use kafkalite_wire::api::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribedConfig,
};
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use support::{Client, start};

const GROUP: i8 = 32;
const HEARTBEATS: &str = "consumer.heartbeat.interval.ms";

async fn alter(client: &mut Client, group: &str, name: &str, value: Option<&str>) -> ErrorCode {
    let config = IncrementalAlterableConfig {
        name: name.to_owned(),
        config_operation: i8::from(value.is_none()),
        value: value.map(str::to_owned),
    };
    let resource = IncrementalAlterConfigsResource {
        resource_type: GROUP,
        resource_name: group.to_owned(),
        configs: vec![config],
    };
    let request = IncrementalAlterConfigsRequest {
        resources: vec![resource],
        validate_only: false,
    };
    client.ask(1, &request).await.responses[0].error_code
}

async fn described(client: &mut Client, group: &str) -> Vec<DescribedConfig> {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: GROUP,
            resource_name: group.to_owned(),
            configuration_keys: None,
        }],
        ..Default::default()
    };
    client.ask(4, &request).await.results.remove(0).configs
}

/// What a member of the group is told of heartbeats when it joins, and again.
async fn interval(client: &mut Client, group: &str) -> i32 {
    let request = ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: "member".to_owned(),
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec!["t".to_owned()]),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    };
    let response = client.ask(1, &request).await;
    assert_eq!(response.error_code, ErrorCode::None, "{response:?}");
    response.heartbeat_interval_ms
}

#[tokio::test]
async fn a_groups_members_are_told_and_others_are_not() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    assert_eq!(interval(&mut client, "g").await, 1000);
    let altered = alter(&mut client, "g", HEARTBEATS, Some("2000")).await;
    assert_eq!(altered, ErrorCode::None);
    assert_eq!(interval(&mut client, "g").await, 2000);
    assert_eq!(interval(&mut client, "other").await, 1000);
    let settings = described(&mut client, "g").await;
    let told: Vec<_> = settings
        .iter()
        .filter(|it| it.name.starts_with("consumer."))
        .map(|it| (it.name.as_str(), it.value.as_deref(), it.config_source))
        .collect();
    assert_eq!(
        told,
        [
            ("consumer.assignment.interval.ms", Some("1000"), 5),
            (HEARTBEATS, Some("2000"), 8),
            ("consumer.session.timeout.ms", Some("45000"), 5)
        ]
    );
    alter(&mut client, "g", HEARTBEATS, None).await;
    assert_eq!(interval(&mut client, "g").await, 1000);
}

#[tokio::test]
async fn what_a_group_cannot_have_is_refused() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    for (group, name, value, code) in [
        ("g", HEARTBEATS, "499", ErrorCode::InvalidConfig),
        ("g", HEARTBEATS, "soon", ErrorCode::InvalidConfig),
        ("g", "retention.ms", "1000", ErrorCode::InvalidConfig),
        ("", HEARTBEATS, "2000", ErrorCode::InvalidRequest),
    ] {
        let altered = alter(&mut client, group, name, Some(value)).await;
        assert_eq!(altered, code, "{group} {name}={value}");
    }
    let all = described(&mut client, "g").await;
    assert!(all.iter().all(|it| it.config_source == 5));
}
