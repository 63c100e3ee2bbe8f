//! A network that breaks: forwards connections to a broker, and cuts them, swallows or holds back what is sent when told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

pub(crate) struct Proxy {
    pub(crate) address: String,
    pub(crate) connections: Arc<AtomicUsize>,
    stall: Arc<Stall>,
    held: watch::Sender<bool>,
    cut: broadcast::Sender<()>,
    task: JoinHandle<()>,
}

/// Whether what comes is swallowed, and how many bytes were.
#[derive(Default)]
struct Stall {
    on: AtomicBool,
    swallowed: AtomicUsize,
}

impl Proxy {
    /// Forwards to `upstream`. The broker must advertise the proxy's address, or clients go around it.
    pub(crate) fn forward(listener: TcpListener, upstream: String) -> Self {
        let (cut, _) = broadcast::channel(1);
        let connections = Arc::new(AtomicUsize::new(0));
        let stall = Arc::<Stall>::default();
        let held = watch::Sender::new(false);
        let holder = held.clone();
        let (cutter, counter, staller) =
            (cut.clone(), Arc::clone(&connections), Arc::clone(&stall));
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let (mut cut, upstream) = (cutter.subscribe(), upstream.clone());
                let (stall, held) = (Arc::clone(&staller), holder.subscribe());
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(&upstream).await else {
                        return;
                    };
                    tokio::select! {
                        () = pump(near, far, &stall, &held) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self {
            address,
            connections,
            stall,
            held,
            cut,
            task,
        }
    }

    /// Cuts every connection there is, wherever in a message it may be.
    pub(crate) fn cut(&self) {
        let _ = self.cut.send(());
    }

    /// From now on nothing gets through, in either direction, and no connection breaks.
    pub(crate) fn stall(&self) {
        self.stall.on.store(true, Ordering::Relaxed);
    }

    /// From now on everything is held back, or goes on from where it was held.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Bytes that were swallowed.
    pub(crate) fn swallowed(&self) -> usize {
        self.stall.swallowed.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pump(near: TcpStream, far: TcpStream, stall: &Stall, held: &watch::Receiver<bool>) {
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let one_way = |mut from: tokio::net::tcp::OwnedReadHalf,
                   mut to: tokio::net::tcp::OwnedWriteHalf| async move {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            // The proxy itself may be gone: then nothing is held any more.
            let _ = held.clone().wait_for(|held| !held).await;
            if stall.on.load(Ordering::Relaxed) {
                stall.swallowed.fetch_add(count, Ordering::Relaxed);
            } else if to.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(one_way(near_in, far_out), one_way(far_in, near_out));
}
