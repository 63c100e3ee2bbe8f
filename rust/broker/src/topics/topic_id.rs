//! Topic ids as text: Kafka writes the 16 bytes as URL-safe base64 without padding.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// A fresh id. Never one that begins with `-`, which command line tools would take for an option.
pub(crate) fn random() -> Uuid {
    loop {
        let id = Uuid::new_v4();
        if !id.is_nil() && !encode(id).starts_with('-') {
            return id;
        }
    }
}

pub(crate) fn encode(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

pub(super) fn decode(text: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
