//! The address of an ensemble, as `zookeeper.connect` has it: `host:port,host:port/chroot`.

use crate::registries::node_name::objection;

/// Where ZooKeeper is asked if no port is said.
const PORT: u16 = 2181;

/// An address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConnectString {
    /// The servers, any of which will do, with their ports.
    pub(super) servers: Vec<String>,
    /// The node that stands for the root; `None` if the root does.
    pub(super) chroot: Option<String>,
}

/// Not every text is an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("zookeeper.connect={address:?}: {reason}; it is written as host:port,host:port/chroot")]
pub struct InvalidConnectString {
    /// The text, or the beginning of a long one.
    pub address: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ConnectString {
    pub(super) fn parse(address: &str) -> Result<Self, InvalidConnectString> {
        parse(address.trim()).map_err(|reason| InvalidConnectString {
            address: kafkalite_names::shown(address).into_owned(),
            reason,
        })
    }
}

fn parse(address: &str) -> Result<ConnectString, String> {
    if address.contains("://") {
        return Err("no protocol stands before a server".to_owned());
    }
    let (servers, chroot) = match address.split_once('/') {
        Some((servers, chroot)) => (servers, chroot.trim_end_matches('/')),
        None => (address, ""),
    };
    let servers = servers
        .split(',')
        .map(str::trim)
        .map(server)
        .collect::<Result<_, _>>()?;
    for step in chroot.split('/').filter(|_| !chroot.is_empty()) {
        if let Some(objection) = objection(step) {
            return Err(format!("{step:?} is no step of a chroot, for {objection}"));
        }
    }
    let chroot = (!chroot.is_empty()).then(|| format!("/{chroot}"));
    Ok(ConnectString { servers, chroot })
}

fn server(text: &str) -> Result<String, String> {
    // An IPv6 address is in brackets, as it has colons itself.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if host.is_empty() || bare.is_none() && host.contains(':') {
        return Err(format!("{text:?} names no server"));
    }
    let port = match port {
        None => PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| format!("{port:?} is no port"))?,
    };
    Ok(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(address: &str) -> (String, Option<String>) {
        let ConnectString { servers, chroot } = ConnectString::parse(address).unwrap();
        (servers.join(","), chroot)
    }

    #[test]
    fn an_address_has_servers_and_perhaps_a_chroot() {
        for (address, servers, chroot) in [
            ("localhost:2181", "localhost:2181", None),
            ("a", "a:2181", None),
            (" a:1, b:2 ", "a:1,b:2", None),
            ("a:1,b:2/kafka", "a:1,b:2", Some("/kafka")),
            ("a:1/kafka/one/", "a:1", Some("/kafka/one")),
            ("a:1/", "a:1", None),
            ("[::1]:2182,[fe80::1]", "[::1]:2182,[fe80::1]:2181", None),
        ] {
            assert_eq!(
                parts(address),
                (servers.to_owned(), chroot.map(str::to_owned)),
                "{address}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_told_with_what_is_wrong() {
        for (address, reason) in [
            ("", "\"\" names no server"),
            ("a:1,", "\"\" names no server"),
            (":2181", "\":2181\" names no server"),
            ("::1", "\"::1\" names no server"),
            ("a:0", "\"0\" is no port"),
            ("a:99999", "\"99999\" is no port"),
            ("zk://a:1", "no protocol stands before a server"),
            ("a:1//b", "\"\" is no step of a chroot"),
            ("a:1/../b", "\"..\" is no step of a chroot"),
        ] {
            let said = ConnectString::parse(address).unwrap_err().to_string();
            assert!(
                said.contains(reason) && said.ends_with("host:port,host:port/chroot"),
                "{said}"
            );
        }
    }
}
