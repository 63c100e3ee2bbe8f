//! What a producer adds to a broker's refusal: what it was about, and what to do.

use kafkalite_wire::ErrorCode;

use super::batch::{BatchKind, OutgoingBatch};
use crate::times;

/// Whether a batch was refused for its size alone.
pub(super) fn is_too_large(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge
    )
}

/// What to say of a batch that was refused at this time, beyond the code; `said` is what the broker says.
pub(super) fn explained(
    batch: &OutgoingBatch,
    code: ErrorCode,
    said: Option<String>,
    now_ms: i64,
) -> Option<String> {
    let said = said.map(|said| said.trim_end_matches('.').to_owned());
    let more = if is_too_large(code) {
        too_large(batch, code, said.as_deref())
    } else if let (ErrorCode::InvalidTimestamp, Some(header)) = (code, batch.header()) {
        times::refusal(header.base_timestamp, header.max_timestamp, now_ms)
    } else {
        return said;
    };
    Some(match said {
        Some(said) => format!("{said}; {more}"),
        None => more,
    })
}

fn too_large(batch: &OutgoingBatch, code: ErrorCode, said: Option<&str>) -> String {
    let topic = &batch.outcome.topic;
    let advice =
        format!("raise max.message.bytes of topic {topic} above that, or send less at once");
    match said {
        // It does not fit into a segment.
        Some(_) if code == ErrorCode::RecordListTooLarge => "send less at once".to_owned(),
        // The broker has named the bytes and the limit.
        Some(said) if said.contains("max.message.bytes") => advice,
        _ => {
            let what = match batch.made {
                BatchKind::Set => "the message set",
                BatchKind::Collected | BatchKind::Part => "the record",
            };
            format!(
                "{what} makes a batch of {} bytes, more than the topic's max.message.bytes: {advice}",
                batch.size()
            )
        }
    }
}
