//! Apache Kafka 1.1.1, the last whose consumers, tools and brokers go by the registries alone.

use std::path::Path;
use std::process::{Child, Command, Stdio};

fn script() -> Command {
    let mut command =
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/kafka"));
    command.env("KAFKA", "1.1.1").stdin(Stdio::null());
    command
}

/// Runs one of its tools. `None` where Kafka cannot be had, unless `KAFKALITE_REQUIRE_PEERS=1` forbids that.
pub(crate) fn tool(class: &str, arguments: &[&str]) -> Option<String> {
    is_there().then(|| output(script().args(["run", class]).args(arguments)))
}

/// Runs a program of `tests/java` with its classes. `None` where Kafka cannot be had, as with [`tool`].
pub(crate) fn program(name: &str, arguments: &[&str]) -> Option<String> {
    is_there().then(|| {
        let classpath = output(script().arg("classpath"));
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/java")
            .join(name);
        let mut java = Command::new("java");
        java.args(["-cp", classpath.trim()])
            .arg(program)
            .stdin(Stdio::null());
        output(java.args(arguments))
    })
}

/// A consumer of the paper's kind, which goes on until this is dropped.
pub(crate) struct OldConsumer(Child);

impl OldConsumer {
    /// Starts one that knows ZooKeeper only. `None` where Kafka cannot be had, as with [`tool`].
    pub(crate) fn start(zookeeper: &str, group: &str, arguments: &[&str]) -> Option<Self> {
        let group = format!("group.id={group}");
        let mut command = script();
        command.args([
            "run",
            "kafka.tools.ConsoleConsumer",
            "--zookeeper",
            zookeeper,
        ]);
        command
            .args(["--consumer-property", &group])
            .args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        is_there().then(|| Self(command.spawn().unwrap()))
    }
}

impl Drop for OldConsumer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_there() -> bool {
    let installed = script().arg("install").output().unwrap();
    if installed.status.success() {
        return true;
    }
    let required = std::env::var_os("KAFKALITE_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!required, "Apache Kafka 1.1.1 is needed: {installed:?}");
    eprintln!("skipped: Apache Kafka 1.1.1 cannot be had");
    false
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}
