//! Fetches that are refused for what they ask, with the codes of Apache Kafka.

use kafkalite_wire::{
    ErrorCode,
    api::fetch::{FetchRequest, FetchResponse, FetchedPartition, FetchedTopic},
};

use super::{FIRST_WITH_TOPIC_IDS, Terms};
use crate::fetch_sessions::Wanted;

/// Whether it is another broker's. The id is in one field or the other, according to the version.
pub(super) fn is_replicas(request: &FetchRequest) -> bool {
    request.replica_id >= 0 || request.replica_state.replica_id >= 0
}

/// What all partitions of a request are refused with: nobody else holds replicas of ours, and no size is negative.
pub(super) fn all(request: &FetchRequest) -> Option<ErrorCode> {
    if is_replicas(request) {
        return Some(ErrorCode::NotLeaderOrFollower);
    }
    (request.max_bytes < 0).then_some(ErrorCode::UnknownServerError)
}

/// Whether a partition is refused.
pub(super) fn check(terms: &Terms, wanted: &Wanted) -> Result<(), ErrorCode> {
    match terms.refusal {
        Some(code) => Err(code),
        None if wanted.max_bytes < 0 => Err(ErrorCode::UnknownServerError),
        None => Ok(()),
    }
}

/// The answer to an isolation level that there is none of. Partitions that are named by id are left out of it.
pub(super) fn unknown_isolation(api_version: i16, request: FetchRequest) -> FetchResponse {
    let error_code = ErrorCode::UnknownServerError;
    let refused = |partition_index| FetchedPartition {
        partition_index,
        error_code,
        high_watermark: -1,
        aborted_transactions: Some(Vec::new()),
        ..Default::default()
    };
    let topics = match api_version {
        FIRST_WITH_TOPIC_IDS.. => Vec::new(),
        _ => request.topics,
    };
    let responses = topics.into_iter().map(|topic| FetchedTopic {
        topic: topic.topic,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| refused(partition.partition))
            .collect(),
        ..Default::default()
    });
    FetchResponse {
        error_code,
        responses: responses.collect(),
        ..Default::default()
    }
}
