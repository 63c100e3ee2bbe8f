//! What may be written as the value of a setting.

use std::fmt;

use crate::{INT_MAX, SettingType};

/// Bytes of the longest text that a message of Kafka's can carry.
const LONGEST_TEXT: usize = i16::MAX as usize;

/// What values a setting takes. Bounds are included.
#[derive(Debug, Clone, Copy)]
pub enum ValueKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number of 32 bits within these bounds.
    Int(i64, i64),
    /// A whole number of 64 bits, at least this.
    Long(i64),
    /// A number within these bounds.
    Double(f64, f64),
    /// A whole number of bytes within these bounds, of 64 bits if they are.
    Bytes(i64, i64),
    /// Milliseconds within these bounds, with fractions or without: Python's times are floats.
    Millis(i64, i64),
    /// Text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// None or more words with commas between them; only these, or any where the list is empty.
    List(&'static [&'static str]),
    /// One or more of these words, with commas between them.
    NonEmptyList(&'static [&'static str]),
    /// This word, or a value of the other kind.
    Or(&'static str, &'static ValueKind),
    /// What only those know who have the table.
    Checked(&'static CheckedKind),
}

/// A kind of values that has a check of its own.
#[derive(Debug)]
pub struct CheckedKind {
    /// Its type.
    pub value_type: SettingType,
    /// What is allowed, as it goes on after "expected".
    pub allowed: &'static str,
    /// The value in its one spelling, if it is allowed. What it is given has no space around it.
    pub check: fn(&str) -> Option<String>,
}

impl ValueKind {
    /// Its type, as Kafka tells it.
    pub fn value_type(&self) -> SettingType {
        match self {
            Self::Boolean => SettingType::Boolean,
            Self::Int(..) | Self::Millis(..) => SettingType::Int,
            Self::Bytes(_, high) if *high <= INT_MAX => SettingType::Int,
            Self::Long(_) | Self::Bytes(..) => SettingType::Long,
            Self::Double(..) => SettingType::Double,
            Self::Text | Self::Choice(_) => SettingType::String,
            Self::List(_) | Self::NonEmptyList(_) => SettingType::List,
            Self::Or(_, other) => other.value_type(),
            Self::Checked(checked) => checked.value_type,
        }
    }

    /// The value as Kafka would print it: no space around it, words and numbers in one spelling. Or else what would be allowed.
    pub fn check(&self, text: &str) -> Result<String, String> {
        let text = text.trim();
        if matches!(self, Self::Text) && text.len() > LONGEST_TEXT {
            return Err(format!("{self}, not {}", text.len()));
        }
        self.spelled(text).ok_or_else(|| self.to_string())
    }

    fn spelled(&self, text: &str) -> Option<String> {
        match *self {
            Self::Boolean => {
                let word = text.to_ascii_lowercase();
                matches!(word.as_str(), "true" | "false").then_some(word)
            }
            Self::Int(low, high) | Self::Bytes(low, high) => whole(text, low, high),
            Self::Long(low) => whole(text, low, i64::MAX),
            Self::Double(low, high) => {
                let number: f64 = text.parse().ok()?;
                (low..=high).contains(&number).then(|| as_java(number))
            }
            Self::Millis(low, high) => {
                let number: f64 = text.parse().ok()?;
                // A fraction is within the bounds if its floor and its ceiling are.
                whole(&number.floor().to_string(), low, high)?;
                whole(&number.ceil().to_string(), low, high)?;
                Some(number.to_string())
            }
            Self::Text => Some(text.to_owned()),
            Self::Choice(words) => words.contains(&text).then(|| text.to_owned()),
            Self::List(words) => listed(text, words),
            Self::NonEmptyList(words) => listed(text, words).filter(|listed| !listed.is_empty()),
            Self::Or(word, _) if word == text => Some(text.to_owned()),
            Self::Or(_, other) => other.spelled(text),
            Self::Checked(checked) => (checked.check)(text),
        }
    }
}

/// What is allowed, for error messages and the printed tables.
impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Boolean => f.write_str("true or false"),
            Self::Int(low, high) => write!(f, "a whole number{}", Bounds(low, high)),
            Self::Long(low) => write!(f, "a whole number{}", Bounds(low, i64::MAX)),
            Self::Double(low, f64::MAX) => write!(f, "a number from {low}"),
            Self::Double(low, high) => write!(f, "a number from {low} to {high}"),
            Self::Bytes(low, high) => write!(f, "bytes{}", Bounds(low, high)),
            Self::Millis(low, high) => write!(f, "milliseconds from {low} to {high}"),
            Self::Text => write!(f, "text of at most {LONGEST_TEXT} bytes"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::List([]) => f.write_str("words separated by commas"),
            Self::List(words) => write!(
                f,
                "none or more of {}, separated by commas",
                words.join(", ")
            ),
            Self::NonEmptyList(words) => write!(
                f,
                "one or more of {}, separated by commas",
                words.join(", ")
            ),
            Self::Or(word, other) => write!(f, "{other}, or {word}"),
            Self::Checked(checked) => f.write_str(checked.allowed),
        }
    }
}

