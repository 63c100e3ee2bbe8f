//! `InitProducerId` · key 22 · versions 0–5
//!
//! Behaviour: a new producer id with epoch 0, never given out before. That is all an idempotent producer needs; one
//! with a transactional id is refused.
//!
//! Version notes: from 3 the producer may name the id and epoch it had (KIP-360); without a transactional id it gets a
//! new id all the same, as from Apache Kafka.

use kafkalite_wire::{
    ErrorCode,
    api::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse},
};

use super::{Context, Reply};
use crate::refusal::Refusal;

pub(super) async fn handle(
    context: &Context,
    request: InitProducerIdRequest,
) -> Reply<InitProducerIdResponse> {
    let outcome = match check(&request) {
        Ok(()) => context
            .broker
            .producer_ids
            .next()
            .await
            .map_err(|error| Refusal::from(error).code),
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

fn check(request: &InitProducerIdRequest) -> Result<(), ErrorCode> {
    if (request.producer_id == -1) != (request.producer_epoch == -1) {
        return Err(ErrorCode::InvalidRequest);
    }
    match request.transactional_id.as_deref() {
        None => Ok(()),
        Some("") => Err(ErrorCode::InvalidRequest),
        // Says what it is to every client, and is final to all but librdkafka, which asks until `init_transactions` has no
        // more time and then reports this. Final to that are errors of authorization only, which send people the wrong way.
        Some(_) => Err(ErrorCode::UnsupportedVersion),
    }
}
