//! Values in JSON. What is read is as deep as `serde_json` allows and no longer than a node; nothing is set aside for what a
//! text merely claims.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Data as Kafka writes them: which version they have, and the fields.
#[derive(Serialize)]
struct Versioned<'a, V, T> {
    version: V,
    #[serde(flatten)]
    fields: &'a T,
}

/// Reads fields, whatever else there is; the error says which one is missing or wrong.
pub(super) fn read<T: DeserializeOwned>(data: &[u8]) -> Result<T, String> {
    serde_json::from_slice(data).map_err(|error| error.to_string())
}

/// Writes fields and the version that has them.
pub(super) fn write(version: impl Serialize, fields: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(&Versioned { version, fields })
        .expect("fields of texts and numbers can be written")
}
