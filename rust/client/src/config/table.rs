//! The rows that all settings tables are made of, and how a text becomes a value.

use std::time::Duration;

use kafkalite_names::shown;

/// Bytes of the longest text that can be sent to a broker, where each of them is meant to be.
const LONGEST_TEXT: usize = i16::MAX as usize;

/// One row of a settings table: everything that parsing, documentation and error messages need.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Kafka's spelling, with dots. The keyword in Python is the same with underscores.
    pub name: &'static str,
    /// What may be written there.
    pub kind: Kind,
    /// The default as it would be written; empty where the setting has none.
    pub default: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
}

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// Texts separated by commas.
    List,
    /// `true` or `false`.
    Flag,
    /// A whole number within these bounds.
    Integer(i64, i64),
    /// A whole number of milliseconds within these bounds.
    Millis(i64, i64),
    /// A whole number of bytes within these bounds.
    Bytes(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One or more of these words, separated by commas.
    Choices(&'static [&'static str]),
}

impl Kind {
    /// Kafka's word for the type, as `kafkalite config` prints it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Kind::Text | Kind::Choice(_) => "string",
            Kind::List | Kind::Choices(_) => "list",
            Kind::Flag => "boolean",
            Kind::Integer(..) => "int",
            Kind::Millis(..) => "ms",
            Kind::Bytes(..) => "bytes",
        }
    }

    /// The values allowed, in words.
    #[must_use]
    pub fn range(&self) -> String {
        match self {
            Kind::Text => "any text".to_owned(),
            Kind::List => "texts separated by commas".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Kind::Millis(low, high) => format!("milliseconds from {low} to {high}"),
            Kind::Bytes(low, high) => format!("bytes from {low} to {high}"),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Choices(words) => format!("one or more of {}", words.join(", ")),
        }
    }

    fn bounds(&self) -> (i64, i64) {
        match self {
            Kind::Integer(low, high) | Kind::Millis(low, high) | Kind::Bytes(low, high) => {
                (*low, *high)
            }
            _ => (i64::MIN, i64::MAX),
        }
    }
}

/// What is wrong with a setting. The text names the setting, what was found and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No setting has this name: use the suggestion, if there is one.
    #[error("unknown setting {name:?}{}", suggestion.map(|s| format!("; did you mean {s:?}?")).unwrap_or_default())]
    Unknown {
        /// The name as it was given.
        name: String,
        /// The nearest name that exists.
        suggestion: Option<&'static str>,
    },
    /// The text is not a value of this setting: write one that is allowed.
    #[error("{name}={value:?} is not allowed: expected {expected}")]
    Invalid {
        /// The setting, in Kafka's spelling.
        name: &'static str,
        /// The value as it was given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// A value is fine by itself but not together with another: change one of the two.
    #[error("{0}")]
    Conflict(String),
}

/// A type that a setting's text can be turned into.
pub trait FromSetting: Sized {
    /// Parses `text` within what `kind` allows; `None` where it is not allowed.
    fn from_setting(kind: Kind, text: &str) -> Option<Self>;
}

fn integer(kind: Kind, text: &str) -> Option<i64> {
    let (low, high) = kind.bounds();
    text.parse().ok().filter(|n| (low..=high).contains(n))
}

/// Fractions of a millisecond are taken as well: Python hands over floats.
impl FromSetting for Duration {
    fn from_setting(kind: Kind, text: &str) -> Option<Self> {
        let millis: f64 = text.parse().ok()?;
        // The bounds are for whole numbers; a fraction stays within them if its floor and ceiling do.
        integer(kind, &format!("{:.0}", millis.floor()))?;
        integer(kind, &format!("{:.0}", millis.ceil()))?;
        Duration::try_from_secs_f64(millis / 1e3).ok()
    }
}

macro_rules! integers {
    ($($type:ty),*) => { $(
        impl FromSetting for $type {
            fn from_setting(kind: Kind, text: &str) -> Option<Self> {
                integer(kind, text)?.try_into().ok()
            }
        }
    )* };
}
integers!(i32, u32, i64, usize);

impl FromSetting for bool {
    fn from_setting(_: Kind, text: &str) -> Option<Self> {
        text.to_ascii_lowercase().parse().ok()
    }
}

impl FromSetting for String {
    fn from_setting(_: Kind, text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl FromSetting for Vec<String> {
    fn from_setting(_: Kind, text: &str) -> Option<Self> {
        Some(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }
}

/// `auto` is `None`: the client decides from the other settings.
impl FromSetting for Option<bool> {
    fn from_setting(kind: Kind, text: &str) -> Option<Self> {
        if text == "auto" {
            Some(None)
        } else {
            bool::from_setting(kind, text).map(Some)
        }
    }
}

/// `auto` is `None`: the codec's own default.
impl FromSetting for Option<i32> {
    fn from_setting(kind: Kind, text: &str) -> Option<Self> {
        if text == "auto" {
            Some(None)
        } else {
            i32::from_setting(kind, text).map(Some)
        }
    }
}

/// Parses `text` as the value of `setting`.
pub(crate) fn parse<T: FromSetting>(
    setting: &'static Setting,
    text: &str,
) -> Result<T, ConfigError> {
    let invalid = |expected| ConfigError::Invalid {
        name: setting.name,
        value: shown(text).into(),
        expected,
    };
    if setting.kind == Kind::Text && text.len() > LONGEST_TEXT {
        let length = text.len();
        let expected = format!("text of at most {LONGEST_TEXT} bytes, not {length}");
        return Err(invalid(expected));
    }
    T::from_setting(setting.kind, text.trim()).ok_or_else(|| invalid(setting.kind.range()))
}
