//! Topics by a regular expression, as the old consumer's filters have them: in Java's dialect, which can look around, and with
//! commas between alternatives.

use fancy_regex::{Expr, Regex, RegexBuilder};

/// Bytes of the longest expression.
const LONGEST: usize = 4096;
/// Steps backwards that matching one name may take. An expression that needs more is one to fear.
const STEPS: usize = 10_000;
/// Bytes that the largest compiled part of an expression may take.
const LARGEST: usize = 1 << 20;

/// The expression of a white list or a black list. It stands for the topics whose whole name matches.
#[derive(Debug, Clone)]
pub struct TopicPattern {
    text: String,
    regex: Regex,
}

/// Not every text is an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no regular expression for topics: {reason}")]
pub struct InvalidPattern {
    /// The text, or the beginning of a long one.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

impl TopicPattern {
    /// Reads an expression. As in the old consumer spaces do not count, quotes around it neither, and a comma is an "or".
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let quotes = ['"', '\''];
        let normal = text.trim().replace(',', "|").replace(' ', "");
        let normal = normal.trim_start_matches(quotes).trim_end_matches(quotes);
        let invalid = |reason: String| InvalidPattern {
            pattern: kafkalite_names::shown(text).into_owned(),
            reason: kafkalite_names::shown(&reason).into_owned(),
        };
        if normal.len() > LONGEST {
            return Err(invalid(format!("it is longer than {LONGEST} bytes")));
        }
        // Alone first, so that a ')' in it does not end what is put around it.
        Expr::parse_tree(normal).map_err(|error| invalid(error.to_string()))?;
        let regex = RegexBuilder::new(&format!(r"\A(?:{normal})\z"))
            .backtrack_limit(STEPS)
            .delegate_size_limit(LARGEST)
            .build()
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            text: normal.to_owned(),
            regex,
        })
    }

    /// The expression as it is registered.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a topic of this name is meant. The error is an expression for which that would take too long to say.
    pub fn matches(&self, topic: &str) -> Result<bool, InvalidPattern> {
        self.regex.is_match(topic).map_err(|error| InvalidPattern {
            pattern: kafkalite_names::shown(&self.text).into_owned(),
            reason: format!("whether {topic:?} matches cannot be said: {error}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, topic: &str) -> bool {
        TopicPattern::new(pattern).unwrap().matches(topic).unwrap()
    }

    #[test]
    fn whole_names_match_and_parts_of_names_do_not() {
        assert!(matches("w.*", "w1"));
        assert!(matches("a|ab", "ab"));
        assert!(!matches("w", "w1"));
        assert!(!matches("1", "w1"));
    }

    #[test]
    fn a_list_of_names_is_an_expression() {
        for pattern in ["a,b", " a , b ", "\"a,b\"", "'a,b'", "a|b"] {
            assert!(matches(pattern, "a") && matches(pattern, "b"), "{pattern}");
            assert!(
                !matches(pattern, "a,b") && !matches(pattern, ""),
                "{pattern}"
            );
        }
        assert_eq!(TopicPattern::new(" 'a, b' ").unwrap().as_str(), "a|b");
    }

    #[test]
    fn an_expression_may_look_around_as_javas_do() {
        assert!(matches("(?!secret).*", "public"));
        assert!(!matches("(?!secret).*", "secret.keys"));
        assert!(matches(r"(\w)\1+", "aaa"));
    }

    #[test]
    fn what_is_no_expression_is_told() {
        for pattern in ["a)|(b", "(", "[", "*", &"a".repeat(5000)] {
            let said = TopicPattern::new(pattern).unwrap_err().to_string();
            assert!(
                said.contains("is no regular expression for topics"),
                "{said}"
            );
            assert!(said.len() < 600, "{said}");
        }
    }

    #[test]
    fn an_expression_that_takes_for_ever_is_given_up() {
        let pattern = TopicPattern::new(r"(?:(a+)+(?!x))+\1b").unwrap();
        let said = pattern.matches(&"a".repeat(249)).unwrap_err().to_string();
        assert!(said.contains("cannot be said"), "{said}");
    }
}
