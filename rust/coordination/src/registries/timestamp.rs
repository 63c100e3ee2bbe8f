//! Times in nodes: milliseconds since 1970 that Kafka writes as a text. Nobody decides anything by them, so one that cannot be
//! read is no garbage.

use serde::{Deserialize, Deserializer, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Number(i64),
    Other(serde::de::IgnoredAny),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields so")]
pub(super) fn serialize<S: Serializer>(time: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(match Written::deserialize(deserializer)? {
        Written::Text(text) => text.parse().unwrap_or_default(),
        Written::Number(number) => number,
        Written::Other(_) => 0,
    })
}
