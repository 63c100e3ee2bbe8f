//! A real ZooKeeper, through `tests/peers/zookeeper`. Where this machine cannot have it tests say so and end; with
//! `KAFKALITE_REQUIRE_PEERS=1` in the environment they fail instead.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tempfile::TempDir;

/// Exit code of the scripts for "this machine cannot have the peer", whose last line on stderr says why.
const UNAVAILABLE: i32 = 77;

/// One server, in a process of its own, until it is dropped.
pub struct ZooKeeper {
    directory: TempDir,
    port: String,
}

impl ZooKeeper {
    pub fn start() -> Option<Self> {
        let mut server = Self {
            directory: tempfile::tempdir().unwrap(),
            port: "0".to_owned(),
        };
        let started = server.spawn();
        if started.status.success() {
            return Some(server);
        }
        let reason = String::from_utf8_lossy(&started.stderr);
        let required =
            std::env::var_os("KAFKALITE_REQUIRE_PEERS").is_some_and(|value| value == "1");
        assert!(
            started.status.code() == Some(UNAVAILABLE) && !required,
            "ZooKeeper does not start: {reason}"
        );
        eprintln!("skipped: {reason}");
        None
    }

    fn spawn(&mut self) -> Output {
        let output = script(&["start", self.path(), &self.port]);
        // zookeeper 127.0.0.1:PORT pid=N
        let ready = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Some((address, _)) = ready.split_once(" pid=") {
            address
                .rsplit(':')
                .next()
                .unwrap()
                .clone_into(&mut self.port);
        }
        output
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends it; what it had written stays.
    pub fn stop(&self) {
        assert!(script(&["stop", self.path(), "KILL"]).status.success());
    }

    /// Starts it again, at the same address.
    pub fn start_again(&mut self) {
        assert!(self.spawn().status.success());
    }

    /// Forgets what it had written. It must be stopped.
    pub fn forget(&self) {
        std::fs::remove_dir_all(self.directory.path().join("data")).unwrap();
    }

    fn path(&self) -> &str {
        self.directory.path().to_str().unwrap()
    }
}

impl Drop for ZooKeeper {
    fn drop(&mut self) {
        script(&["stop", self.path(), "KILL"]);
    }
}

/// A place of one's own on a server that tests share which run at the same time, and which nobody may disturb.
pub struct Place {
    pub address: String,
    _server: Arc<ZooKeeper>,
}

impl Place {
    pub fn new() -> Option<Self> {
        static SHARED: Mutex<Weak<ZooKeeper>> = Mutex::new(Weak::new());
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let mut shared = SHARED.lock().unwrap();
        let server = match shared.upgrade() {
            Some(server) => server,
            None => Arc::new(ZooKeeper::start()?),
        };
        *shared = Arc::downgrade(&server);
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            address: format!("{}/test-{number}", server.address()),
            _server: server,
        })
    }
}

fn script(arguments: &[&str]) -> Output {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/zookeeper"))
        .args(arguments)
        // Whatever happens to this test, the server ends with it.
        .env("PEERS_OWNER", std::process::id().to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}
