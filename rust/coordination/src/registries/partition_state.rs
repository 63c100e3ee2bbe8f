//! Who leads a partition.

use serde::{Deserialize, Serialize};

use super::{Znode, json};

/// How Kafka writes that nobody leads.
const NOBODY: i32 = -1;

/// Who leads a partition, and who has all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionStateZnode {
    /// The broker that leads; `None` while none can.
    pub leader: Option<i32>,
    /// Grows with every change of the leader.
    pub leader_epoch: i32,
    /// The brokers that have everything.
    pub in_sync: Vec<i32>,
    /// Of the controller that wrote this.
    pub controller_epoch: i32,
}

#[derive(Serialize, Deserialize)]
struct Fields {
    controller_epoch: i32,
    leader: i32,
    leader_epoch: i32,
    isr: Vec<i32>,
}

impl Znode for PartitionStateZnode {
    const EXPECTED: &'static str = r#"a partition's state such as {"version":1,"controller_epoch":1,"leader":1,"leader_epoch":0,"isr":[1]}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        let fields: Fields = json::read(data)?;
        Ok(Self {
            leader: (fields.leader != NOBODY).then_some(fields.leader),
            leader_epoch: fields.leader_epoch,
            in_sync: fields.isr,
            controller_epoch: fields.controller_epoch,
        })
    }

    fn write(&self) -> Vec<u8> {
        let fields = Fields {
            controller_epoch: self.controller_epoch,
            leader: self.leader.unwrap_or(NOBODY),
            leader_epoch: self.leader_epoch,
            isr: self.in_sync.clone(),
        };
        json::write(1, &fields)
    }
}
