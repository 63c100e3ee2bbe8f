//! The admin client's groups against both brokers. Groups with members are tried from Python, with other people's consumers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use kafkalite_client::{Admin, ErrorCode, TopicPartition};
use support::{Kafka, Kafkalite, Peer, admin, fresh, topic};

#[tokio::test(flavor = "multi_thread")]
async fn with_kafkalite() {
    let peer = Kafkalite::start().await;
    everything(&peer.bootstrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_apache_kafka() {
    let Some(peer) = Kafka::start() else { return };
    everything(&peer.bootstrap()).await;
}

async fn everything(bootstrap: &str) {
    let admin = admin(bootstrap);
    let topic = topic(bootstrap, "read-by-groups", 2).await;
    let group = fresh("group");
    let of = |partition| TopicPartition::new(&*topic, partition);
    assert!(admin.committed(&group).await.unwrap().is_empty());
    assert_eq!(unknown(&admin, &group).await, ErrorCode::GroupIdNotFound);

    let offsets = [(of(0), 3), (of(1), 5)];
    admin.alter_committed(&group, &offsets).await.unwrap();
    let committed = admin.committed(&group).await.unwrap();
    let found: Vec<_> = committed
        .iter()
        .map(|(of, at)| (of.clone(), at.offset))
        .collect();
    assert_eq!(found, offsets);

    let described = admin.describe_group(&group).await.unwrap();
    assert_eq!(
        (described.state.as_str(), described.kind.as_str()),
        ("Empty", "classic")
    );
    assert!(described.members.is_empty());
    let coordinator = format!(
        "{}:{}",
        described.coordinator.host, described.coordinator.port
    );
    assert_eq!(coordinator, bootstrap);
    for (states, kinds, listed) in [
        (vec![], vec![], true),
        (vec!["Empty".to_owned()], vec!["classic".to_owned()], true),
        (vec!["Stable".to_owned()], vec![], false),
        (vec![], vec!["consumer".to_owned()], false),
    ] {
        let groups = admin.groups(&states, &kinds).await.unwrap();
        let is_listed = groups.iter().any(|listing| listing.id == group);
        assert_eq!(is_listed, listed, "{states:?} {kinds:?}: {groups:?}");
    }

    admin.delete_committed(&group, &[of(0)]).await.unwrap();
    assert!(!admin.committed(&group).await.unwrap().contains_key(&of(0)));
    admin.delete_group(&group).await.unwrap();
    assert_eq!(unknown(&admin, &group).await, ErrorCode::GroupIdNotFound);
    let again = admin.delete_group(&group).await.unwrap_err();
    assert_eq!(again.code(), Some(ErrorCode::GroupIdNotFound));
}

async fn unknown(admin: &Admin, group: &str) -> ErrorCode {
    let error = admin.describe_group(group).await.unwrap_err();
    error.code().unwrap()
}
