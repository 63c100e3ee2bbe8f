//! The broker registry: who is there, and where.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Znode, json, timestamp};

/// The protocol and listener that Kafka's oldest fields stand for.
const PLAINTEXT: &str = "PLAINTEXT";

/// A broker that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerZnode {
    /// Where it is reached, at least one.
    pub endpoints: Vec<BrokerEndpoint>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// When it registered, in milliseconds since 1970; 0 if that is not known.
    pub timestamp: i64,
}

/// One address of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerEndpoint {
    /// The listener's name.
    pub listener: String,
    /// How one speaks to it: `PLAINTEXT`, `SSL`, ...
    pub protocol: String,
    /// Name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// As Kafka's version 4 has it. Later ones add `features`.
#[derive(Serialize, Deserialize)]
struct Fields {
    #[serde(default)]
    listener_security_protocol_map: BTreeMap<String, String>,
    #[serde(default)]
    endpoints: Vec<String>,
    #[serde(default = "none")]
    jmx_port: i32,
    #[serde(default)]
    host: Option<String>,
    #[serde(default = "none")]
    port: i32,
    #[serde(default, with = "timestamp")]
    timestamp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rack: Option<String>,
}

/// How Kafka writes that there is no port.
fn none() -> i32 {
    -1
}

impl Znode for BrokerZnode {
    const EXPECTED: &'static str = r#"a broker's registration such as {"version":4,"endpoints":["PLAINTEXT://host:9092"],...}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        let fields: Fields = json::read(data)?;
        let protocols = &fields.listener_security_protocol_map;
        let mut endpoints = (fields.endpoints.iter())
            .map(|text| endpoint(text, protocols).ok_or_else(|| format!("{text:?} is no address")))
            .collect::<Result<Vec<_>, _>>()?;
        if endpoints.is_empty() {
            // What Kafka wrote before there were listeners.
            let port = u16::try_from(fields.port).ok().filter(|port| *port > 0);
            let (Some(host), Some(port)) = (fields.host, port) else {
                return Err("it names no address".to_owned());
            };
            endpoints.push(BrokerEndpoint {
                listener: PLAINTEXT.to_owned(),
                protocol: PLAINTEXT.to_owned(),
                host,
                port,
            });
        }
        Ok(Self {
            endpoints,
            rack: fields.rack,
            timestamp: fields.timestamp,
        })
    }

    fn write(&self) -> Vec<u8> {
        let plain = self
            .endpoints
            .iter()
            .find(|each| each.protocol == PLAINTEXT);
        let protocols = (self.endpoints.iter())
            .map(|each| (each.listener.clone(), each.protocol.clone()))
            .collect();
        let fields = Fields {
            listener_security_protocol_map: protocols,
            endpoints: self.endpoints.iter().map(text).collect(),
            jmx_port: none(),
            host: plain.map(|endpoint| endpoint.host.clone()),
            port: plain.map_or(none(), |endpoint| endpoint.port.into()),
            timestamp: self.timestamp,
            rack: self.rack.clone(),
        };
        json::write(4, &fields)
    }
}

fn text(endpoint: &BrokerEndpoint) -> String {
    let BrokerEndpoint {
        listener,
        host,
        port,
        ..
    } = endpoint;
    if host.contains(':') {
        format!("{listener}://[{host}]:{port}")
    } else {
        format!("{listener}://{host}:{port}")
    }
}

/// Reads `LISTENER://host:port`. A listener that has no protocol of its own is called after it.
fn endpoint(text: &str, protocols: &BTreeMap<String, String>) -> Option<BrokerEndpoint> {
    let (listener, address) = text.split_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']')?,
        None => host,
    };
    let port = port.parse().ok().filter(|port| *port > 0)?;
    if listener.is_empty() || host.is_empty() {
        return None;
    }
    Some(BrokerEndpoint {
        listener: listener.to_owned(),
        protocol: protocols
            .get(listener)
            .map_or(listener, String::as_str)
            .to_owned(),
        host: host.to_owned(),
        port,
    })
}
