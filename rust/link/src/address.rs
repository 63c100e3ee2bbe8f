//! Where a broker is, and who said so.

use std::fmt;

/// A broker's address and where it came from, which is what an error has to say: the advertised address is the one
/// setting that everybody gets wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Host name or IP address (IPv6 without brackets).
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Who said that a broker is there.
    pub origin: NamedBy,
}

/// Who named an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamedBy {
    /// The setting `bootstrap.servers`.
    Bootstrap,
    /// The cluster's metadata, for the broker with this id.
    Advertised(i32),
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no broker's address: expected {expected}")]
pub struct InvalidAddress {
    /// The text.
    pub value: String,
    /// What is allowed.
    pub expected: &'static str,
}

impl Address {
    /// Parses `host:port` or `[v6]:port` of `bootstrap.servers`; a protocol prefix such as `PLAINTEXT://` is ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let invalid = |expected| InvalidAddress {
            value: text.to_owned(),
            expected,
        };
        let bare = match text.trim().split_once("://") {
            Some((scheme, _)) if scheme.to_ascii_lowercase().starts_with("http") => {
                return Err(invalid(
                    "host:port of a Kafka broker, which does not speak HTTP",
                ));
            }
            Some((_, rest)) => rest,
            None => text.trim(),
        };
        let (host, port) = bare
            .rsplit_once(':')
            .ok_or_else(|| invalid("host:port, for example localhost:9092"))?;
        let port = port
            .parse()
            .map_err(|_| invalid("host:port with a port from 1 to 65535"))?;
        let host = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() || port == 0 {
            return Err(invalid("host:port, for example localhost:9092"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            origin: NamedBy::Bootstrap,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)?;
        } else {
            write!(f, "{}:{}", self.host, self.port)?;
        }
        match self.origin {
            NamedBy::Bootstrap => f.write_str(" (from bootstrap.servers)"),
            NamedBy::Advertised(broker) => {
                write!(f, " (advertised by the cluster for broker {broker})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_names_addresses_and_prefixes() {
        let parsed = |text| Address::parse(text).map(|a| (a.host, a.port)).ok();
        assert_eq!(parsed("localhost:9092"), Some(("localhost".into(), 9092)));
        assert_eq!(parsed("[::1]:1"), Some(("::1".into(), 1)));
        assert_eq!(parsed("PLAINTEXT://a:2"), Some(("a".into(), 2)));
        for bad in ["localhost", "http://a:1", "a:b", ":1", "a:0", "a:65536", ""] {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }

    #[test]
    fn says_where_it_came_from() {
        let mut address = Address::parse("[::1]:1").unwrap();
        assert_eq!(address.to_string(), "[::1]:1 (from bootstrap.servers)");
        address.origin = NamedBy::Advertised(3);
        assert!(
            address
                .to_string()
                .ends_with("(advertised by the cluster for broker 3)")
        );
    }
}
