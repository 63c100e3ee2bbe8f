//! Several brokers as one cluster, over a real ZooKeeper.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use kafkalite_broker::Broker;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::create_partitions::{CreatePartitionsRequest, CreatePartitionsTopic};
use kafkalite_wire::api::describe_cluster::DescribeClusterRequest;
use kafkalite_wire::api::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use kafkalite_wire::api::find_coordinator::FindCoordinatorRequest;
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use kafkalite_wire::api::metadata::{MetadataPartition, MetadataTopic};
use support::cluster::{Member, cluster, eventually, leaders, sees, started, topic_when};
use support::data::{batch, topic};
use support::groups::committing;
use support::zookeeper::{Place, ZooKeeper};
use support::{Client, config};

#[tokio::test(flavor = "multi_thread")]
async fn each_broker_tells_of_all() {
    let Some(place) = Place::new() else { return };
    let members: [Member; 3] = cluster(&place.address).await;
    for member in &members {
        sees(member, &[1, 2, 3]).await;
        let request = DescribeClusterRequest {
            endpoint_type: 1,
            ..Default::default()
        };
        let described = member.connect().await.ask(1, &request).await;
        assert_eq!(described.controller_id, 1, "who was first");
        let ports: Vec<i32> = described.brokers.iter().map(|broker| broker.port).collect();
        let own = members
            .iter()
            .map(|one| one.broker.as_ref().unwrap().address().port());
        assert_eq!(ports, own.map(i32::from).collect::<Vec<_>>());
        let first = members[0].broker.as_ref().unwrap();
        assert_eq!(described.cluster_id, first.cluster_id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_leaves_is_missed_and_another_becomes_the_controller() {
    let Some(place) = Place::new() else { return };
    let [mut one, two, three] = cluster(&place.address).await;
    sees(&three, &[1, 2, 3]).await;
    one.stop().await;
    sees(&two, &[2, 3]).await;
    let created = two
        .connect()
        .await
        .create_topics(vec![topic("t", 4, &[])])
        .await;
    assert_eq!(created[0].error_code, ErrorCode::None, "{created:?}");
    assert_eq!(
        leaders(&two.connect().await.describe("t").await),
        [2, 3, 2, 3]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_broker_that_is_there_is_refused_with_its_address() {
    let Some(place) = Place::new() else { return };
    let one = Member::start(1, &place.address).await;
    let dir = tempfile::tempdir().unwrap();
    let refused = started(1, dir.path(), &place.address).await.unwrap_err();
    let address = one.broker.as_ref().unwrap().address();
    let expected = format!("broker.id 1 is that of a broker which is there at {address}");
    assert!(refused.to_string().contains(&expected), "{refused}");
    assert!(!dir.path().join("meta.properties").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_another_cluster_is_refused() {
    let (Some(here), Some(elsewhere)) = (Place::new(), Place::new()) else {
        return;
    };
    let _one = Member::start(1, &here.address).await;
    let mut other = Member::start(2, &elsewhere.address).await;
    other.stop().await;
    let refused = started(2, other.dir.path(), &here.address)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("cluster.id"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_of_a_broker_that_was_alone_are_not_given_up() {
    let Some(place) = Place::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let alone = Broker::start(config(dir.path(), &[("broker.id", "1")]))
        .await
        .unwrap();
    Client::connect(&alone).await.create("kept", 1, &[]).await;
    alone.stop().await.unwrap();
    let refused = started(1, dir.path(), &place.address).await.unwrap_err();
    assert!(
        refused.to_string().contains("a broker that was alone"),
        "{refused}"
    );
    assert!(dir.path().join("kept-0").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_broker_ids_or_without_zookeeper_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        ("zookeeper.connect", "127.0.0.1:1"),
        ("zookeeper.session.timeout.ms", "300"),
    ];
    let refused = Broker::start(config(dir.path(), &settings))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("no broker.id"), "{refused}");
    let refused = started(1, dir.path(), "127.0.0.1:1").await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("no ZooKeeper answers at 127.0.0.1:1"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_spread_over_the_brokers_and_each_serves_its_own() {
    let Some(place) = Place::new() else { return };
    let members: [Member; 3] = cluster(&place.address).await;
    for member in &members {
        sees(member, &[1, 2, 3]).await;
    }
    let id = members[1].connect().await.create("clicks", 6, &[]).await;
    for member in &members {
        let told = topic_when(member, "clicks", |told| told.partitions.len() == 6).await;
        assert_eq!(
            (told.topic_id, leaders(&told)),
            (id, vec![1, 2, 3, 1, 2, 3])
        );
    }
    for (number, leader) in [(0, 0), (1, 1), (2, 2)] {
        for (at, member) in members.iter().enumerate() {
            let produced = eventually("an answer", || async {
                let mut client = member.connect().await;
                let answer = client.produce("clicks", number, batch(&["x"])).await;
                // The leader may not have heard of it yet.
                (at != leader || answer.error_code.is_none()).then_some(answer)
            })
            .await;
            if at == leader {
                assert_eq!(produced.error_code, ErrorCode::None);
                let read = member.connect().await.read_all("clicks", number, 0).await;
                assert_eq!(read, [(0, "x".to_owned())]);
            } else {
                assert_eq!(produced.error_code, ErrorCode::NotLeaderOrFollower);
                assert_eq!(produced.current_leader.leader_id, leader as i32 + 1);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_broker_grows_sets_and_deletes_topics() {
    let Some(place) = Place::new() else { return };
    let [one, two, three] = cluster(&place.address).await;
    for member in [&one, &two, &three] {
        sees(member, &[1, 2, 3]).await;
    }
    one.connect()
        .await
        .create("t", 1, &[("retention.ms", "1234")])
        .await;
    topic_when(&two, "t", |told| told.partitions.len() == 1).await;
    assert_eq!(retention(&two, "t").await, "1234");
    let request = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: "t".to_owned(),
            count: 4,
            assignments: None,
        }],
        ..Default::default()
    };
    let grown = two.connect().await.ask(3, &request).await;
    assert_eq!(grown.results[0].error_code, ErrorCode::None, "{grown:?}");
    let told = topic_when(&three, "t", |told| told.partitions.len() == 4).await;
    assert_eq!(leaders(&told), [1, 2, 3, 1]);

    set_retention(&three, "t", "99").await;
    eventually("the setting", || async {
        (retention(&one, "t").await == "99").then_some(())
    })
    .await;

    let deleted = three.connect().await.delete("t").await;
    assert_eq!(deleted.error_code, ErrorCode::None, "{deleted:?}");
    for member in [&one, &two, &three] {
        topic_when(member, "t", |told| {
            told.error_code == ErrorCode::UnknownTopicOrPartition
        })
        .await;
        eventually("files", || async { (!member.has("t")).then_some(()) }).await;
    }
    // Another one of the name has nothing of it.
    two.connect().await.create("t", 2, &[]).await;
    let told = topic_when(&one, "t", |told| told.error_code.is_none()).await;
    assert_eq!(leaders(&told), [1, 2]);
    assert_eq!(retention(&one, "t").await, "604800000");
    let again = three
        .connect()
        .await
        .create_topics(vec![topic("t", 1, &[])])
        .await;
    assert_eq!(again[0].error_code, ErrorCode::TopicAlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_two_brokers_are_asked_for_at_once_is_there_for_both_who_ask() {
    let Some(place) = Place::new() else { return };
    let [one, two] = cluster(&place.address).await;
    sees(&one, &[1, 2]).await;
    sees(&two, &[1, 2]).await;
    let (mut first, mut second) = (one.connect().await, two.connect().await);
    for number in 0..20 {
        let name = format!("t{number}");
        let asked = [name.as_str()];
        let (first, second) =
            tokio::join!(first.metadata(&asked, true), second.metadata(&asked, true));
        let (first, second) = (&first.topics[0], &second.topics[0]);
        assert_eq!(
            (first.error_code, second.error_code),
            (ErrorCode::None, ErrorCode::None),
            "{number}"
        );
        assert_eq!(
            (first.topic_id, leaders(first)),
            (second.topic_id, leaders(second))
        );
    }
}

async fn retention(member: &Member, name: &str) -> String {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: 2,
            resource_name: name.to_owned(),
            configuration_keys: Some(vec!["retention.ms".to_owned()]),
        }],
        ..Default::default()
    };
    let mut described = member.connect().await.ask(4, &request).await;
    let mut told = described.results.remove(0);
    assert_eq!(told.error_code, ErrorCode::None, "{told:?}");
    told.configs.remove(0).value.unwrap()
}

async fn set_retention(member: &Member, name: &str, value: &str) {
    let request = IncrementalAlterConfigsRequest {
        resources: vec![IncrementalAlterConfigsResource {
            resource_type: 2,
            resource_name: name.to_owned(),
            configs: vec![IncrementalAlterableConfig {
                name: "retention.ms".to_owned(),
                config_operation: 0,
                value: Some(value.to_owned()),
            }],
        }],
        ..Default::default()
    };
    let set = member.connect().await.ask(1, &request).await;
    assert_eq!(set.responses[0].error_code, ErrorCode::None, "{set:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_a_broker_that_goes_away_is_there_again_when_it_returns() {
    let Some(place) = Place::new() else { return };
    let [one, mut two] = cluster(&place.address).await;
    sees(&one, &[1, 2]).await;
    one.connect().await.create("t", 2, &[]).await;
    topic_when(&two, "t", |told| told.partitions.len() == 2).await;
    two.connect().await.put("t", 1, &["a", "b"]).await;
    let epoch = |told: &MetadataTopic| told.partitions[1].leader_epoch;
    let before = epoch(&one.connect().await.describe("t").await);
    two.stop().await;
    let is_led = |partition: &MetadataPartition| partition.error_code.is_none();
    let told = topic_when(&one, "t", |told| !is_led(&told.partitions[1])).await;
    assert_eq!(told.partitions[1].error_code, ErrorCode::LeaderNotAvailable);
    assert_eq!(leaders(&told), [1, -1]);
    one.connect().await.put("t", 0, &["goes on"]).await;

    two.start_again(&place.address).await;
    let told = topic_when(&one, "t", |told| is_led(&told.partitions[1])).await;
    assert_eq!(leaders(&told), [1, 2]);
    assert!(epoch(&told) > before, "{told:?}");
    topic_when(&two, "t", |told| is_led(&told.partitions[1])).await;
    let mut client = two.connect().await;
    assert_eq!(client.put("t", 1, &["c"]).await, 2);
    let values: Vec<_> = client
        .read_all("t", 1, 0)
        .await
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    assert_eq!(values, ["a", "b", "c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_deleted_meanwhile_does_not_come_back_with_its_broker() {
    let Some(place) = Place::new() else { return };
    let [one, mut two] = cluster(&place.address).await;
    sees(&one, &[1, 2]).await;
    one.connect().await.create("t", 2, &[]).await;
    topic_when(&two, "t", |told| told.partitions.len() == 2).await;
    two.connect().await.put("t", 1, &["old"]).await;
    two.stop().await;
    sees(&one, &[1]).await;
    assert_eq!(
        one.connect().await.delete("t").await.error_code,
        ErrorCode::None
    );
    two.start_again(&place.address).await;
    let told = two.connect().await.describe("t").await;
    assert_eq!(told.error_code, ErrorCode::UnknownTopicOrPartition);
    sees(&one, &[1, 2]).await;
    // Nor in the next topic of its name.
    two.connect().await.create("t", 2, &[]).await;
    topic_when(&two, "t", |told| leaders(told) == [1, 2]).await;
    assert_eq!(two.connect().await.put("t", 1, &["new"]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_spread_over_the_brokers_and_outlive_a_restart_of_theirs() {
    let Some(place) = Place::new() else { return };
    let mut members: [Member; 2] = cluster(&place.address).await;
    sees(&members[0], &[1, 2]).await;
    sees(&members[1], &[1, 2]).await;
    members[0].connect().await.create("t", 1, &[]).await;
    topic_when(&members[1], "t", |told| told.error_code.is_none()).await;
    let groups: Vec<String> = (0..12).map(|number| format!("group-{number}")).collect();
    let mut coordinators = BTreeMap::new();
    for group in &groups {
        let request = FindCoordinatorRequest {
            coordinator_keys: vec![group.clone()],
            ..Default::default()
        };
        let mut told = Vec::new();
        for member in &members {
            told.push(
                eventually("a coordinator", || async {
                    let answer = member.connect().await.ask(4, &request).await;
                    let found = &answer.coordinators[0];
                    found.error_code.is_none().then_some(found.node_id)
                })
                .await,
            );
        }
        assert_eq!(told[0], told[1], "{group}");
        coordinators.insert(group.clone(), told[0]);
    }
    let at = |id: i32| {
        groups
            .iter()
            .find(|group| coordinators[*group] == id)
            .unwrap()
    };
    let (first, second) = (at(1).clone(), at(2).clone());
    for (group, mine, other) in [(&first, 0, 1), (&second, 1, 0)] {
        let mut asked = members[other].connect().await;
        let refused = asked.commit(committing(group, "t", 0, 5, "")).await;
        assert_eq!(refused, ErrorCode::NotCoordinator);
        eventually("a commit", || async {
            let mut asked = members[mine].connect().await;
            let done = asked.commit(committing(group, "t", 0, 7, "")).await;
            done.is_none().then_some(())
        })
        .await;
    }
    members[1].stop().await;
    members[1].start_again(&place.address).await;
    let offset = eventually("the group", || async {
        let mut asked = members[1].connect().await;
        let known = asked.heartbeat(&second, "nobody", 1).await;
        if known == ErrorCode::NotCoordinator {
            return None;
        }
        Some(asked.committed(&second, "t", 0).await.committed_offset)
    })
    .await;
    assert_eq!(offset, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_producers_of_a_cluster_have_the_same_id() {
    let Some(place) = Place::new() else { return };
    let members: [Member; 2] = cluster(&place.address).await;
    let first = members[0].connect().await.producer_id().await;
    let second = members[1].connect().await.producer_id().await;
    assert_eq!((first, second), (0, 1000));
    assert_eq!(members[0].connect().await.producer_id().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_zookeeper_what_is_served_goes_on_and_changes_wait_for_it() {
    let Some(mut zookeeper) = ZooKeeper::start() else {
        return;
    };
    let [one, two] = cluster(&zookeeper.address()).await;
    sees(&one, &[1, 2]).await;
    sees(&two, &[1, 2]).await;
    one.connect().await.create("t", 2, &[]).await;
    topic_when(&two, "t", |told| told.error_code.is_none()).await;
    zookeeper.stop();
    let refused = one
        .connect()
        .await
        .create_topics(vec![topic("u", 1, &[])])
        .await;
    assert_eq!(
        refused[0].error_code,
        ErrorCode::BrokerNotAvailable,
        "{refused:?}"
    );
    // Longer than their sessions last.
    tokio::time::sleep(Duration::from_secs(3)).await;
    for (member, number) in [(&one, 0), (&two, 1)] {
        member.connect().await.put("t", number, &["x"]).await;
    }
    zookeeper.start_again();
    eventually("a topic", || async {
        let created = two
            .connect()
            .await
            .create_topics(vec![topic("v", 2, &[])])
            .await;
        created[0].error_code.is_none().then_some(())
    })
    .await;
    sees(&one, &[1, 2]).await;
    topic_when(&one, "t", |told| leaders(told) == [1, 2]).await;
    one.connect().await.put("t", 0, &["y"]).await;
    two.connect().await.put("t", 1, &["y"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zookeeper_that_has_lost_everything_takes_nothing_from_the_brokers() {
    let Some(mut zookeeper) = ZooKeeper::start() else {
        return;
    };
    let [one, mut two] = cluster(&zookeeper.address()).await;
    sees(&one, &[1, 2]).await;
    one.connect().await.create("t", 1, &[]).await;
    one.connect().await.put("t", 0, &["kept"]).await;
    two.stop().await;
    zookeeper.stop();
    zookeeper.forget();
    zookeeper.start_again();
    // If it began the cluster anew, the one that still runs would take the empty one for its own.
    let refused = started(2, two.dir.path(), &zookeeper.address()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("lost its data"), "{refused}");
    // Until it has found another session, and what that shows.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(one.connect().await.put("t", 0, &["too"]).await, 1);
    assert!(one.has("t"));
    let refused = one
        .connect()
        .await
        .create_topics(vec![topic("u", 1, &[])])
        .await;
    assert_eq!(
        refused[0].error_code,
        ErrorCode::BrokerNotAvailable,
        "{refused:?}"
    );
}
