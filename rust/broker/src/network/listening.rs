//! Taking connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};

use super::addresses::{Addresses, Seat};
use super::connection;
use super::quota::Quota;
use crate::config::{Listener, Settings};
use crate::error::BrokerError;
use crate::handlers::Connection;
use crate::state::BrokerState;
use crate::warnings::{About, SUMMARY_EVERY};

/// How long connections may take to send what they have begun when the broker stops.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait when the system has no more descriptors, before asking again.
const BREATH: Duration = Duration::from_millis(100);

/// Listens where the settings say.
pub(crate) async fn bind(settings: &Settings) -> Result<TcpListener, BrokerError> {
    let address = resolve(&settings.listener).await?;
    listen(address, settings).map_err(|source| BrokerError::Listen {
        address,
        from: "listeners",
        source,
    })
}

async fn resolve(listener: &Listener) -> Result<SocketAddr, BrokerError> {
    // No host means every interface, as in Kafka.
    let host = if listener.host.is_empty() {
        "0.0.0.0"
    } else {
        &listener.host
    };
    let failed = |source| BrokerError::Resolve {
        host: host.to_owned(),
        from: "listeners",
        source,
    };
    let found: Vec<SocketAddr> = lookup_host((host, listener.port))
        .await
        .map_err(failed)?
        .collect();
    // "localhost" is often both; most clients try IPv4 first.
    let found = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    found
        .copied()
        .ok_or_else(|| failed(io::Error::other("the name is known and has no address")))
}

fn listen(address: SocketAddr, settings: &Settings) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    if cfg!(unix) {
        // So that a restart need not wait for the last connections of the one before; elsewhere it would share the port.
        socket.set_reuse_address(true)?;
    }
    #[cfg(target_os = "linux")]
    if address.ip().is_loopback() {
        // BBR, the default on many machines, paces even on loopback: sendfile at 2.7 GB/s instead of 10. Only a wish.
        let _ = socket.set_tcp_congestion(b"reno");
    }
    // Set before listening: accepted connections inherit them, and the window is agreed on in the handshake.
    if let Some(bytes) = settings.socket_receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = settings.socket_send_buffer_bytes {
        socket.set_send_buffer_size(bytes)?;
    }
    socket.bind(&address.into())?;
    socket.listen(settings.socket_listen_backlog_size)?;
    TcpListener::from_std(socket.into())
}

/// Takes connections until the broker stops, then waits a moment for those that are busy.
pub(crate) async fn serve(listener: TcpListener, broker: Arc<BrokerState>) {
    let quota = Quota::new(broker.configs.settings().queued_max_request_bytes);
    let quota = Arc::new(quota);
    let warnings = &broker.warnings;
    let mut summary = interval_at(Instant::now() + SUMMARY_EVERY, SUMMARY_EVERY);
    // Whom we say it of when no peer is to blame.
    let own = listener
        .local_addr()
        .map_or(Ipv4Addr::UNSPECIFIED.into(), |own| own.ip());
    let own = About::Peer(own);
    let mut stopping = broker.stopping.subscribe();
    let mut connections = JoinSet::new();
    let addresses = Addresses::default();
    let ids = AtomicU64::new(0);
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => break,
            Some(_) = connections.join_next() => continue,
            _ = summary.tick() => {
                warnings.summarize();
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let address = canonical(peer).ip();
                let seat = match admit(
                    &broker.configs.settings(),
                    &connections,
                    &addresses,
                    address,
                ) {
                    Ok(seat) => seat,
                    Err(reason) => {
                        if warnings.is_new(About::Peer(address), &reason) {
                            tracing::warn!(%peer, "connection refused: {reason}");
                        }
                        continue;
                    }
                };
                take(
                    &mut connections,
                    stream,
                    seat,
                    peer,
                    ids.fetch_add(1, Ordering::Relaxed),
                    &broker,
                    &quota,
                );
            }
            Err(error) => {
                let reason = format!("cannot accept a connection: {error}");
                if warnings.is_new(own, &reason) {
                    tracing::warn!("{reason}");
                }
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    let all_done = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all_done).await.is_err() {
        tracing::warn!(
            "{} connections did not take their answers within {GRACE:?}; cut",
            connections.len()
        );
        connections.shutdown().await;
    }
    warnings.summarize();
}

/// Whether there may be one more connection, and one more from this address.
fn admit(
    settings: &Settings,
    connections: &JoinSet<()>,
    addresses: &Addresses,
    address: IpAddr,
) -> Result<Seat, String> {
    let limit = settings.max_connections;
    if connections.len() >= limit {
        return Err(format!("max.connections={limit} are open"));
    }
    let (limit, from) = match settings.max_connections_per_ip_overrides.get(&address) {
        Some(limit) => (*limit, "max.connections.per.ip.overrides"),
        None => (settings.max_connections_per_ip, "max.connections.per.ip"),
    };
    addresses
        .seat(address, limit)
        .ok_or_else(|| format!("{limit} from this address are open ({from})"))
}

fn take(
    connections: &mut JoinSet<()>,
    stream: TcpStream,
    seat: Seat,
    peer: SocketAddr,
    id: u64,
    broker: &Arc<BrokerState>,
    quota: &Arc<Quota>,
) {
    // Answers are written whole: there is nothing to gather.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_keepalive(true);
    // Fails only when the peer is gone already.
    let Ok(local) = stream.local_addr() else {
        return;
    };
    let (peer_done, done) = watch::channel(false);
    let connection = Arc::new(Connection {
        id,
        peer: canonical(peer),
        local: canonical(local),
        peer_done: done,
    });
    tracing::debug!(id, %peer, "connection opened");
    let serving = connection::serve(
        stream,
        connection,
        peer_done,
        Arc::clone(broker),
        Arc::clone(quota),
    );
    connections.spawn(async move {
        let _counted = seat;
        serving.await;
    });
}

/// An IPv4 address that came over an IPv6 socket, as IPv4.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
