//! How a text that a row has checked becomes a field's value.

use std::time::Duration;

use kafkalite_settings::{ConfigError, Row};

/// A type that a setting's text can be turned into.
pub(super) trait FromSetting: Sized {
    /// The value that `text` spells, which is as the setting's row has checked and returned it; `None` if the row allows what
    /// the type cannot hold.
    fn from_setting(text: &str) -> Option<Self>;
}

/// Of milliseconds.
impl FromSetting for Duration {
    fn from_setting(text: &str) -> Option<Self> {
        let millis: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(millis / 1e3).ok()
    }
}

macro_rules! spelled_as_in_rust {
    ($($type:ty),*) => { $(
        impl FromSetting for $type {
            fn from_setting(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )* };
}
spelled_as_in_rust!(bool, i32, u32, usize, String);

impl FromSetting for Vec<String> {
    fn from_setting(text: &str) -> Option<Self> {
        let words = text.split(',').filter(|word| !word.is_empty());
        Some(words.map(str::to_owned).collect())
    }
}

/// `auto` is `None`: the client decides from the other settings, or the codec.
impl<T: FromSetting> FromSetting for Option<T> {
    fn from_setting(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(None),
            text => T::from_setting(text).map(Some),
        }
    }
}

/// Turns `text` into the value of the setting of `row`.
pub(super) fn parse<T: FromSetting>(row: &Row, text: &str) -> Result<T, ConfigError> {
    let checked = row.check(text)?;
    T::from_setting(&checked)
        .ok_or_else(|| ConfigError::invalid(row.name, text, row.kind.to_string()))
}
