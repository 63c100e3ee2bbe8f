//! What is wrong with a setting, in the words that broker, clients and Python share.

use std::fmt;

use kafkalite_names::{nearest, shown};

/// What is wrong with a setting. The sentence names the setting, what was found and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// No setting has this name. Correct the spelling; the nearest name is in the sentence.
    Unknown {
        /// The name as it was given.
        name: String,
        /// The nearest name that exists, if one is near.
        nearest: Option<&'static str>,
    },
    /// The setting exists and cannot hold this value. Write one that is allowed.
    Invalid {
        /// The setting, in Kafka's spelling.
        name: &'static str,
        /// What it was to become.
        value: String,
        /// What it can be.
        expected: String,
    },
    /// A value is fine by itself but not together with another. Change one of the two.
    Conflict {
        /// The two settings, in Kafka's spelling, each with its value.
        settings: Box<[(&'static str, String); 2]>,
        /// What goes between them: "is not larger than".
        relation: &'static str,
        /// What to do with the one or with the other; `{}` stands for its name.
        remedies: [&'static str; 2],
    },
    /// What a setting names cannot be used; the sentence says why.
    Unusable(String),
}

impl ConfigError {
    /// That none of `names` is `name`.
    pub fn unknown(name: &str, names: impl IntoIterator<Item = &'static str>) -> Self {
        Self::Unknown {
            name: shown(name).into(),
            nearest: nearest(name, names.into_iter()),
        }
    }

    /// That the setting takes other values.
    pub fn invalid(name: &'static str, value: &str, expected: impl Into<String>) -> Self {
        Self::Invalid {
            name,
            value: shown(value).into(),
            expected: expected.into(),
        }
    }

    /// The sentence, with the names of settings as `spelled` writes them: in Python they are keywords.
    pub fn sentence(&self, spelled: impl Fn(&str) -> String) -> String {
        match self {
            Self::Unknown { name, nearest } => {
                let hint = nearest.map(|nearest| format!("; did you mean {}?", spelled(nearest)));
                let hint = hint.unwrap_or_default();
                format!("no setting is called {:?}{hint}", spelled(name))
            }
            Self::Invalid {
                name,
                value,
                expected,
            } => format!("{} cannot be {value:?}; expected {expected}", spelled(name)),
            Self::Conflict {
                settings,
                relation,
                remedies,
            } => {
                let [(one, its_value), (other, other_value)] = &**settings;
                let (one, other) = (spelled(one), spelled(other));
                let remedies = [
                    remedies[0].replace("{}", &one),
                    remedies[1].replace("{}", &other),
                ];
                let remedies = remedies.join(" or ");
                format!("{one}={its_value} {relation} {other}={other_value}; {remedies}")
            }
            Self::Unusable(sentence) => sentence.clone(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence(str::to_owned))
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 2] = ["linger.ms", "batch.size"];

    #[test]
    fn a_sentence_names_what_was_asked_and_what_would_do() {
        let near = ConfigError::unknown("liger.ms", NAMES).to_string();
        assert_eq!(
            near,
            r#"no setting is called "liger.ms"; did you mean linger.ms?"#
        );
        let far = ConfigError::unknown("flux.capacitor", NAMES).to_string();
        assert_eq!(far, r#"no setting is called "flux.capacitor""#);
        let invalid = ConfigError::invalid("acks", "2", "one of all, 1, 0");
        assert_eq!(
            invalid.to_string(),
            r#"acks cannot be "2"; expected one of all, 1, 0"#
        );
    }

    #[test]
    fn names_are_spelled_as_whoever_asks_spells_them() {
        let spelled = |name: &str| name.replace('.', "_");
        let near = ConfigError::unknown("liger.ms", NAMES).sentence(spelled);
        assert_eq!(
            near,
            r#"no setting is called "liger_ms"; did you mean linger_ms?"#
        );
        let invalid = ConfigError::invalid("linger.ms", "1.5 s", "milliseconds");
        let sentence = r#"linger_ms cannot be "1.5 s"; expected milliseconds"#;
        assert_eq!(invalid.sentence(spelled), sentence);
        let conflict = ConfigError::Conflict {
            settings: Box::new([
                ("delivery.timeout.ms", "10".into()),
                ("linger.ms", "100".into()),
            ]),
            relation: "is not larger than",
            remedies: ["raise {}", "lower {}"],
        };
        assert_eq!(
            conflict.sentence(spelled),
            "delivery_timeout_ms=10 is not larger than linger_ms=100; \
             raise delivery_timeout_ms or lower linger_ms"
        );
    }

    #[test]
    fn what_is_too_long_to_be_meant_is_not_repeated_in_whole() {
        let long = "x".repeat(100_000);
        for error in [
            ConfigError::unknown(&long, NAMES),
            ConfigError::invalid("acks", &long, "one of all, 1, 0"),
        ] {
            assert!(error.to_string().len() < 500);
        }
    }
}
