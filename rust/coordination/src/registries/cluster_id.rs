//! Which cluster this is.

use serde::{Deserialize, Serialize};

use super::{Znode, json};

/// The cluster's id, the same for ever: a broker whose data are another cluster's must not join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterIdZnode {
    /// 22 characters, as [`kafkalite_names::ids`] writes them; Kafka takes any text.
    pub id: String,
}

impl Znode for ClusterIdZnode {
    const EXPECTED: &'static str =
        r#"a cluster's id such as {"version":"1","id":"ZdNJW5mNTeqOegn_jqduyA"}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        json::read(data)
    }

    fn write(&self) -> Vec<u8> {
        json::write("1", self)
    }
}
