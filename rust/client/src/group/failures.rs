//! Why a member is not in its group, as the error that its reader gets.

use std::sync::Arc;

use super::membership::Failure;
use super::requests;
use super::shared::MemberShared;
use crate::cluster::shown;
use crate::error::ClientError;

/// What a reader is told of a failure.
pub(super) fn error(shared: &MemberShared, failure: Failure) -> ClientError {
    let group: Arc<str> = shown(&shared.group).into();
    match failure {
        Failure::Fenced => shared.fenced(),
        Failure::Refused(code) => ClientError::NotAdmitted {
            group,
            code,
            advice: requests::advice(code, shared.consumer.config()).into(),
        },
        Failure::Unable(error) => error,
        Failure::Garbage { generation, detail } => ClientError::BadAssignment {
            group,
            generation,
            detail: detail.into(),
        },
    }
}
