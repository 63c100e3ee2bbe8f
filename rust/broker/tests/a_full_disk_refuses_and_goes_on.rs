//! A disk that becomes full: one that says so when the test wants it, for all files of the broker; and, for what only a real one
//! does to mapped files, a file system of 4 MB in a mount namespace of the broker's own, skipped where that is not allowed.

mod support;

use std::process::Command;
use std::sync::Arc;

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use kafkalite_wire::api::init_producer_id::InitProducerIdRequest;
use kafkalite_world::World;
use kafkalite_world::faults::{Fault, FaultyDisk};
use support::child::{ChildBroker, program};
use support::data::{batch, topic};
use support::groups::committing;
use support::{Client, config, start_in};

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

/// What changes the broker's own files: one outcome for each.
async fn change_everything(client: &mut Client, new: &str) -> Vec<(&'static str, ErrorCode)> {
    let altering = IncrementalAlterConfigsRequest {
        resources: vec![IncrementalAlterConfigsResource {
            resource_type: 2,
            resource_name: "t".to_owned(),
            configs: vec![IncrementalAlterableConfig {
                name: "retention.ms".to_owned(),
                config_operation: 0,
                value: Some("86400000".to_owned()),
            }],
        }],
        validate_only: false,
    };
    let growing = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: "grows".to_owned(),
            count: 2,
            assignments: None,
        }],
        ..Default::default()
    };
    let produced = client.produce("t", 0, batch(&[new])).await;
    let created = client.create_topics(vec![topic(new, 1, &[])]).await;
    let altered = client.ask(1, &altering).await;
    let grown = client.ask(2, &growing).await;
    let asked = client.ask(2, &InitProducerIdRequest::default()).await;
    vec![
        ("produce", produced.error_code),
        (
            "commit",
            client.commit(committing("g", "t", 0, 1, "")).await,
        ),
        ("create", created[0].error_code),
        ("alter", altered.responses[0].error_code),
        ("grow", grown.results[0].error_code),
        ("ids", asked.error_code),
    ]
}

#[tokio::test]
async fn a_broker_whose_disk_is_full_changes_nothing_until_there_is_room() {
    let disk = FaultyDisk::new();
    let world = World {
        disk: Arc::clone(&disk) as _,
        ..World::real()
    };
    let broker = start_in(world, &[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    client.create("grows", 1, &[]).await;
    client.put("t", 0, &["before"]).await;
    client.commit(committing("g", "t", 0, 0, "")).await;

    disk.inject(Fault::FullAfter(0));
    for (what, code) in change_everything(&mut client, "while").await {
        assert_ne!(code, ErrorCode::None, "{what}");
    }
    assert_eq!(client.read_all("t", 0, 0).await, [(0, "before".to_owned())]);
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, 0);
    assert_eq!(client.describe("grows").await.partitions.len(), 1);
    let created = client.describe("while").await;
    assert_eq!(created.error_code, ErrorCode::UnknownTopicOrPartition);

    disk.heal();
    for (what, code) in change_everything(&mut client, "after").await {
        assert_eq!(code, ErrorCode::None, "{what}");
    }
    broker.broker.stop().await.unwrap();
    let again = Broker::start(config(broker.dir.path(), &[])).await.unwrap();
    let mut client = Client::connect(&again).await;
    let kept = ["before", "after"].map(str::to_owned);
    assert_eq!(
        client.read_all("t", 0, 0).await,
        (0..).zip(kept).collect::<Vec<_>>()
    );
    assert_eq!(client.committed("g", "t", 0).await.committed_offset, 1);
    assert_eq!(client.describe("grows").await.partitions.len(), 2);
    assert_eq!(client.describe("after").await.error_code, ErrorCode::None);
}
