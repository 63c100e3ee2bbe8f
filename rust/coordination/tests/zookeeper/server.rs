//! One server, in a process of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use kafkalite_coordination::session::{Ensemble, EnsembleSettings, ZooKeeperSession};
use tempfile::TempDir;

/// Exit code of the scripts for "this machine cannot have the peer", whose last line on stderr says why.
const UNAVAILABLE: i32 = 77;

/// Long enough that nothing expires by itself.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// Short enough to wait for.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

pub(crate) struct Server {
    directory: TempDir,
    port: String,
    pid: String,
}

impl Server {
    /// Starts one without data. Where that is not possible the test is skipped, unless `KAFKALITE_REQUIRE_PEERS=1` forbids that.
    pub(crate) fn start() -> Option<Self> {
        let mut server = Self {
            directory: tempfile::tempdir().unwrap(),
            port: "0".to_owned(),
            pid: String::new(),
        };
        match server.spawn() {
            Ok(()) => Some(server),
            Err((code, reason)) => {
                let required =
                    std::env::var_os("KAFKALITE_REQUIRE_PEERS").is_some_and(|value| value == "1");
                assert!(
                    code == Some(UNAVAILABLE) && !required,
                    "ZooKeeper does not start: {reason}"
                );
                eprintln!("skipped: {reason}");
                None
            }
        }
    }

    fn spawn(&mut self) -> Result<(), (Option<i32>, String)> {
        let output = script(&["start", self.directory.path().to_str().unwrap(), &self.port]);
        if !output.status.success() {
            return Err((
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ));
        }
        // zookeeper 127.0.0.1:PORT pid=N
        let ready = String::from_utf8(output.stdout).unwrap();
        let (address, pid) = ready.trim_end().split_once(" pid=").unwrap();
        self.port = address.rsplit(':').next().unwrap().into();
        self.pid = pid.into();
        Ok(())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it; what it had written stays.
    pub(crate) fn stop(&self) {
        let output = script(&["stop", self.directory.path().to_str().unwrap(), "KILL"]);
        assert!(output.status.success(), "{output:?}");
    }

    /// Starts it again after [`stop`](Self::stop), at the same address.
    pub(crate) fn start_again(&mut self) {
        self.spawn().unwrap();
    }

    /// Forgets what it had written. It must be stopped.
    pub(crate) fn forget(&self) {
        std::fs::remove_dir_all(self.directory.path().join("data")).unwrap();
    }

    /// Stops the process as Ctrl-Z does, or lets it go on.
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.pid])
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub(crate) fn ensemble(&self, session_timeout: Duration) -> Ensemble {
        ensemble(&self.address(), session_timeout)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        script(&["stop", self.directory.path().to_str().unwrap(), "KILL"]);
    }
}

/// A place of one's own on a server that tests share which run at the same time, and which nobody may disturb.
pub(crate) struct Place {
    address: String,
    _server: Arc<Server>,
}

impl Place {
    pub(crate) fn new() -> Option<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let mut shared = SHARED.lock().unwrap();
        let running = shared.upgrade();
        let server = match running {
            Some(server) => server,
            None => Arc::new(Server::start()?),
        };
        *shared = Arc::downgrade(&server);
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            address: format!("{}/test-{number}", server.address()),
            _server: server,
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn session(&self) -> ZooKeeperSession {
        ensemble(&self.address, LONG).connect().await.unwrap()
    }
}

/// As a broker connects.
pub(crate) fn ensemble(address: &str, session_timeout: Duration) -> Ensemble {
    let settings = EnsembleSettings {
        session_timeout,
        connect_timeout: LONG,
        creates_chroot: true,
    };
    Ensemble::new(address, settings).unwrap()
}

fn script(arguments: &[&str]) -> std::process::Output {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/zookeeper"))
        .args(arguments)
        // Whatever happens to this test, the server ends with it.
        .env("PEERS_OWNER", std::process::id().to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}