/// Bounds as they go on after a noun; those that every number of 64 bits keeps are not worth a word.
struct Bounds(i64, i64);

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(i64::MIN, i64::MAX) => Ok(()),
            Self(low, i64::MAX) => write!(f, " from {low}"),
            Self(low, high) => write!(f, " from {low} to {high}"),
        }
    }
}

fn whole(text: &str, low: i64, high: i64) -> Option<String> {
    let number: i64 = text.parse().ok()?;
    (low..=high).contains(&number).then(|| number.to_string())
}

/// The words of a list, each once; `None` if one is not of `known`, where that says which there are.
fn listed(text: &str, known: &[&str]) -> Option<String> {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(',').map(str::trim) {
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    let fits = known.is_empty() || words.iter().all(|word| known.contains(word));
    fits.then(|| words.join(","))
}

/// A number that is too large to be written out is spelled as in Java.
fn as_java(number: f64) -> String {
    const WRITTEN_OUT: f64 = 1e7;
    if number.abs() < WRITTEN_OUT {
        return number.to_string();
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, power)) if !digits.contains('.') => format!("{digits}.0E{power}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::ValueKind::{
        Boolean, Bytes, Checked, Choice, Double, Int, List, Long, Millis, NonEmptyList, Or, Text,
    };
    use super::*;

    const REFUSING: CheckedKind = CheckedKind {
        value_type: SettingType::Int,
        allowed: "what nobody knows",
        check: |_| None,
    };

    #[test]
    fn a_value_is_printed_in_one_spelling() {
        for (kind, text, printed) in [
            (Boolean, " TRUE ", "true"),
            (Int(0, INT_MAX), "+07", "7"),
            (Double(0.0, 1.0), ".50", "0.5"),
            (Double(0.0, f64::MAX), "20000000", "2.0E7"),
            (Double(0.0, f64::MAX), "1.25e+9", "1.25E9"),
            (Bytes(-1, INT_MAX), "-1", "-1"),
            (Millis(0, 10), "7.0", "7"),
            (Millis(0, 10), "0.5", "0.5"),
            (Text, " a b ", "a b"),
            (
                List(&["compact", "delete"]),
                "compact , delete, compact",
                "compact,delete",
            ),
            (List(&["delete"]), " ", ""),
            (List(&[]), "a:1,, b:2", "a:1,b:2"),
            (Or("auto", &Boolean), "auto", "auto"),
            (Or("auto", &Boolean), "False", "false"),
        ] {
            assert_eq!(kind.check(text).as_deref(), Ok(printed), "{kind}: {text:?}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_told_what_is() {
        for (kind, text, allowed) in [
            (Boolean, "yes", "true or false"),
            (Int(1, INT_MAX), "0", "a whole number from 1 to 2147483647"),
            (
                Int(0, INT_MAX),
                "3000000000",
                "a whole number from 0 to 2147483647",
            ),
            (Int(2, 10), "7.0", "a whole number from 2 to 10"),
            (Long(-1), "-2", "a whole number from -1"),
            (Long(i64::MIN), "x", "a whole number"),
            (Double(0.0, 1.0), "NaN", "a number from 0 to 1"),
            (Double(0.5, f64::MAX), "0", "a number from 0.5"),
            (Bytes(1, i64::MAX), "1 MB", "bytes from 1"),
            (Bytes(1, INT_MAX), "1.5", "bytes from 1 to 2147483647"),
            (Millis(1, 10), "0.5", "milliseconds from 1 to 10"),
            (Millis(1, 10), "10.5", "milliseconds from 1 to 10"),
            (Millis(1, 10), "NaN", "milliseconds from 1 to 10"),
            (Choice(&["CreateTime"]), "createtime", "one of CreateTime"),
            (
                List(&["a", "b"]),
                "c",
                "none or more of a, b, separated by commas",
            ),
            (
                NonEmptyList(&["a", "b"]),
                "",
                "one or more of a, b, separated by commas",
            ),
            (
                Or("-1", &Int(1, 9)),
                "0",
                "a whole number from 1 to 9, or -1",
            ),
            (Checked(&REFUSING), "1", "what nobody knows"),
        ] {
            assert_eq!(kind.check(text), Err(allowed.to_owned()), "{text:?}");
        }
        let long = Text.check(&"x".repeat(40_000)).unwrap_err();
        assert_eq!(long, "text of at most 32767 bytes, not 40000");
    }

    #[test]
    fn types_are_kafkas() {
        for (kind, value_type) in [
            (Bytes(0, INT_MAX), SettingType::Int),
            (Bytes(0, i64::MAX), SettingType::Long),
            (Or("auto", &Boolean), SettingType::Boolean),
            (Checked(&REFUSING), SettingType::Int),
        ] {
            assert_eq!(kind.value_type(), value_type, "{kind}");
        }
    }
}
