//! Values as real brokers and consumers have written them, values of ours, and garbage.

use std::fmt::Debug;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::*;

fn read<T: Znode>(text: &str) -> T {
    T::parse("/node", text.as_bytes()).unwrap()
}

fn said<T: Znode + Debug>(text: &str) -> String {
    T::parse("/some/node", text.as_bytes())
        .unwrap_err()
        .to_string()
}

/// The same fields with the same values, in whatever order.
fn same(written: &[u8], expected: &str) {
    let value = |data: &[u8]| serde_json::from_slice::<Value>(data).unwrap();
    assert_eq!(value(written), value(expected.as_bytes()));
}

/// Reads what Kafka has written, and writes it as it was.
fn unchanged<T: Znode>(text: &str) -> T {
    let value: T = read(text);
    same(&value.write(), text);
    value
}

#[test]
fn what_kafka_1_1_1_has_written_is_read_and_written_as_it_was() {
    let broker: BrokerZnode = unchanged(
        r#"{"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://127.0.0.1:19192"],"jmx_port":-1,"host":"127.0.0.1","timestamp":"1795247811942","port":19192,"version":4}"#,
    );
    assert_eq!(
        (&*broker.endpoints[0].host, broker.endpoints[0].port),
        ("127.0.0.1", 19192)
    );
    let state: PartitionStateZnode =
        unchanged(r#"{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]}"#);
    assert_eq!((state.leader, state.in_sync), (Some(1), vec![1]));
    let id: ClusterIdZnode = unchanged(r#"{"version":"1","id":"ZdNJW5mNTeqOegn_jqduyA"}"#);
    assert_eq!(id.id, "ZdNJW5mNTeqOegn_jqduyA");
    let settings: SettingsZnode = unchanged(r#"{"version":1,"config":{}}"#);
    assert_eq!(settings, SettingsZnode::default());
    let consumer: ConsumerZnode = unchanged(
        r#"{"version":1,"subscription":{"old":1},"pattern":"white_list","timestamp":"1795247818813"}"#,
    );
    let pattern = "old".to_owned();
    assert_eq!(
        consumer.subscription,
        ConsumerSubscription::WhiteList {
            pattern,
            streams: 1
        }
    );
    let consumer: ConsumerZnode = unchanged(
        r#"{"version":1,"subscription":{"t10":2},"pattern":"static","timestamp":"1795905754252"}"#,
    );
    assert_eq!(
        consumer.subscription,
        ConsumerSubscription::Topics([("t10".to_owned(), 2)].into())
    );
    let controller: ControllerZnode =
        unchanged(r#"{"version":1,"brokerid":1,"timestamp":"1795247811993"}"#);
    assert_eq!(
        (controller.broker_id, controller.timestamp),
        (1, 1_795_247_811_993)
    );
    let ids: ProducerIdsZnode =
        unchanged(r#"{"version":1,"broker":1,"block_start":"0","block_end":"999"}"#);
    assert_eq!((ids.first, ids.last), (0, 999));
    let change: SettingsChangeZnode = unchanged(r#"{"version":2,"entity_path":"topics/old"}"#);
    assert_eq!(change.of, SettingsOf::Topic("old".into()));
}

#[test]
fn plain_values_are_written_as_they_were() {
    let plain = |data: Vec<u8>| String::from_utf8(data).unwrap();
    assert_eq!(plain(read::<OffsetZnode>("120").write()), "120");
    assert_eq!(read::<OffsetZnode>("-5"), OffsetZnode(-5));
    assert_eq!(plain(read::<ControllerEpochZnode>("1").write()), "1");
    let owner: OwnerZnode = read("g1_host-1795247818754-a893b7c7-0");
    assert_eq!(
        owner.0.consumer().as_str(),
        "g1_host-1795247818754-a893b7c7"
    );
    assert_eq!(plain(owner.write()), "g1_host-1795247818754-a893b7c7-0");
}

#[test]
fn what_kafka_3_9_1_has_written_is_read() {
    let broker: BrokerZnode = read(
        r#"{"features":{},"listener_security_protocol_map":{"IN":"PLAINTEXT","OUT":"SSL"},"endpoints":["IN://[::1]:9092","OUT://h:9093"],"jmx_port":-1,"port":9092,"host":"::1","version":5,"timestamp":"1795247811942","rack":"a"}"#,
    );
    let [inside, outside] = &broker.endpoints[..] else {
        panic!("{broker:?}")
    };
    assert_eq!(
        (&*inside.host, inside.port, &*inside.protocol),
        ("::1", 9092, "PLAINTEXT")
    );
    assert_eq!((&*outside.listener, &*outside.protocol), ("OUT", "SSL"));
    assert_eq!(broker.rack.as_deref(), Some("a"));
    let topic: TopicZnode = unchanged(
        r#"{"removing_replicas":{"1":[3]},"partitions":{"0":[1,2],"1":[3,2]},"topic_id":"v-oXrGEhTcmuL3uzhgRvKg","adding_replicas":{"1":[2]},"version":3}"#,
    );
    assert!(topic.id.is_some());
    assert_eq!(topic.partitions[&1].adding, [2]);
    let controller: ControllerZnode =
        read(r#"{"version":2,"brokerid":7,"timestamp":"1795247811993","kraftControllerEpoch":-1}"#);
    assert_eq!(controller.broker_id, 7);
}

#[test]
fn what_kafka_has_written_long_ago_is_read() {
    let broker: BrokerZnode = read(
        r#"{"jmx_port":9999,"timestamp":"1233345666","host":"localhost","version":1,"port":9092}"#,
    );
    assert_eq!(
        (&*broker.endpoints[0].host, broker.endpoints[0].port),
        ("localhost", 9092)
    );
    let topic: TopicZnode = read(r#"{"version":1,"partitions":{"2":[1],"1":[1],"3":[1],"0":[1]}}"#);
    assert_eq!(topic.id, None);
    assert_eq!(
        topic.partitions.keys().copied().collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    let change: SettingsChangeZnode =
        read(r#"{"version":1,"entity_type":"topics","entity_name":"old"}"#);
    assert_eq!(change.of, SettingsOf::Topic("old".into()));
}

#[test]
fn versions_and_fields_that_nobody_knows_are_not_looked_at() {
    let consumer: ConsumerZnode = read(
        r#"{"version":99,"new":[{}],"subscription":{"t":1},"pattern":"some_new_one","timestamp":17}"#,
    );
    assert_eq!(
        consumer.subscription,
        ConsumerSubscription::Topics([("t".to_owned(), 1)].into())
    );
    assert_eq!(consumer.timestamp, 17);
    let consumer: ConsumerZnode =
        read(r#"{"subscription":{"t":1},"pattern":"static","timestamp":{"at":"noon"}}"#);
    assert_eq!(consumer.timestamp, 0);
    for (path, of) in [
        ("brokers/1", SettingsOf::Broker(Some(1))),
        ("brokers/<default>", SettingsOf::Broker(None)),
        ("brokers/one", SettingsOf::Other("brokers/one".into())),
        (
            "users/u/clients/c",
            SettingsOf::Other("users/u/clients/c".into()),
        ),
    ] {
        let text = format!(r#"{{"version":2,"entity_path":"{path}"}}"#);
        assert_eq!(of.path(), format!("/config/{path}"));
        assert_eq!(unchanged::<SettingsChangeZnode>(&text).of, of);
    }
}

#[test]
fn a_partition_without_a_leader_is_written_as_kafkas() {
    let state: PartitionStateZnode =
        unchanged(r#"{"controller_epoch":3,"leader":-1,"version":1,"leader_epoch":7,"isr":[2]}"#);
    assert_eq!(state.leader, None);
}

#[test]
fn a_broker_without_a_plaintext_listener_has_no_old_address() {
    unchanged::<BrokerZnode>(
        r#"{"listener_security_protocol_map":{"SSL":"SSL"},"endpoints":["SSL://h:9093"],"jmx_port":-1,"host":null,"timestamp":"1","port":-1,"version":4}"#,
    );
}

#[test]
fn garbage_is_told_with_its_path_what_was_found_and_what_belongs_there() {
    assert_eq!(
        said::<ConsumerZnode>("abc"),
        "ZooKeeper's node /some/node holds \"abc\", which is not a consumer's subscription such as \
         {\"version\":1,\"subscription\":{\"topic\":1},\"pattern\":\"static\",\"timestamp\":\"1795905754252\"}: \
         expected value at line 1 column 1"
    );
    for (said, reason) in [
        (
            said::<ConsumerZnode>(r#"{"subscription":{"t":1}}"#),
            "missing field `pattern`",
        ),
        (
            said::<ConsumerZnode>(r#"{"subscription":{"t":0},"pattern":"static"}"#),
            "0 streams for \"t\"",
        ),
        (
            said::<ConsumerZnode>(r#"{"subscription":{"t":2000000000},"pattern":"static"}"#),
            "2000000000 streams",
        ),
        (
            said::<ConsumerZnode>(r#"{"subscription":{"t":-1},"pattern":"static"}"#),
            "invalid value",
        ),
        (
            said::<ConsumerZnode>(r#"{"subscription":{"a":1,"b":1},"pattern":"white_list"}"#),
            "this has 2",
        ),
        (
            said::<ConsumerZnode>(r#"{"subscription":{},"pattern":"black_list"}"#),
            "this has 0",
        ),
        (said::<OffsetZnode>("abc"), "holds \"abc\""),
        (said::<OffsetZnode>(""), "holds nothing"),
        (said::<OffsetZnode>("9223372036854775808"), "too large"),
        (
            said::<OwnerZnode>("somebody"),
            "the stream's number is missing",
        ),
        (
            said::<TopicZnode>(r#"{"partitions":{"-1":[1]}}"#),
            "-1 is no partition's number",
        ),
        (
            said::<TopicZnode>(r#"{"partitions":{"one":[1]}}"#),
            "invalid",
        ),
        (
            said::<TopicZnode>(r#"{"partitions":{"0":[1]},"topic_id":"?"}"#),
            "\"?\" is no topic's id",
        ),
        (said::<BrokerZnode>("{}"), "it names no address"),
        (
            said::<BrokerZnode>(r#"{"endpoints":["PLAINTEXT://h:0"]}"#),
            "\"PLAINTEXT://h:0\" is no address",
        ),
        (said::<PartitionStateZnode>("[]"), "/some/node"),
        (
            said::<SettingsChangeZnode>("{}"),
            "missing field `entity_path`",
        ),
        (
            said::<ProducerIdsZnode>(r#"{"broker":1,"block_start":"a","block_end":"b"}"#),
            "\"a\" is no producer's id",
        ),
        (said::<ControllerEpochZnode>("one"), "no number"),
    ] {
        assert!(said.contains(reason), "{said}");
    }
    let long = "x".repeat(1_000_000);
    assert!(said::<PartitionStateZnode>(&format!(r#"{{"leader":"{long}"}}"#)).len() < 600);
    let deep = "[".repeat(1_000_000);
    assert!(said::<SettingsZnode>(&deep).len() < 400);
}

#[test]
fn no_consumer_may_name_more_streams_than_a_group_can_sort() {
    let topics: Vec<_> = (0..101).map(|topic| format!("\"t{topic}\":1000")).collect();
    let text = format!(
        r#"{{"subscription":{{{}}},"pattern":"static"}}"#,
        topics.join(",")
    );
    assert!(said::<ConsumerZnode>(&text).contains("101000 streams for all topics"));
}

fn written_is_read<T: Znode + PartialEq + Debug>(value: &T) {
    assert_eq!(&T::parse("/node", &value.write()).unwrap(), value);
}

fn numbers() -> impl Strategy<Value = Vec<i32>> {
    vec(0..i32::MAX, 0..4)
}

prop_compose! {
    fn replicas()(replicas in numbers(), adding in numbers(), removing in numbers()) -> TopicReplicas {
        TopicReplicas { replicas, adding, removing }
    }
}

prop_compose! {
    fn endpoint()(listener in "[A-Z]{1,5}", protocol in "[A-Z_]{1,9}", host in "[a-z.:]{1,9}", port in 1..=u16::MAX) -> BrokerEndpoint {
        BrokerEndpoint { protocol: if listener.len() == 1 { "PLAINTEXT".into() } else { protocol }, listener, host, port }
    }
}

/// Listeners have one protocol each.
fn endpoints() -> impl Strategy<Value = Vec<BrokerEndpoint>> {
    vec(endpoint(), 1..4).prop_map(|mut endpoints| {
        for (number, endpoint) in endpoints.iter_mut().enumerate() {
            endpoint.listener.push_str(&"X".repeat(5 * number));
        }
        endpoints
    })
}

fn subscription() -> impl Strategy<Value = ConsumerSubscription> {
    let topics = btree_map(".*", 1..=1000_u32, 0..5).prop_map(ConsumerSubscription::Topics);
    let list = (".*", 1..=1000_u32, any::<bool>()).prop_map(|(pattern, streams, white)| {
        if white {
            ConsumerSubscription::WhiteList { pattern, streams }
        } else {
            ConsumerSubscription::BlackList { pattern, streams }
        }
    });
    prop_oneof![topics, list]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        endpoints in endpoints(),
        rack in proptest::option::of(".*"),
        (timestamp, number, large) in any::<(i64, i32, i64)>(),
        id in proptest::option::of(any::<u128>().prop_map(Uuid::from_u128)),
        partitions in btree_map(0..i32::MAX, replicas(), 0..5),
        leader in proptest::option::of(0..i32::MAX),
        in_sync in numbers(),
        subscription in subscription(),
        settings in btree_map(".*", ".*", 0..5),
        text in ".*",
        consumer in "[a-zà-ž0-9_.-]{3,9}",
        stream in any::<u32>(),
    ) {
        written_is_read(&BrokerZnode { endpoints, rack, timestamp });
        written_is_read(&TopicZnode { id, partitions });
        written_is_read(&PartitionStateZnode { leader, leader_epoch: number, in_sync, controller_epoch: number });
        written_is_read(&ControllerZnode { broker_id: number, timestamp });
        written_is_read(&ControllerEpochZnode(number));
        written_is_read(&ClusterIdZnode { id: text.clone() });
        written_is_read(&ProducerIdsZnode { broker_id: number, first: large, last: timestamp });
        written_is_read(&SettingsZnode { settings });
        written_is_read(&SettingsChangeZnode { of: SettingsOf::Topic(text) });
        written_is_read(&ConsumerZnode { subscription, timestamp });
        written_is_read(&OffsetZnode(large));
        written_is_read(&OwnerZnode(ConsumerId::new(&consumer).unwrap().thread(stream)));
    }

    #[test]
    fn no_data_are_too_strange_to_be_refused(data in vec(any::<u8>(), 0..200), text in r#"[{}\[\]",:0-9a-z\\ -]{0,60}"#) {
        for data in [&*data, text.as_bytes()] {
            let _ = BrokerZnode::parse("/x", data);
            let _ = TopicZnode::parse("/x", data);
            let _ = PartitionStateZnode::parse("/x", data);
            let _ = ControllerZnode::parse("/x", data);
            let _ = SettingsChangeZnode::parse("/x", data);
            let _ = ConsumerZnode::parse("/x", data);
            let _ = OffsetZnode::parse("/x", data);
            let _ = OwnerZnode::parse("/x", data);
        }
    }
}
