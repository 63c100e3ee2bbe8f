//! `DescribeCluster` · key 60 · versions 0–2
//!
//! Behaviour: the brokers that there are, each under the address that this client can reach it at, and their controller.
//!
//! Version notes: from 1 a client may ask for the controllers instead of the brokers (KIP-919), which only they answer; from 2
//! for brokers that are fenced (none ever is).

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use super::{Context, Reply, operations};

/// `endpoint_type` of brokers.
const BROKERS: i8 = 1;

pub(super) async fn handle(
    context: &Context,
    request: DescribeClusterRequest,
) -> Reply<DescribeClusterResponse> {
    let endpoint_type = request.endpoint_type;
    if endpoint_type != BROKERS {
        return Reply::from(DescribeClusterResponse {
            error_code: ErrorCode::MismatchedEndpointType,
            error_message: Some("this is a broker; endpoint type 1 describes brokers".to_owned()),
            endpoint_type,
            ..Default::default()
        });
    }
    let broker = &context.broker;
    let image = broker.registry.image();
    let brokers = image.brokers.iter().map(|(&broker_id, known)| {
        let address = context.endpoint(known);
        DescribeClusterBroker {
            broker_id,
            host: address.host,
            port: i32::from(address.port),
            rack: known.rack.clone(),
            is_fenced: false,
        }
    });
    let operations = if request.include_cluster_authorized_operations {
        operations::ON_CLUSTER
    } else {
        operations::NOT_ASKED
    };
    Reply::from(DescribeClusterResponse {
        endpoint_type,
        cluster_id: broker.cluster_id.clone(),
        controller_id: image.controller.unwrap_or(-1),
        brokers: brokers.collect(),
        cluster_authorized_operations: operations,
        ..Default::default()
    })
}
