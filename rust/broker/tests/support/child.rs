//! A broker in a process of its own (`examples/broker.rs`), which a test may kill.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Killed when dropped.
pub struct ChildBroker {
    child: Child,
    pub address: SocketAddr,
}

impl ChildBroker {
    /// Starts one on `dir` and waits until it listens.
    pub fn start(dir: &Path, settings: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.arg(dir).args(settings);
        Self::run(command).expect("the broker listens")
    }

    /// Starts one by another command line; `None` if that ends without listening.
    pub fn run(mut command: Command) -> Option<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if let Ok(address) = line.trim().parse() {
            return Some(Self { child, address });
        }
        child.wait().unwrap();
        None
    }

    /// Resident memory of its process in bytes.
    pub fn resident(&self) -> usize {
        super::resident_of(&self.child.id().to_string())
    }

    /// The most that its resident memory has been, in bytes.
    pub fn most_resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM"));
        let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
        kilobytes.parse::<usize>().unwrap() * 1024
    }

    /// `kill -9`, and the process is gone when this returns.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Has it stop in good order.
    pub fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for ChildBroker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The example, which `cargo test` has built beside the tests.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/broker");
    assert!(
        program.exists(),
        "no {}; build it with cargo build --example broker",
        program.display()
    );
    program
}
