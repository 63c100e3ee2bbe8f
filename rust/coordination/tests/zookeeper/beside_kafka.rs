//! What we write, read by Apache Kafka 1.1.1.

use std::collections::{BTreeMap, BTreeSet};

use kafkalite_coordination::assignment::{OwnershipStrategy, Topics, assign};
use kafkalite_coordination::registries::{
    BrokerEndpoint, BrokerZnode, ConsumerId, ConsumerSubscription, ConsumerZnode, GroupPaths,
    PartitionStateZnode, SettingsChangeZnode, SettingsOf, SettingsZnode, TopicReplicas, TopicZnode,
    Znode, paths,
};
use kafkalite_coordination::session::ZooKeeperSession;
use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::kafka;
use super::server::Place;

/// Groups that are compared for each set of topics.
const GROUPS: usize = 40;

type Members = BTreeMap<ConsumerId, ConsumerSubscription>;

fn subscription() -> impl Strategy<Value = ConsumerSubscription> {
    let pattern = || {
        prop_oneof![
            Just("a.*"),
            Just("[bc]1"),
            Just("(?!a).*"),
            Just("a1|b1"),
            Just(".*"),
            Just("none")
        ]
    };
    let streams = || prop_oneof![4 => 1..4_u32, 1 => 10..13_u32];
    prop_oneof![
        2 => btree_map("[a-e]1|missing", streams(), 1..4).prop_map(ConsumerSubscription::Topics),
        1 => (pattern(), streams()).prop_map(|(pattern, streams)| ConsumerSubscription::WhiteList { pattern: pattern.into(), streams }),
        1 => (pattern(), streams()).prop_map(|(pattern, streams)| ConsumerSubscription::BlackList { pattern: pattern.into(), streams }),
    ]
}

fn group() -> impl Strategy<Value = Members> {
    btree_map("[a-cA-C]-[0-9]{1,2}", subscription(), 1..6).prop_map(|members| {
        members
            .into_iter()
            .map(|(id, each)| (ConsumerId::new(&id).unwrap(), each))
            .collect()
    })
}

fn topic(partitions: i32) -> TopicZnode {
    let each = TopicReplicas {
        replicas: vec![1],
        ..TopicReplicas::default()
    };
    TopicZnode {
        id: Some(uuid::Uuid::from_u128(7)),
        partitions: (0..partitions)
            .map(|partition| (partition, each.clone()))
            .collect(),
    }
}

/// As the program of the old consumer's assignors prints it.
fn divided(group: &str, members: &Members, topics: &Topics) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for strategy in [OwnershipStrategy::Range, OwnershipStrategy::RoundRobin] {
        let assignment = assign(strategy, members, topics, true);
        assert!(assignment.misunderstood.is_empty());
        let owners = assignment.owners.iter();
        lines.extend(
            owners.map(|(partition, thread)| format!("{group} {strategy} {partition} {thread}")),
        );
    }
    lines
}

