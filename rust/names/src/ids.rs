//! Kafka's way to write a UUID: its 16 bytes in URL-safe base64, 22 characters.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The 22 characters that Kafka's files and tools show.
pub fn to_text(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// The reverse of [`to_text`]; nothing if `text` is something else. Padding is forgiven, as Kafka does.
pub fn from_text(text: &str) -> Option<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    Uuid::from_slice(&bytes).ok()
}

/// The first id that is drawn which does not look like an option to Kafka's command-line tools, that is, does not begin with `-`.
pub fn not_like_an_option(mut draw: impl FnMut() -> Uuid) -> Uuid {
    loop {
        let id = draw();
        if !to_text(id).starts_with('-') {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_as_kafkas_do() {
        // Uuid.ONE_UUID of Kafka, and one of a real topic.
        assert_eq!(to_text(Uuid::from_u128(1)), "AAAAAAAAAAAAAAAAAAAAAQ");
        let text = "v-oXrGEhTcmuL3uzhgRvKg";
        assert_eq!(to_text(from_text(text).unwrap()), text);
        assert_eq!(from_text("v-oXrGEhTcmuL3uzhgRvKg=="), from_text(text));
        for strange in [
            "",
            "short",
            "v+oXrGEhTcmuL3uzhgRvKg",
            "v-oXrGEhTcmuL3uzhgRvKgAA",
        ] {
            assert_eq!(from_text(strange), None, "{strange}");
        }
    }

    #[test]
    fn an_id_that_looks_like_an_option_is_drawn_again() {
        let like_an_option = Uuid::from_u128(0xfbff << 112);
        assert!(to_text(like_an_option).starts_with('-'));
        let mut drawn = [like_an_option, Uuid::from_u128(1)].into_iter();
        let id = not_like_an_option(|| drawn.next().unwrap());
        assert_eq!(id, Uuid::from_u128(1));
    }
}
