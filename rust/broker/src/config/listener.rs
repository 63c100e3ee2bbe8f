//! `PLAINTEXT://host:port`, as `listeners` and `advertised.listeners` hold it.

use std::fmt;

use kafkalite_settings::ConfigError;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// A name or an address; empty means every interface, as in Kafka.
    pub host: String,
    /// 0 takes a free one.
    pub port: u16,
}

impl Listener {
    /// Reads `PLAINTEXT://host:port`, also with another listener name in front, or without one.
    ///
    /// `setting` is named in the error.
    pub fn parse(setting: &'static str, text: &str) -> Result<Self, ConfigError> {
        let whole = text;
        let invalid = |expected: &str| ConfigError::invalid(setting, whole, expected);
        // A file written for a Kafka that is its own controller lists the controller's address too.
        let mut clients = text
            .split(',')
            .map(str::trim)
            .filter(|one| !one.to_ascii_uppercase().starts_with("CONTROLLER:"));
        let text = clients.next().ok_or_else(|| {
            invalid("PLAINTEXT://host:port; kafkalite has no controllers to listen for")
        })?;
        if clients.next().is_some() {
            return Err(invalid("one address; kafkalite listens on one"));
        }
        let address = match text.split_once("://") {
            Some((name, _)) if name.to_ascii_uppercase().contains("SSL") => {
                return Err(invalid(
                    "PLAINTEXT://host:port; kafkalite does not encrypt or authenticate yet",
                ));
            }
            Some((_, address)) => address,
            None => text,
        };
        let (host, port) = address
            .rsplit_once(':')
            .ok_or_else(|| invalid("PLAINTEXT://host:port"))?;
        let port = port
            .parse()
            .map_err(|_| invalid("PLAINTEXT://host:port with a port from 0 to 65535"))?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if host.contains(['/', ' ', '[', ']']) {
            return Err(invalid("PLAINTEXT://host:port"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// `host:port`, with brackets around an IPv6 address.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kafkas_spellings_are_read() {
        for (text, host, port) in [
            ("PLAINTEXT://127.0.0.1:9092", "127.0.0.1", 9092),
            ("PLAINTEXT://:9092", "", 9092),
            ("EXTERNAL://kafka.example:0", "kafka.example", 0),
            ("localhost:9092", "localhost", 9092),
            ("PLAINTEXT://[::1]:9092", "::1", 9092),
            ("PLAINTEXT://:9092,CONTROLLER://:9093", "", 9092),
        ] {
            let listener = Listener::parse("listeners", text).unwrap();
            assert_eq!((listener.host.as_str(), listener.port), (host, port));
        }
    }

    #[test]
    fn what_is_not_understood_or_not_done_is_refused() {
        for text in [
            "",
            "PLAINTEXT://localhost",
            "localhost:99999",
            "SSL://:9093",
            "SASL_SSL://:1",
            "a:1,b:2",
            "CONTROLLER://:9093",
        ] {
            let error = Listener::parse("listeners", text).unwrap_err().to_string();
            assert!(error.starts_with("listeners cannot be"), "{error}");
        }
    }
}
