//! A broker on a free port gets the one that another broker had: clients that say whom they mean are told (KIP-1242).

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use kafkalite_wire::api::get_telemetry_subscriptions::GetTelemetrySubscriptionsRequest;
use kafkalite_wire::api::push_telemetry::PushTelemetryRequest;
use support::{TestBroker, introduction, start};

async fn introduced(
    broker: &TestBroker,
    cluster_id: Option<&str>,
    node_id: i32,
) -> ApiVersionsResponse {
    let request = ApiVersionsRequest {
        cluster_id: cluster_id.map(str::to_owned),
        node_id,
        ..introduction()
    };
    broker.connect().await.ask(5, &request).await
}

#[tokio::test]
async fn whoever_means_this_broker_or_any_learns_its_versions() {
    let broker = start(&[("node.id", "7")]).await;
    let cluster = broker.broker.cluster_id();
    for (cluster, node) in [(Some(cluster), 7), (None, -1)] {
        let answer = introduced(&broker, cluster, node).await;
        assert_eq!(answer.error_code, ErrorCode::None);
        assert!(!answer.api_keys.is_empty());
    }
}

#[tokio::test]
async fn whoever_means_another_broker_is_told_and_learns_nothing() {
    let broker = start(&[("node.id", "7")]).await;
    let cluster = broker.broker.cluster_id();
    for (cluster, node) in [(cluster, 8), ("another", 7), ("", 7)] {
        let answer = introduced(&broker, Some(cluster), node).await;
        assert_eq!(answer.error_code, ErrorCode::RebootstrapRequired);
        assert!(answer.api_keys.is_empty() && answer.finalized_features.is_empty());
    }
}

#[tokio::test]
async fn half_of_a_destination_is_refused() {
    let broker = start(&[("node.id", "7")]).await;
    let cluster = broker.broker.cluster_id();
    for (cluster, node) in [(Some(cluster), -1), (None, 7)] {
        let answer = introduced(&broker, cluster, node).await;
        assert_eq!(answer.error_code, ErrorCode::InvalidRequest);
        assert!(answer.api_keys.is_empty());
    }
}

#[tokio::test]
async fn metrics_are_neither_asked_for_nor_in_the_way() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let named = client.ask(4, &introduction()).await.api_keys;
    assert!(named.iter().all(|api| ![71, 72].contains(&api.api_key)));
    let fresh = client
        .ask(0, &GetTelemetrySubscriptionsRequest::default())
        .await;
    assert!(!fresh.client_instance_id.is_nil() && fresh.requested_metrics.is_empty());
    let mut push = PushTelemetryRequest {
        client_instance_id: fresh.client_instance_id,
        subscription_id: fresh.subscription_id,
        terminating: true,
        ..Default::default()
    };
    assert_eq!(client.ask(0, &push).await.error_code, ErrorCode::None);
    push.subscription_id += 1;
    let unknown = ErrorCode::UnknownSubscriptionId;
    assert_eq!(client.ask(0, &push).await.error_code, unknown);
}
