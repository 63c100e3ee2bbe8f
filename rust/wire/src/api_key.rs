//! The keys of the APIs.

use std::ops::RangeInclusive;

macro_rules! keys {
    ($($code:literal, $name:ident, $versions:expr, flexible $flexible:expr
        $(, advertised $advertised:literal)? $(, retired $retired:literal)? => $file:ident::{$request:ident, $response:ident};)*) => {
        /// The key of an API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ApiKey {
            $(#[doc = concat!("Key ", $code, ": see [`", stringify!($file), "`](crate::api::", stringify!($file), ").")] $name,)*
        }

        impl ApiKey {
            /// All keys that this crate can read and write.
            pub const ALL: &[ApiKey] = &[$(ApiKey::$name,)*];

            /// The key of a number on the wire, if this crate knows it.
            pub fn from_code(code: i16) -> Option<ApiKey> {
                match code {
                    $($code => Some(ApiKey::$name),)*
                    _ => None,
                }
            }

            /// The number on the wire.
            pub fn code(self) -> i16 {
                match self {
                    $(ApiKey::$name => $code,)*
                }
            }

            /// Kafka's name.
            pub fn name(self) -> &'static str {
                match self {
                    $(ApiKey::$name => stringify!($name),)*
                }
            }

            /// The versions that are spoken.
            pub fn versions(self) -> RangeInclusive<i16> {
                match self {
                    $(ApiKey::$name => $versions,)*
                }
            }
        }
    };
}

crate::api_table::apis!(keys);
