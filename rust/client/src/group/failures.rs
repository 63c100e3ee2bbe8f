//! Why a member is not in its group, as the error that its reader gets.

use std::sync::Arc;

use super::membership::MembershipFailure;
use super::requests;
use super::shared::MemberShared;
use crate::cluster::shown;
use crate::error::ClientError;

/// What a reader is told of a failure.
pub(super) fn error(shared: &MemberShared, failure: MembershipFailure) -> ClientError {
    let group: Arc<str> = shown(&shared.group).into();
    match failure {
        MembershipFailure::Fenced => shared.fenced(),
        MembershipFailure::Refused(code) => ClientError::NotAdmitted {
            group,
            code,
            advice: requests::advice(code, shared.consumer.config()).into(),
        },
        MembershipFailure::Unable(error) => error,
        MembershipFailure::Garbage { generation, detail } => ClientError::BadAssignment {
            group,
            generation,
            detail: detail.into(),
        },
    }
}
