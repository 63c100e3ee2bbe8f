//! The version that a message is read or written in.

/// An API's version, and whether it is a flexible one (KIP-482: compact lengths and tagged fields).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    number: i16,
    flexible: bool,
}

impl Version {
    /// For what comes before any body: no compact lengths, no tagged fields.
    pub(crate) const INFLEXIBLE: Version = Version {
        number: 0,
        flexible: false,
    };

    /// Version `number` of an API whose versions are flexible from `flexible_from` on.
    pub fn new(number: i16, flexible_from: i16) -> Version {
        Version {
            number,
            flexible: number >= flexible_from,
        }
    }

    /// The number, as in the request's header.
    #[inline]
    pub fn number(self) -> i16 {
        self.number
    }

    /// Whether lengths are compact and structs end in tagged fields.
    #[inline]
    pub fn is_flexible(self) -> bool {
        self.flexible
    }
}
