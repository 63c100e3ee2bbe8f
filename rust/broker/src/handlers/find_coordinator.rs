//! `FindCoordinator` · key 10 · versions 0–6
//!
//! Behaviour: a group is coordinated by the leader of the partition that keeps it; each is named under the address that this client
//! can reach it at. There are no transactions yet. From version 3 the answer says so, in a sentence that Java's client repeats. Before, it names this
//! broker, and `InitProducerId` refuses: librdkafka, which asks in version 2, would ask for a coordinator for ever; Sarama,
//! in version 3, does so for five seconds. Share groups have no coordinator either.
//! librdkafka takes a broker without this API for one of before 2015, and leaves batches uncompressed that it was told to
//! compress with lz4, without a word.
//!
//! Version notes: in 0 the key is a group's. From 4 several keys in one request (KIP-699). From 6 share groups (KIP-932).

use kafkalite_names::shown;
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
    let key_type = request.key_type;
    if context.api_version >= FIRST_WITH_SEVERAL {
        let mut coordinators = Vec::with_capacity(request.coordinator_keys.len());
        for key in request.coordinator_keys {
            coordinators.push(find(context, key_type, key).await);
        }
        return FindCoordinatorResponse {
            coordinators,
            ..Default::default()
        }
        .into();
    }
    let found = find(context, key_type, request.key).await;
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

async fn find(context: &Context, key_type: i8, key: String) -> Coordinator {
    let broker = &context.broker;
    let found = match key_type {
        GROUP => broker.groups.coordinator(&key).await,
        TRANSACTION if context.api_version >= FIRST_THAT_REFUSES_TRANSACTIONS => {
            return no_transactions(key);
        }
        TRANSACTION => Ok(broker.node_id),
        _ => {
            let message = "only groups (key type 0) have a coordinator here";
            return refused(key, ErrorCode::InvalidRequest, message);
        }
    };
    let image = broker.registry.image();
    let known = found.and_then(|node_id| {
        let known = image.brokers.get(&node_id);
        Ok((node_id, known.ok_or(ErrorCode::CoordinatorNotAvailable)?))
    });
    let (node_id, known) = match known {
        Ok(known) => known,
        Err(code) => {
            let message = format!(
                "the coordinator of group '{}' is not there now",
                shown(&key)
            );
            return refused(key, code, &message);
        }
    };
    let address = context.endpoint(known);
    Coordinator {
        key,
        node_id,
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
