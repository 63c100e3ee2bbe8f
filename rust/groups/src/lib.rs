//! Groups of consumers as a broker sees them: pure state machines, and what is stored of them.
//!
//! (state, event, now) in; answers, and what must be stored, out. There is no clock in here, no random number, no socket and no
//! file: a broker brings them ([`classic::Classic`], [`consumer::Consumer`]).

pub mod assignors;
pub mod classic;
pub mod consumer;
mod epochs;
pub mod migration;
pub mod offsets;
pub mod records;
pub mod stored_record;
mod subscription;
