//! `FindCoordinator` · key 10 · versions 0–6
//!
//! Behaviour: this broker coordinates every group, under the address that this client can reach it at. Transactions and
//! share groups have no coordinator yet; the error says so for good, so that a client does not ask for ever.
//! librdkafka takes a broker without this API for one of before 2015, and leaves batches uncompressed that it was told to
//! compress with lz4, without a word.
//!
//! Version notes: in 0 the key is a group's. From 4 several keys in one request (KIP-699). From 6 share groups (KIP-932).

use kafkalite_wire::{
    ErrorCode,
    api::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse},
};

use super::{Context, Reply};

const FIRST_WITH_SEVERAL: i16 = 4;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

pub(super) async fn handle(
    context: &Context,
    request: FindCoordinatorRequest,
) -> Reply<FindCoordinatorResponse> {
    let find = |key: String| find(context, request.key_type, key);
    if context.api_version >= FIRST_WITH_SEVERAL {
        return FindCoordinatorResponse {
            coordinators: request.coordinator_keys.into_iter().map(find).collect(),
            ..Default::default()
        }
        .into();
    }
    let found = find(request.key);
    FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: found.error_message,
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..Default::default()
    }
    .into()
}

fn find(context: &Context, key_type: i8, key: String) -> Coordinator {
    let refused = |error_code, message: &str| Coordinator {
        node_id: -1,
        port: -1,
        error_code,
        error_message: Some(message.to_owned()),
        ..Default::default()
    };
    let found = match key_type {
        GROUP => {
            let address = context.advertised();
            Coordinator {
                node_id: context.broker.node_id,
                host: address.host,
                port: i32::from(address.port),
                error_message: Some(String::new()),
                ..Default::default()
            }
        }
        // As with `InitProducerId`: what a client understands as final.
        TRANSACTION => refused(
            ErrorCode::TransactionalIdAuthorizationFailed,
            "transactions are not supported; produce without a transactional.id",
        ),
        _ => refused(
            ErrorCode::InvalidRequest,
            "only groups (key type 0) have a coordinator here",
        ),
    };
    Coordinator { key, ..found }
}
