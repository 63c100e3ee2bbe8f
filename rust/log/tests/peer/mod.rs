//! Apache Kafka, for tests that ask it. Where this machine cannot have it the test says so and ends; with
//! `KAFKALITE_REQUIRE_PEERS=1` in the environment it fails instead.

use std::path::Path;
use std::process::{Command, Stdio};

/// Exit code of the scripts for "this machine cannot have the peer", whose last line on stderr says why.
const UNAVAILABLE: i32 = 77;

/// One of the scripts of `tests/peers`.
pub(crate) fn script(name: &str) -> Command {
    let mut command = Command::new(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peers")).join(name),
    );
    // Whatever happens to this test, the peer ends with it.
    command.env("PEERS_OWNER", std::process::id().to_string());
    command.stdin(Stdio::null());
    command
}

/// Whether Apache Kafka can be had; prints the reason if not.
pub(crate) fn available() -> bool {
    let output = script("java-client").arg("install").output().unwrap();
    if output.status.success() {
        return true;
    }
    let reason = String::from_utf8_lossy(&output.stderr)
        .trim_end()
        .to_owned();
    let required = std::env::var_os("KAFKALITE_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(
        output.status.code() == Some(UNAVAILABLE) && !required,
        "Apache Kafka is needed: {reason}"
    );
    eprintln!("skipped: {reason}");
    false
}

/// Runs a script to its end and answers what it printed, errors last.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{printed}",
        output.status
    );
    printed
}
