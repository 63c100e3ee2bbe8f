//! `FindCoordinator` · key 10 · versions 0–6
//!
//! Behaviour: there are no consumer groups and no transactions yet, so no key has a coordinator: each gets
//! `COORDINATOR_NOT_AVAILABLE`. The API is served all the same because librdkafka takes a broker that does not know it for
//! one of before 2015, and then leaves batches uncompressed that it was told to compress with lz4, without a word.
//!
//! Version notes: one key up to 3, many from 4 (KIP-699).

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};

use super::{Context, Reply};

const NOWHERE: i32 = -1;
const FIRST_WITH_MANY_KEYS: i16 = 4;

pub(super) async fn handle(
    context: &Context,
    request: FindCoordinatorRequest,
) -> Reply<FindCoordinatorResponse> {
    let error_message = || Some("this broker has no groups and no transactions yet".to_owned());
    if context.api_version < FIRST_WITH_MANY_KEYS {
        return Reply::from(FindCoordinatorResponse {
            error_code: ErrorCode::CoordinatorNotAvailable,
            error_message: error_message(),
            node_id: NOWHERE,
            port: NOWHERE,
            ..Default::default()
        });
    }
    let coordinators = request
        .coordinator_keys
        .into_iter()
        .map(|key| Coordinator {
            key,
            node_id: NOWHERE,
            host: String::new(),
            port: NOWHERE,
            error_code: ErrorCode::CoordinatorNotAvailable,
            error_message: error_message(),
        })
        .collect();
    Reply::from(FindCoordinatorResponse {
        coordinators,
        ..Default::default()
    })
}
