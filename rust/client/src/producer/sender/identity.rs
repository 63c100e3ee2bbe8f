//! Who this producer is to the brokers: asks for its id.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use tokio::time::sleep;

use super::super::sequences::Identity;
use super::super::shared::Shared;
use super::{Event, Sender};
use crate::error::{ClientError, Result};

/// Whether batches are stamped, and as whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idempotence {
    /// They are not.
    Off,
    /// They are to be, so a producer id is needed first.
    Wanted,
    /// A broker has been asked for one.
    Asked,
    /// This is it.
    Known(Identity),
}

impl Idempotence {
    /// Whether it is known how to stamp a batch.
    pub(super) fn is_settled(self) -> bool {
        matches!(self, Self::Off | Self::Known(_))
    }
}

impl Sender {
    /// Whether batches can be sent; if a producer id is missing, asks for one.
    pub(super) fn identified(&mut self) -> bool {
        if self.idempotence == Idempotence::Wanted {
            self.ask_for_identity(Duration::ZERO);
        }
        self.idempotence.is_settled()
    }

    pub(super) fn ask_for_identity(&mut self, pause: Duration) {
        self.idempotence = Idempotence::Asked;
        let shared = Arc::clone(&self.shared);
        self.work.spawn(async move {
            sleep(pause).await;
            Event::Identified(identify(&shared).await)
        });
    }

    /// A new id knows nothing of the old one's sequences: lanes that are in order start over when they are idle, the
    /// others at once.
    pub(super) fn identified_as(&mut self, identity: Identity) {
        self.idempotence = Idempotence::Known(identity);
        self.backoff.succeeded();
        for lane in self.lanes.values_mut() {
            if lane.wants_epoch() && lane.in_flight == 0 {
                lane.start_over(identity);
            }
        }
    }
}

async fn identify(shared: &Shared) -> Result<Identity> {
    let request = InitProducerIdRequest {
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    given(&shared.cluster.ask_any(&request).await?)
}

/// A broker that has no id to give, and does not say why, is asked again.
fn given(response: &InitProducerIdResponse) -> Result<Identity> {
    let (id, epoch) = (response.producer_id, response.producer_epoch);
    let (code, detail) = match response.error_code {
        ErrorCode::None if id >= 0 && epoch >= 0 => return Ok(Identity { id, epoch }),
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
        assert_eq!(answer(7, 0).unwrap(), Identity { id: 7, epoch: 0 });
        for (id, epoch) in [(-1, -1), (-1, 0), (7, -1)] {
            let error = answer(id, epoch).unwrap_err();
            assert!(error.retriable(), "{error}");
        }
    }
}
