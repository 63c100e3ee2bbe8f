//! A network between a session and its server that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What is sent to its address goes on to the server, unless it is cut.
pub(crate) struct Network {
    address: String,
    cut: Arc<AtomicBool>,
    changed: Arc<Notify>,
}

impl Network {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (cut, changed) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let (is_cut, when) = (cut.clone(), changed.clone());
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let (is_cut, when, server) = (is_cut.clone(), when.clone(), server.clone());
                tokio::spawn(async move {
                    let ended = when.notified();
                    if is_cut.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(&server).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        () = ended => {}
                    }
                });
            }
        });
        Self {
            address,
            cut,
            changed,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Closes all connections, and every new one.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Closes all connections once.
    pub(crate) fn hiccup(&self) {
        self.changed.notify_waiters();
    }

    pub(crate) fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}
