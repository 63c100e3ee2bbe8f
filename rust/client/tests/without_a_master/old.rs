//! Kafka 1.1.1: its broker, and its consumer of the paper's kind.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

fn script() -> Command {
    let mut command =
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/kafka-1.1.1"));
    // Whatever happens to this test, they end with it.
    command.env("PEERS_OWNER", std::process::id().to_string());
    command.stdin(Stdio::null());
    command
}

/// Whether it can be had; that it cannot fails the test if `KAFKALITE_REQUIRE_PEERS=1` says so.
fn is_there() -> bool {
    let installed = script().arg("install").output().unwrap();
    let required = std::env::var_os("KAFKALITE_REQUIRE_PEERS").is_some_and(|value| value == "1");
    let is_there = installed.status.success();
    assert!(
        is_there || !required,
        "Kafka 1.1.1 is needed: {installed:?}"
    );
    if !is_there {
        eprintln!("skipped: Kafka 1.1.1 cannot be had");
    }
    is_there
}

pub(crate) struct OldBroker {
    directory: TempDir,
    address: String,
}

impl OldBroker {
    pub(crate) fn start(zookeeper: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut command = script();
        command.env("ZOOKEEPER", zookeeper);
        command.arg("start").arg(directory.path()).arg("0");
        let output = is_there().then(|| command.output().unwrap())?;
        let ready = String::from_utf8(output.stdout).unwrap();
        // kafka 127.0.0.1:PORT pid=N
        let address = ready.split_whitespace().nth(1).unwrap().to_owned();
        Some(Self { directory, address })
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for OldBroker {
    fn drop(&mut self) {
        let _ = script()
            .arg("stop")
            .arg(self.directory.path())
            .arg("KILL")
            .output();
    }
}

/// Reads all of a topic in the group `g`.
pub(crate) struct OldConsumer {
    process: Child,
    directory: TempDir,
}

impl OldConsumer {
    pub(crate) fn start(zookeeper: &str, topic: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let said = File::create(directory.path().join("messages")).unwrap();
        let mut command = script();
        command.args(["run", "kafka.tools.ConsoleConsumer"]);
        command.args(["--zookeeper", zookeeper, "--topic", topic]);
        // Where to begin is not said: it refuses to, in a group that has committed.
        for property in ["group.id=g", "auto.commit.interval.ms=200"] {
            command.args(["--consumer-property", property]);
        }
        command.stdout(said).stderr(Stdio::null());
        let process = is_there().then(|| command.spawn().unwrap())?;
        Some(Self { process, directory })
    }

    /// Messages so far.
    pub(crate) fn count(&self) -> usize {
        let said = std::fs::read_to_string(self.directory.path().join("messages"));
        said.unwrap().lines().count()
    }

    /// Kills it in the middle; how many messages it has had.
    pub(crate) fn kill(mut self) -> usize {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.count()
    }
}

impl Drop for OldConsumer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
