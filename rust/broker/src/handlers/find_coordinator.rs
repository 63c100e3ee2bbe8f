//! `FindCoordinator` · key 10 · versions 0–6
//!
//! Behaviour: this broker coordinates every group, under the address that this client can reach it at. There are no
//! transactions yet. From version 3 the answer says so, in a sentence that Java's client repeats. Before, it names this
//! broker, and `InitProducerId` refuses: librdkafka, which asks in version 2, would ask for a coordinator for ever; Sarama,
//! in version 3, does so for five seconds. Share groups have no coordinator either.
//! librdkafka takes a broker without this API for one of before 2015, and leaves batches uncompressed that it was told to
//! compress with lz4, without a word.
//!
//! Version notes: in 0 the key is a group's. From 4 several keys in one request (KIP-699). From 6 share groups (KIP-932).

use kafkalite_wire::{
    ErrorCode,
    api::find_coordinator::{Coordinator, FindCoordinatorRequest, FindCoordinatorResponse},
};

use super::{Context, Reply};

const FIRST_THAT_REFUSES_TRANSACTIONS: i16 = 3;
const FIRST_WITH_SEVERAL: i16 = 4;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

pub(super) async fn handle(
    context: &Context,
    request: FindCoordinatorRequest,
) -> Reply<FindCoordinatorResponse> {
    let refuses_transactions = context.api_version >= FIRST_THAT_REFUSES_TRANSACTIONS;
    let find = |key: String| match request.key_type {
        TRANSACTION if refuses_transactions => no_transactions(key),
        key_type => find(context, key_type, key),
    };
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
        // Kafka's name for success where one coordinator is told; nothing where there are several.
        error_message: match found.error_code {
            ErrorCode::None => Some(ErrorCode::None.name().to_owned()),
            _ => found.error_message,
        },
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..Default::default()
    }
    .into()
}

fn find(context: &Context, key_type: i8, key: String) -> Coordinator {
    if !matches!(key_type, GROUP | TRANSACTION) {
        let message = "only groups (key type 0) have a coordinator here";
        return refused(key, ErrorCode::InvalidRequest, message);
    }
    let address = context.advertised();
    Coordinator {
        key,
        node_id: context.broker.node_id,
        host: address.host,
        port: i32::from(address.port),
        error_message: Some(String::new()),
        ..Default::default()
    }
}

fn no_transactions(key: String) -> Coordinator {
    let message = "transactions are not supported; produce without a transactional.id";
    refused(key, ErrorCode::UnsupportedVersion, message)
}

fn refused(key: String, error_code: ErrorCode, message: &str) -> Coordinator {
    Coordinator {
        key,
        node_id: -1,
        port: -1,
        error_code,
        error_message: Some(message.to_owned()),
        ..Default::default()
    }
}
