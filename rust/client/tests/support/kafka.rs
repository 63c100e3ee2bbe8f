//! Apache Kafka, in a process of its own, through `tests/peers/kafka`.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Peer;

pub(crate) struct Kafka {
    directory: TempDir,
    /// Host and port; the directory keeps them over restarts.
    address: String,
}

impl Kafka {
    /// Starts it. Where that is not possible the test is skipped, unless `KAFKALITE_REQUIRE_PEERS=1` forbids that.
    pub(crate) fn start() -> Option<Self> {
        Self::with_setting(None)
    }

    /// One that clients are to reach at another address than its own.
    pub(crate) fn advertising(address: Option<&str>) -> Option<Self> {
        let setting = address.map(|address| format!("advertised.listeners=PLAINTEXT://{address}"));
        Self::with_setting(setting.as_deref())
    }

    /// One with this line in its configuration.
    pub(crate) fn with_setting(setting: Option<&str>) -> Option<Self> {
        let mut kafka = Self {
            directory: tempfile::tempdir().unwrap(),
            address: String::new(),
        };
        match kafka.start_with(setting) {
            Ok(()) => Some(kafka),
            Err(reason)
                if std::env::var("KAFKALITE_REQUIRE_PEERS").is_ok_and(|value| value == "1") =>
            {
                panic!("Apache Kafka does not start: {reason}")
            }
            Err(reason) => {
                eprintln!("skipped: Apache Kafka does not start: {reason}");
                None
            }
        }
    }

    fn start_with(&mut self, setting: Option<&str>) -> Result<(), String> {
        let ready = output(
            Command::new(script())
                .arg("start")
                .arg(self.directory.path())
                .arg("0")
                .args(setting),
        )?;
        let address = ready.split_whitespace().nth(1);
        address.ok_or(&ready)?.clone_into(&mut self.address);
        Ok(())
    }

    fn stop(&self) -> Result<(), String> {
        output(
            Command::new(script())
                .arg("stop")
                .arg(self.directory.path()),
        )
        .map(drop)
    }
}

fn output(command: &mut Command) -> Result<String, String> {
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl Peer for Kafka {
    fn bootstrap(&self) -> String {
        self.address.clone()
    }

    async fn restart(&mut self) {
        self.stop().unwrap();
        self.start_with(None).unwrap();
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/kafka")
}
