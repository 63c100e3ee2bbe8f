//! Opens the socket: resolve, set what must be set before the handshake, connect.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use crate::address::Address;
use crate::config::LinkConfig;
use crate::error::{LinkError, Result};

/// Connects to the first of the address's IP addresses that answers.
pub(super) async fn dial(address: &Address, config: &LinkConfig) -> Result<TcpStream> {
    let failed = |reason: String| LinkError::Connect {
        address: address.clone(),
        reason: reason.into(),
    };
    let attempt = async {
        let candidates: Vec<_> = lookup_host((address.host.as_str(), address.port))
            .await
            .map_err(|error| failed(format!("the host name cannot be resolved: {error}")))?
            .collect();
        let mut last = failed("the host name has no address".to_owned());
        for candidate in candidates {
            match connect(candidate, config).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = failed(explain(&error)),
            }
        }
        Err(last)
    };
    timeout(config.connect_timeout, attempt)
        .await
        .unwrap_or_else(|_| {
            Err(failed(format!(
                "no answer within socket.connection.setup.timeout.ms={}",
                config.connect_timeout.as_millis()
            )))
        })
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "connection refused: no broker listens there".to_owned()
        }
        _ => error.to_string(),
    }
}

async fn connect(address: SocketAddr, config: &LinkConfig) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Ok(size @ 1..) = usize::try_from(config.send_buffer) {
        socket.set_send_buffer_size(size)?;
    }
    if let Ok(size @ 1..) = usize::try_from(config.receive_buffer) {
        socket.set_recv_buffer_size(size)?;
    }
    if address.ip().to_canonical().is_loopback() {
        unpace(&socket);
    }
    TcpSocket::from_std_stream(socket.into())
        .connect(address)
        .await
}

/// BBR, a common default, paces even where there is no network; it makes loopback several times slower.
#[cfg(target_os = "linux")]
fn unpace(socket: &Socket) {
    // Where reno is not allowed the connection works as well, only slower.
    if let Err(error) = SockRef::from(socket).set_tcp_congestion(b"reno") {
        tracing::debug!(%error, "TCP_CONGESTION=reno refused");
    }
}

#[cfg(not(target_os = "linux"))]
fn unpace(_: &Socket) {}
