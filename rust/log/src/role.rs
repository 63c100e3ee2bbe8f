//! What brokers are to a partition.

/// What a broker is to a partition since an epoch of its leaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It takes what producers send.
    Leader {
        /// The epoch in which it leads.
        epoch: i32,
    },
    /// It takes what the leader has.
    Follower {
        /// The epoch of the leader.
        epoch: i32,
    },
}

impl Role {
    /// The epoch of the partition's leader.
    pub fn epoch(self) -> i32 {
        match self {
            Self::Leader { epoch } | Self::Follower { epoch } => epoch,
        }
    }
}
