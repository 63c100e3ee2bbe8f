//! What topics and brokers are set to, and that it has changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Znode, json, paths};

/// The settings that a topic, a broker or all brokers have been given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SettingsZnode {
    /// Values by the settings' names.
    #[serde(rename = "config")]
    pub settings: BTreeMap<String, String>,
}

impl Znode for SettingsZnode {
    const EXPECTED: &'static str =
        r#"settings such as {"version":1,"config":{"retention.ms":"1000"}}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        json::read(data)
    }

    fn write(&self) -> Vec<u8> {
        json::write(1, self)
    }
}

/// That the settings of something have changed: whoever has to do with it reads them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsChangeZnode {
    /// Whose.
    pub of: SettingsOf,
}

/// What can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsOf {
    /// A topic.
    Topic(String),
    /// A broker; `None` stands for all of them.
    Broker(Option<i32>),
    /// What Kafka has and we do not: users, clients, addresses. Its path below `/config`.
    Other(String),
}

/// How the settings of all brokers are called beside those of one.
const ALL_BROKERS: &str = "<default>";

/// As Kafka has written it since 0.10.1, and before that.
#[derive(Serialize, Deserialize)]
struct Fields {
    #[serde(default, rename = "entity_path")]
    path: Option<String>,
    #[serde(default, rename = "entity_type", skip_serializing)]
    kind: Option<String>,
    #[serde(default, rename = "entity_name", skip_serializing)]
    name: Option<String>,
}

impl SettingsOf {
    /// The node that holds the settings.
    pub fn path(&self) -> String {
        format!("{}/{}", paths::SETTINGS, self.below())
    }

    /// Its path below `/config`.
    fn below(&self) -> String {
        match self {
            Self::Topic(topic) => format!("topics/{topic}"),
            Self::Broker(Some(id)) => format!("brokers/{id}"),
            Self::Broker(None) => format!("brokers/{ALL_BROKERS}"),
            Self::Other(path) => path.clone(),
        }
    }

    fn at(path: &str) -> Self {
        match path.split_once('/') {
            Some(("topics", topic)) => Self::Topic(topic.to_owned()),
            Some(("brokers", ALL_BROKERS)) => Self::Broker(None),
            Some(("brokers", id)) if paths::number(id).is_some() => Self::Broker(paths::number(id)),
            _ => Self::Other(path.to_owned()),
        }
    }
}

impl Znode for SettingsChangeZnode {
    const EXPECTED: &'static str =
        r#"whose settings have changed such as {"version":2,"entity_path":"topics/t"}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        let fields: Fields = json::read(data)?;
        let path = match (fields.path, fields.kind, fields.name) {
            (Some(path), _, _) => path,
            (None, Some(kind), Some(name)) => format!("{kind}/{name}"),
            _ => return Err("missing field `entity_path`".to_owned()),
        };
        Ok(Self {
            of: SettingsOf::at(&path),
        })
    }

    fn write(&self) -> Vec<u8> {
        let fields = Fields {
            path: Some(self.of.below()),
            kind: None,
            name: None,
        };
        json::write(2, &fields)
    }
}
