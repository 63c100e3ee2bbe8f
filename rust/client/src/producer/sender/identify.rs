//! Asks for the producer's id.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use super::super::sequences::ProducerIdentity;
use super::super::shared::ProducerShared;
use crate::error::{ClientError, Result};

pub(super) async fn identify(shared: &ProducerShared) -> Result<ProducerIdentity> {
    let request = InitProducerIdRequest {
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    given(&shared.cluster.ask_any(&request).await?)
}

/// A broker that has no id to give, and does not say why, is asked again.
fn given(response: &InitProducerIdResponse) -> Result<ProducerIdentity> {
    let (id, epoch) = (response.producer_id, response.producer_epoch);
    let (code, detail) = match response.error_code {
        ErrorCode::None if id >= 0 && epoch >= 0 => return Ok(ProducerIdentity { id, epoch }),
        ErrorCode::None => (
            ErrorCode::CoordinatorNotAvailable,
            Some("the answer names none".to_owned()),
        ),
        code => (code, None),
    };
    Err(ClientError::broker(
        "InitProducerId",
        "a producer id",
        code,
        detail,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_an_id_is_no_identity_and_may_pass() {
        let answer = |producer_id, producer_epoch| {
            given(&InitProducerIdResponse {
                producer_id,
                producer_epoch,
                ..InitProducerIdResponse::default()
            })
        };
        assert_eq!(answer(7, 0).unwrap(), ProducerIdentity { id: 7, epoch: 0 });
        for (id, epoch) in [(-1, -1), (-1, 0), (7, -1)] {
            let error = answer(id, epoch).unwrap_err();
            assert!(error.retriable(), "{error}");
        }
    }
}
