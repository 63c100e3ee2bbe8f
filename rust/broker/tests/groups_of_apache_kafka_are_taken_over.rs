//! What Apache Kafka 4.3 stored of groups is read as it meant it, in every compression: see `golden/fill.py`.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::path::Path;

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::describe_groups::DescribeGroupsRequest;
use kafkalite_wire::api::list_groups::ListGroupsRequest;
use support::groups::committing;
use support::{Client, config, copy};

#[tokio::test]
async fn groups_offsets_and_members_are_there_in_every_compression() {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let dir = tempfile::tempdir().unwrap();
        copy(
            &golden.join(format!("consumer-offsets-{codec}")),
            dir.path(),
        );
        let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
        let mut client = Client::connect(&broker).await;

        let listed = client.ask(5, &ListGroupsRequest::default()).await.groups;
        let listed: Vec<_> = listed
            .iter()
            .map(|group| (group.group_id.as_str(), group.group_state.as_str()))
            .collect();
        let expected = [
            ("members", "Stable"),
            ("simple", "Empty"),
            ("transactions", "Empty"),
        ];
        assert_eq!(listed, expected, "{codec}");

        for partition in 0..4 {
            let found = client.committed("simple", "t", partition).await;
            assert_eq!(found.committed_offset, 42, "{codec}");
            // confluent-kafka sends the end of its C string along, and gets it back.
            assert_eq!(
                found.metadata.unwrap(),
                "größer als nichts ".repeat(5) + "\0"
            );
        }
        for (partition, offset) in [(0, 100), (1, -1), (2, -1)] {
            let found = client.committed("transactions", "t", partition).await;
            assert_eq!(
                found.committed_offset, offset,
                "{codec}: only what was committed counts"
            );
        }
        assert_eq!(
            client.committed("members", "t", 3).await.committed_offset,
            7
        );

        let request = DescribeGroupsRequest {
            groups: vec!["members".to_owned()],
            ..Default::default()
        };
        let group = client.ask(6, &request).await.groups.remove(0);
        assert_eq!(
            (&*group.protocol_type, &*group.protocol_data),
            ("consumer", "range")
        );
        assert_eq!(group.members.len(), 2);
        let statics: Vec<_> = group
            .members
            .iter()
            .filter_map(|one| one.group_instance_id.as_deref())
            .collect();
        assert_eq!(statics, ["one"], "{codec}");
        // They go on as if nothing had happened; which generation it was stands in no answer, so some are tried.
        let id = &group.members[0].member_id;
        let mut found = 0;
        for generation in 1..10 {
            found +=
                i32::from(client.heartbeat("members", id, generation).await == ErrorCode::None);
        }
        let has_name = group.members[0].group_instance_id.is_some();
        assert_eq!(found, 1, "{codec}: {id} {has_name}");

        broker.stop().await.unwrap();
        let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
        let mut client = Client::connect(&broker).await;
        let kept = client.committed("simple", "t", 1).await;
        assert_eq!(kept.committed_offset, 42);
        // This one is another topic than Kafka's of that name.
        client.create("t", 4, &[]).await;
        assert_eq!(
            client
                .commit(committing("simple", "t", 0, 50, "ours"))
                .await,
            ErrorCode::None
        );
        broker.stop().await.unwrap();
        let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
        let mut client = Client::connect(&broker).await;
        for (partition, offset) in [(0, 50), (1, -1)] {
            let found = client.committed("simple", "t", partition).await;
            assert_eq!(found.committed_offset, offset, "{codec}");
        }
        broker.stop().await.unwrap();
    }
}
