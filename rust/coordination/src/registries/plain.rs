//! Values that are no JSON: offsets, and who owns a partition.

use std::str::FromStr;

use super::{ThreadId, Znode};

/// A number in decimal digits, perhaps with a sign, and nothing else, as Java reads it.
pub(super) fn number<T: FromStr>(data: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(data).map_err(|error| error.to_string())?;
    text.parse()
        .map_err(|_| "it is no number, or too large a one".to_owned())
}

/// How far a group has read a partition: the offset of the next message to read. Whether there is one at this offset, or it is
/// negative, is for the reader to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetZnode(pub i64);

impl Znode for OffsetZnode {
    const EXPECTED: &'static str = "the offset of the next message, in digits";

    fn read(data: &[u8]) -> Result<Self, String> {
        number(data).map(Self)
    }

    fn write(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}

/// Which stream reads a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerZnode(pub ThreadId);

impl Znode for OwnerZnode {
    const EXPECTED: &'static str =
        "a consumer's id and the number of its stream such as g1_host-1795247818754-a893b7c7-0";

    fn read(data: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(data).map_err(|error| error.to_string())?;
        ThreadId::parse(text).map(Self)
    }

    fn write(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}
