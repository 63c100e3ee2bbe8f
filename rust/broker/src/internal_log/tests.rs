//! A topic as another keeper than groups would have it: a coordinator of transactions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kafkalite_log::datadir::{DataDir, Expected};
use kafkalite_world::World;

use super::*;
use crate::config::{BrokerConfig, Configs};
use crate::registry::Registry;

fn open(dir: &Path) -> InternalLog {
    let world = World::real();
    let configs = Configs::open(&BrokerConfig::new(), dir, &world.disk).unwrap();
    let data_dir = DataDir::open(dir, &Expected::default()).unwrap();
    let (registry, replicas) = Registry::open(data_dir, Arc::new(configs), world).unwrap();
    let topic = InternalTopic {
        name: "__transaction_state",
        partitions: 3,
        segment_bytes: 1 << 20,
    };
    InternalLog::new(topic, registry, replicas)
}

fn stored(log: &InternalLog) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let mut stored = BTreeMap::new();
    let apply = |key, value: Option<&[u8]>| {
        stored.remove(&key);
        stored.extend(value.map(|value| (key, text(value).unwrap())));
    };
    log.replay(text, apply).unwrap();
    stored
}

#[tokio::test]
async fn the_last_value_of_each_key_is_read_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    assert!(stored(&log).is_empty(), "there is no topic yet");
    log.ready().await.unwrap();
    log.ready().await.unwrap();
    for (owner, value) in [
        ("a", Some("1")),
        ("b", Some("1")),
        ("c", Some("1")),
        ("a", Some("2")),
        ("b", None),
    ] {
        let record = (owner.as_bytes(), value.map(str::as_bytes));
        let written = log.append(owner, [record]).unwrap();
        written.until_visible().await.unwrap();
        assert!(written.is_visible());
    }
    drop(log);
    let expected = [("a", "2"), ("c", "1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(stored(&open(dir.path())), BTreeMap::from(expected));
}

#[tokio::test]
async fn what_makes_no_sense_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.ready().await.unwrap();
    let records = [
        (&b"\xff"[..], Some(&b"1"[..])),
        (&b"a"[..], Some(&b"2"[..])),
    ];
    let written = log.append("a", records).unwrap();
    written.until_visible().await.unwrap();
    let expected = BTreeMap::from([("a".to_owned(), "2".to_owned())]);
    assert_eq!(stored(&log), expected);
}
