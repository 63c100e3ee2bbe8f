//! The controller, and how many there have been.

use serde::{Deserialize, Serialize};

use super::{Znode, json, plain, timestamp};

/// The broker that decides for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerZnode {
    /// Its id.
    #[serde(rename = "brokerid")]
    pub broker_id: i32,
    /// Since when, in milliseconds since 1970; 0 if that is not known.
    #[serde(default, with = "timestamp")]
    pub timestamp: i64,
}

impl Znode for ControllerZnode {
    const EXPECTED: &'static str =
        r#"the controller such as {"version":1,"brokerid":1,"timestamp":"1795247811993"}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        json::read(data)
    }

    fn write(&self) -> Vec<u8> {
        json::write(1, self)
    }
}

/// Grows with every controller: what an earlier one writes is known by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControllerEpochZnode(pub i32);

impl Znode for ControllerEpochZnode {
    const EXPECTED: &'static str = "the number of a controller such as 1";

    fn read(data: &[u8]) -> Result<Self, String> {
        plain::number(data).map(Self)
    }

    fn write(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}
