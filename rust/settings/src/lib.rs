//! What tables of settings are made of, for broker and clients alike: a row, what may be written in it, in which words anything
//! else is refused, and files of such settings.
//!
//! Which settings there are, and what follows from them, is for those who have the tables.

mod error;
mod kind;
pub mod properties;
mod row;
mod setting_type;

pub use error::ConfigError;
pub use kind::{CheckedKind, ValueKind};
pub use row::{ChangedWhen, Row, Synonym};
pub use setting_type::SettingType;

/// The largest number of 32 bits, for bounds.
pub const INT_MAX: i64 = i32::MAX as i64;
