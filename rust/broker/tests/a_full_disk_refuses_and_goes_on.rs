//! A file system of 4 MB, in a mount namespace of the broker's own; skipped where that is not allowed.

mod support;

use std::process::Command;

use kafkalite_wire::ErrorCode;
use support::Client;
use support::child::{ChildBroker, program};
use support::data::{batch, topic};

/// A broker whose data directory is a small tmpfs.
fn start_small(dir: &std::path::Path) -> Option<ChildBroker> {
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=4m tmpfs \"$1\" && exec \"$0\" \"$1\"";
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command.arg(program()).arg(dir);
    ChildBroker::run(command)
}

#[tokio::test]
async fn what_was_acknowledged_stays_and_room_makes_it_work_again() {
    let dir = tempfile::tempdir().unwrap();
    let Some(broker) = start_small(dir.path()) else {
        eprintln!("skipped: no mount namespaces here");
        return;
    };
    let mut client = Client::connect_to(broker.address).await;
    client.create("ballast", 1, &[]).await;
    client.create("t", 1, &[]).await;
    let large = "x".repeat(100_000);
    for _ in 0..20 {
        client.put("ballast", 0, &[&large]).await;
    }

    let mut acknowledged = Vec::new();
    let refused = loop {
        let value = format!("{}-{large}", acknowledged.len());
        let produced = client.produce("t", 0, batch(&[&value])).await;
        if produced.error_code != ErrorCode::None {
            break produced;
        }
        acknowledged.push((produced.base_offset, value));
        assert!(acknowledged.len() < 60, "the disk never fills");
    };
    assert_eq!(refused.error_code, ErrorCode::KafkaStorageError);
    let message = refused.error_message.unwrap();
    assert!(message.contains("No space left"), "{message}");
    assert_eq!(client.read_all("t", 0, 0).await, acknowledged);

    // A topic cannot be created in full now, so it is not created at all.
    let created = client.create_topics(vec![topic("new", 50, &[])]).await;
    if created[0].error_code != ErrorCode::None {
        let described = client.describe("new").await;
        assert_eq!(described.error_code, ErrorCode::UnknownTopicOrPartition);
    }

    client.delete("ballast").await;
    let after = loop {
        let produced = client.produce("t", 0, batch(&["after"])).await;
        if produced.error_code == ErrorCode::None {
            break produced.base_offset;
        }
        // The files of a deleted topic go a little later.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    acknowledged.push((after, "after".to_owned()));
    assert_eq!(client.read_all("t", 0, 0).await, acknowledged);
    broker.stop();
}
