//! Sends produce requests.

use std::sync::Arc;

use kafkalite_link::{Connection, PendingReply, PendingWrite};
use kafkalite_wire::api::produce::{ProduceRequest, ProduceResponse};

use super::super::dispatcher::Parcel;
use crate::config::{Acks, ProducerConfig};
use crate::error::{ClientError, Result};

/// Sends a parcel, in the order of calls; what is returned waits for the answer.
pub(super) fn send(
    config: &ProducerConfig,
    connection: Option<Arc<Connection>>,
    parcel: Parcel,
) -> impl Future<Output = Result<Option<ProduceResponse>>> + Send + 'static {
    let posted = connection
        .ok_or(ClientError::Closed("connection"))
        .and_then(|connection| post(config, connection, parcel));
    async move {
        match posted? {
            Posted::Asked(reply, _connection) => Ok(Some(reply.response().await?)),
            Posted::Unanswered(written) => {
                written.done().await?;
                Ok(None)
            }
        }
    }
}

fn post(
    config: &ProducerConfig,
    connection: Arc<Connection>,
    mut parcel: Parcel,
) -> Result<Posted> {
    // However old its batches: giving up a request gives up its connection, with all that others have in flight there.
    let patience = config.client.request_timeout;
    let (request, version) = parcel.request(
        config.acks.code(),
        patience.as_millis() as i32,
        connection.version::<ProduceRequest>()?,
    );
    let slots = &parcel.slots;
    if config.acks == Acks::None {
        let written = connection.send_unanswered(&request, version, slots)?;
        Ok(Posted::Unanswered(written))
    } else {
        let reply = connection.send_spliced(&request, version, slots, patience)?;
        Ok(Posted::Asked(reply, connection))
    }
}

enum Posted {
    /// The connection is kept until the answer is there: dropping it would close it.
    Asked(PendingReply<ProduceRequest>, Arc<Connection>),
    Unanswered(PendingWrite),
}
