//! `InitProducerId` · key 22 · versions 0–5
//!
//! Behaviour: a new producer id with epoch 0, never given out before. That is all an idempotent producer needs; one
//! with a transactional id is refused.
//!
//! Version notes: from 3 the producer may name the id and epoch it had (KIP-360); without a transactional id it gets a
//! new id all the same, as from Apache Kafka.

use std::ops::RangeInclusive;

use kafkalite_wire::{
    ErrorCode,
    api::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse},
};

use super::{Context, Reply};

/// In which only librdkafka (from 2.0) gets here with a transactional id. Others of that age, or younger, ask for the
/// coordinator in a version that says that there is none; older ones get here in versions 0 and 1.
const VERSIONS_OF_LIBRDKAFKA: RangeInclusive<i16> = 2..=4;

/// "Required feature not supported by broker", in librdkafka's own numbering, which it takes from a broker as well. All
/// codes of Kafka's that end its `init_transactions` at once mean something else (no authorization, a time-out that is too
/// long, a younger producer), and after `UNSUPPORTED_VERSION` it asks again until it has no more time.
const UNSUPPORTED_FEATURE: ErrorCode = ErrorCode::Other(-165);

pub(super) async fn handle(
    context: &Context,
    request: InitProducerIdRequest,
) -> Reply<InitProducerIdResponse> {
    let outcome = match check(&request, context.api_version) {
        Ok(()) => context
            .broker
            .producer_ids
            .next()
            .await
            .map_err(|refusal| refusal.code),
        Err(code) => Err(code),
    };
    let response = match outcome {
        Ok(producer_id) => InitProducerIdResponse {
            producer_id,
            producer_epoch: 0,
            ..Default::default()
        },
        Err(error_code) => InitProducerIdResponse {
            error_code,
            producer_epoch: -1,
            ..Default::default()
        },
    };
    response.into()
}

fn check(request: &InitProducerIdRequest, version: i16) -> Result<(), ErrorCode> {
    if (request.producer_id == -1) != (request.producer_epoch == -1) {
        return Err(ErrorCode::InvalidRequest);
    }
    match request.transactional_id.as_deref() {
        None => Ok(()),
        Some("") => Err(ErrorCode::InvalidRequest),
        Some(_) => Err(no_transactions(version)),
    }
}

/// What says to a client of `version`, and at once, that there are no transactions.
fn no_transactions(version: i16) -> ErrorCode {
    if VERSIONS_OF_LIBRDKAFKA.contains(&version) {
        UNSUPPORTED_FEATURE
    } else {
        ErrorCode::UnsupportedVersion
    }
}