async fn register(session: &ZooKeeperSession, group: &GroupPaths, members: &Members) {
    for (id, subscription) in members {
        let consumer = ConsumerZnode {
            subscription: subscription.clone(),
            timestamp: 1,
        };
        session
            .register(&group.id(id), &consumer.write())
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_consumer_divides_every_group_as_we_do() {
    let mut runner = TestRunner::deterministic();
    for counts in [[3, 7, 0, 24, 1], [10, 12, 30, 2, 5]] {
        let Some(place) = Place::new() else { return };
        let session = place.session().await;
        let mut topics = Topics::new();
        let names = ["a1", "b1", "c1", "d1", "__consumer_offsets"];
        for (name, count) in names.into_iter().zip(counts) {
            session
                .create(&paths::topic(name), &topic(count).write())
                .await
                .unwrap();
            topics.insert(name.into(), (0..count).collect());
        }
        let mut expected = BTreeSet::new();
        for number in 0..GROUPS {
            let members = group().new_tree(&mut runner).unwrap().current();
            let group = GroupPaths::new(&format!("g{number}")).unwrap();
            register(&session, &group, &members).await;
            expected.extend(divided(&format!("g{number}"), &members, &topics));
        }
        let Some(said) = kafka::program("OldAssignors.java", &[place.address()]) else {
            return;
        };
        let found: BTreeSet<_> = said.lines().map(str::to_owned).collect();
        let differs: Vec<_> = found.symmetric_difference(&expected).take(20).collect();
        assert!(
            differs.is_empty() && expected.len() > 1000,
            "{} of {}: {differs:#?}",
            differs.len(),
            expected.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_old_consumers_register_is_understood_as_they_understand_it() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    for path in paths::PERSISTENT {
        session.ensure(path).await.unwrap();
    }
    let mut topics = Topics::new();
    for name in ["w1", "w2", "x", "secret", "t"] {
        session
            .create(&paths::topic(name), &topic(4).write())
            .await
            .unwrap();
        topics.insert(name.into(), (0..4).collect());
    }
    let subscriptions = [
        ["--whitelist", "w[0-9]+, x"],
        ["--blacklist", "(?!secret).*"],
        ["--topic", "t"],
        // It doubles what JSON does not take, and reads back another expression, which nothing matches.
        ["--whitelist", r"w\d"],
    ];
    let mut consumers = Vec::new();
    for list in subscriptions {
        let Some(consumer) = kafka::OldConsumer::start(place.address(), "g", &list) else {
            return;
        };
        consumers.push(consumer);
    }
    let group = GroupPaths::new("g").unwrap();
    let mut watch = session.watch_children(group.ids());
    let ids = loop {
        match watch.next().await.unwrap() {
            Some(ids) if ids.len() == subscriptions.len() => break ids,
            _ => {}
        }
    };
    let mut members = Members::new();
    for id in ids {
        let id = ConsumerId::new(&id).unwrap();
        let node = session.get(&group.id(&id)).await.unwrap().unwrap();
        members.insert(id, node.value::<ConsumerZnode>().unwrap().subscription);
    }
    let expected = divided("g", &members, &topics);
    assert_eq!(expected.len(), 2 * 5 * 4);
    let said = kafka::program("OldAssignors.java", &[place.address()]).unwrap();
    assert_eq!(
        said.lines().map(str::to_owned).collect::<BTreeSet<_>>(),
        expected
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kafkas_tools_describe_what_we_register() {
    let Some(place) = Place::new() else { return };
    let session = place.session().await;
    for path in paths::PERSISTENT {
        session.ensure(path).await.unwrap();
    }
    let endpoint = BrokerEndpoint {
        listener: "PLAINTEXT".into(),
        protocol: "PLAINTEXT".into(),
        host: "127.0.0.1".into(),
        port: 9092,
    };
    let broker = BrokerZnode {
        endpoints: vec![endpoint],
        rack: Some("north".into()),
        timestamp: 1,
    };
    session
        .register(&paths::broker(1), &broker.write())
        .await
        .unwrap();
    session
        .create(&paths::topic("clicks"), &topic(2).write())
        .await
        .unwrap();
    for partition in 0..2 {
        let state = PartitionStateZnode {
            leader: Some(1),
            leader_epoch: 4,
            in_sync: vec![1],
            controller_epoch: 1,
        };
        session
            .create(&paths::partition_state("clicks", partition), &state.write())
            .await
            .unwrap();
    }
    let settings = SettingsZnode {
        settings: [("retention.ms".to_owned(), "1000".to_owned())].into(),
    };
    session
        .create(
            &SettingsOf::Topic("clicks".into()).path(),
            &settings.write(),
        )
        .await
        .unwrap();

    let tool = "kafka.admin.TopicCommand";
    let Some(said) = kafka::tool(tool, &["--zookeeper", place.address(), "--describe"]) else {
        return;
    };
    assert!(
        said.contains(
            "Topic:clicks\tPartitionCount:2\tReplicationFactor:1\tConfigs:retention.ms=1000"
        ),
        "{said}"
    );
    assert!(
        said.contains("Topic: clicks\tPartition: 1\tLeader: 1\tReplicas: 1\tIsr: 1"),
        "{said}"
    );

    // It registers its own change, and so has to find whoever is to apply it.
    let tool = "kafka.admin.ConfigCommand";
    let entity = ["--entity-type", "topics", "--entity-name", "clicks"];
    let change = [
        "--zookeeper",
        place.address(),
        "--alter",
        "--add-config",
        "max.message.bytes=5000",
    ];
    kafka::tool(tool, &[&change[..], &entity].concat()).unwrap();
    let node = session
        .get(&SettingsOf::Topic("clicks".into()).path())
        .await
        .unwrap()
        .unwrap();
    let settings: SettingsZnode = node.value().unwrap();
    assert_eq!(settings.settings["max.message.bytes"], "5000");
    let changes = session
        .children(paths::SETTINGS_CHANGES)
        .await
        .unwrap()
        .unwrap();
    let path = format!("{}/{}", paths::SETTINGS_CHANGES, changes[0]);
    let change: SettingsChangeZnode = session.get(&path).await.unwrap().unwrap().value().unwrap();
    assert_eq!(change.of, SettingsOf::Topic("clicks".into()));

    // It finds the broker that we have registered, and places a topic there.
    let tool = "kafka.admin.TopicCommand";
    let made = [
        "--create",
        "--topic",
        "made",
        "--partitions",
        "3",
        "--replication-factor",
        "1",
    ];
    kafka::tool(
        tool,
        &[&["--zookeeper", place.address()][..], &made].concat(),
    )
    .unwrap();
    let node = session.get(&paths::topic("made")).await.unwrap().unwrap();
    assert_eq!(
        node.value::<TopicZnode>().unwrap().partitions,
        topic(3).partitions
    );
}
