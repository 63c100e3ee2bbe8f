//! Which ids idempotent producers have been given.

use serde::{Deserialize, Serialize};

use super::{Znode, json};

/// The block of producer ids that was handed out last. The next one begins behind it, and is whose write replaces this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProducerIdsZnode {
    /// The broker that has it.
    pub broker_id: i32,
    /// The first id of it.
    pub first: i64,
    /// The last id of it.
    pub last: i64,
}

/// Kafka writes these two numbers as texts.
#[derive(Serialize, Deserialize)]
struct Fields {
    broker: i32,
    block_start: String,
    block_end: String,
}

impl Znode for ProducerIdsZnode {
    const EXPECTED: &'static str = r#"a block of producer ids such as {"version":1,"broker":1,"block_start":"0","block_end":"999"}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        let fields: Fields = json::read(data)?;
        let id = |text: &str| {
            text.parse()
                .map_err(|_| format!("{text:?} is no producer's id"))
        };
        Ok(Self {
            broker_id: fields.broker,
            first: id(&fields.block_start)?,
            last: id(&fields.block_end)?,
        })
    }

    fn write(&self) -> Vec<u8> {
        let fields = Fields {
            broker: self.broker_id,
            block_start: self.first.to_string(),
            block_end: self.last.to_string(),
        };
        json::write(1, &fields)
    }
}
