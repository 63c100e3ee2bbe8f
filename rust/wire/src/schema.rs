//! A message's description of itself, for whoever walks over all of them: documentation and tests.

use std::ops::RangeInclusive;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One byte, 0 or 1.
    Bool,
    /// Signed, 8 bits.
    Int8,
    /// Signed, 16 bits.
    Int16,
    /// Unsigned, 16 bits.
    Uint16,
    /// Signed, 32 bits.
    Int32,
    /// Signed, 64 bits.
    Int64,
    /// IEEE 754, 64 bits.
    Float64,
    /// UTF-8 of at most 32,767 bytes.
    String,
    /// Any bytes.
    Bytes,
    /// Record batches.
    Records,
    /// 16 bytes.
    Uuid,
    /// Elements of one kind.
    Array(&'static Kind),
    /// Fields, in the order of the wire.
    Struct(&'static [Field]),
}

/// One field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// The versions that carry it.
    pub versions: RangeInclusive<i16>,
    /// The versions in which it may be null.
    pub nullable: Option<RangeInclusive<i16>>,
    /// Its tag, if it is a tagged field.
    pub tag: Option<u32>,
    /// What it holds.
    pub kind: Kind,
}
