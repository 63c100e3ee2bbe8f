//! A process that is suspended for longer than its session lasts.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::server::{LONG, SHORT, Server, ensemble};

/// Where the suspended process finds ZooKeeper, which tells it that it is the one.
const ADDRESS: &str = "KAFKALITE_TEST_SUSPENDED";

/// Says how its lease is before and after it was suspended, and goes on in a new session.
#[allow(clippy::print_stdout)] // so the test hears of it
async fn suspended(address: &str) {
    let ensemble = ensemble(address, SHORT);
    let session = ensemble.connect().await.unwrap();
    session.register("/owner", b"").await.unwrap();
    let lease = session.lease();
    assert!(lease.holds());
    println!("\nholds");
    let mut last = Instant::now();
    while last.elapsed() < SHORT {
        last = Instant::now();
        sleep(Duration::from_millis(1)).await;
    }
    // The first that it does after it was suspended.
    println!("{}", if lease.holds() { "still holds" } else { "over" });
    session.ended().await;
    assert!(!lease.holds());
    let again = ensemble.connect().await.unwrap();
    again.register("/again", b"").await.unwrap();
    println!("again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_suspended_knows_at_once_that_it_owns_nothing() {
    if let Ok(address) = std::env::var(ADDRESS) {
        return suspended(&address).await;
    }
    let Some(server) = Server::start() else {
        return;
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("suspending::a_process_that_was_suspended_knows_at_once_that_it_owns_nothing")
        .env(ADDRESS, server.address())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let signal = |signal: &str| {
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    };
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    let known = ["holds", "still holds", "over", "again"];
    let mut said = said
        .map(Result::unwrap)
        .filter(|line| known.contains(&line.as_str()));
    assert_eq!(said.next().as_deref(), Some("holds"));

    let session = server.ensemble(LONG).connect().await.unwrap();
    signal("-STOP");
    let mut owner = session.watch_node("/owner");
    while owner.next().await.unwrap().is_some() {}
    session.register("/owner", b"another").await.unwrap();
    signal("-CONT");
    assert_eq!(said.collect::<Vec<_>>(), ["over", "again"]);
    assert!(child.wait().unwrap().success());
}
