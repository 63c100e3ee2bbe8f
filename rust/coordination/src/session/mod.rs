//! One broker's or one consumer's sessions with ZooKeeper: [`Ensemble`] is where it is, [`ZooKeeperSession`] lasts from connecting
//! until it expires, and then is over for good.
//!
//! What only lasts as long as a session, which is to say who is there and who owns what, is gone with it: whoever connects anew
//! registers anew. The session does none of that by itself. It says when it is over ([`ZooKeeperSession::ended`]), and, what
//! comes first, until when it certainly is not ([`Lease`]): behind that moment others may own what was ours.
//!
//! Every wait has an end. What only reads, and writes whose outcome can be told afterwards, are tried again when a connection
//! breaks; for the others that is [`ZooKeeperError::Interrupted`].

mod connect_string;
mod ensemble;
mod error;
mod heart;
mod lease;
mod limits;
mod live;
mod multi;
mod reads;
mod watches;
mod writes;

pub use connect_string::InvalidConnectString;
pub use ensemble::{Ensemble, EnsembleSettings};
pub use error::ZooKeeperError;
pub use heart::SessionState;
pub use lease::Lease;
pub use live::ZooKeeperSession;
pub use multi::MultiWrite;
pub use reads::StoredNode;
pub use watches::{ChildrenWatch, NodeWatch};
