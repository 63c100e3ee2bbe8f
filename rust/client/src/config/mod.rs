//! What can be configured: one table each for all clients, the producer, the consumer and the admin client.
//!
//! A row gives the field, its type, and what `kafkalite_settings` makes a row of: the name in Kafka's spelling, the default, what
//! may be written, and one sentence of documentation. Parsing, defaults, error messages and the printed tables all come from it.

mod admin;
mod choices;
mod client;
mod consumer;
mod from_setting;
mod producer;
#[cfg(feature = "zookeeper")]
mod zookeeper;

pub use admin::AdminConfig;
pub use choices::{Acks, OffsetReset, PartitionerChoice};
pub use client::ClientConfig;
pub use consumer::ConsumerConfig;
pub use kafkalite_settings::ConfigError;
pub use producer::ProducerConfig;
#[cfg(feature = "zookeeper")]
pub use zookeeper::ZooKeeperConfig;

use from_setting::FromSetting;

/// Kafka's spelling of a name: `bootstrap_servers` and `bootstrap.servers` are the same setting.
pub(crate) fn kafka_name(name: &str) -> String {
    name.replace('_', ".")
}

/// Makes a settings struct, its table, its defaults and its `set` from rows
/// `field: Type = "name", "default", ValueKind, "documentation";`.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $config:ident $(with $base:ident: $base_type:ty)? {
            $( $field:ident: $type:ty = $name:literal, $default:literal, $kind:expr, $doc:literal; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $config {
            $( #[doc = "The settings that every client has."] pub $base: $base_type, )?
            $( #[doc = concat!("`", $name, "`: ", $doc)] pub $field: $type, )*
        }

        impl $config {
            /// The rows of this table alone, in the order of the documentation.
            pub const OWN_SETTINGS: &'static [kafkalite_settings::Row] = &[
                $( kafkalite_settings::Row::new($name, $kind, $default, $doc), )*
            ];

            /// Every setting that [`set`](Self::set) takes.
            pub fn settings() -> impl Iterator<Item = &'static kafkalite_settings::Row> {
                Self::OWN_SETTINGS.iter() $( .chain(<$base_type>::OWN_SETTINGS.iter()) )?
            }

            /// Sets one setting from its text. The name is Kafka's (`linger.ms`) or Python's (`linger_ms`).
            pub fn set(&mut self, name: &str, text: &str) -> Result<(), $crate::config::ConfigError> {
                let name = $crate::config::kafka_name(name);
                if self.set_own(&name, text)? $( || self.$base.set_own(&name, text)? )? {
                    return Ok(());
                }
                let names = Self::settings().map(|row| row.name);
                Err($crate::config::ConfigError::unknown(&name, names))
            }

            /// The defaults, changed by these names and texts.
            pub fn from_pairs<'a>(
                pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
            ) -> Result<Self, $crate::config::ConfigError> {
                let mut config = Self::default();
                for (name, text) in pairs {
                    config.set(name, text)?;
                }
                Ok(config)
            }

            pub(crate) fn set_own(&mut self, name: &str, text: &str) -> Result<bool, $crate::config::ConfigError> {
                let Some(row) = Self::OWN_SETTINGS.iter().find(|row| row.name == name) else {
                    return Ok(false);
                };
                match row.name {
                    $( $name => self.$field = $crate::config::from_setting::parse(row, text)?, )*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }

        impl Default for $config {
            fn default() -> Self {
                let mut rows = Self::OWN_SETTINGS.iter();
                Self {
                    $( $base: <$base_type>::default(), )?
                    $( $field: {
                        let row = rows.next().expect("a row for each field");
                        $crate::config::from_setting::parse(row, $default).expect("each default is allowed (tested)")
                    }, )*
                }
            }
        }
    };
}
pub(crate) use settings;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_default_is_allowed_and_names_are_unique() {
        let _ = (
            AdminConfig::default(),
            ProducerConfig::default(),
            ConsumerConfig::default(),
        );
        for table in [
            ProducerConfig::settings().collect::<Vec<_>>(),
            ConsumerConfig::settings().collect(),
            AdminConfig::settings().collect(),
        ] {
            let mut names: Vec<_> = table.iter().map(|setting| setting.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count);
            assert!(
                table.iter().all(|setting| setting.doc.ends_with('.')),
                "a sentence each"
            );
        }
    }

    #[test]
    fn kafka_names_and_python_names_are_the_same_setting() {
        let mut config = ProducerConfig::default();
        config.set("linger.ms", "7").unwrap();
        assert_eq!(config.linger, Duration::from_millis(7));
        config.set("linger_ms", "8").unwrap();
        assert_eq!(config.linger, Duration::from_millis(8));
        config.set("bootstrap_servers", "a:1, b:2").unwrap();
        assert_eq!(config.client.bootstrap_servers, ["a:1", "b:2"]);
    }

    #[test]
    fn an_unknown_setting_suggests_the_nearest() {
        let error = ProducerConfig::default()
            .set("bootstrap.server", "x:1")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"no setting is called "bootstrap.server"; did you mean bootstrap.servers?"#
        );
        let error = ConsumerConfig::default()
            .set("zzzzzzzzzzz", "")
            .unwrap_err();
        assert_eq!(error.to_string(), r#"no setting is called "zzzzzzzzzzz""#);
    }

    #[test]
    fn a_value_out_of_range_says_what_is_allowed() {
        let error = ProducerConfig::default().set("acks", "2").unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"acks cannot be "2"; expected one of all, -1, 1, 0"#
        );
        let error = ProducerConfig::default()
            .set("linger.ms", "-1")
            .unwrap_err();
        assert!(
            error.to_string().contains("milliseconds from 0 to"),
            "{error}"
        );
    }
}
