//! Divisions as groups of the old consumer have made them, and what holds of all of them.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

type Members = BTreeMap<ConsumerId, ConsumerSubscription>;

fn topics(counts: &[(&str, i32)]) -> Topics {
    counts
        .iter()
        .map(|(topic, count)| ((*topic).into(), (0..*count).collect()))
        .collect()
}

fn named(topics: &[(&str, u32)]) -> ConsumerSubscription {
    let topics = topics
        .iter()
        .map(|(topic, streams)| ((*topic).to_owned(), *streams));
    ConsumerSubscription::Topics(topics.collect())
}

fn white(pattern: &str, streams: u32) -> ConsumerSubscription {
    ConsumerSubscription::WhiteList {
        pattern: pattern.to_owned(),
        streams,
    }
}

fn black(pattern: &str, streams: u32) -> ConsumerSubscription {
    ConsumerSubscription::BlackList {
        pattern: pattern.to_owned(),
        streams,
    }
}

fn members(all: &[(&str, ConsumerSubscription)]) -> Members {
    all.iter()
        .map(|(id, subscription)| (ConsumerId::new(id).unwrap(), subscription.clone()))
        .collect()
}

fn range(members: &Members, topics: &Topics) -> Owners {
    assign(OwnershipStrategy::Range, members, topics, true).owners
}

fn dealt(members: &Members, topics: &Topics) -> Owners {
    assign(OwnershipStrategy::RoundRobin, members, topics, true).owners
}

/// What each stream owns, as `topic-partition`, streams in their order.
fn by_thread(owners: &Owners) -> Vec<(String, String)> {
    let mut found: BTreeMap<ThreadId, Vec<String>> = BTreeMap::new();
    for (partition, thread) in owners {
        found
            .entry(thread.clone())
            .or_default()
            .push(partition.to_string());
    }
    found
        .into_iter()
        .map(|(thread, partitions)| (thread.to_string(), partitions.join(" ")))
        .collect()
}

fn sizes(owners: &Owners) -> Vec<usize> {
    by_thread(owners)
        .iter()
        .map(|(_, partitions)| partitions.split(' ').count())
        .collect()
}

#[test]
fn the_remainder_of_a_range_goes_to_the_first_one_each() {
    for (consumers, expected) in [
        (2, vec![5, 5]),
        (3, vec![4, 3, 3]),
        (4, vec![3, 3, 2, 2]),
        (5, vec![2; 5]),
    ] {
        let group: Vec<_> = ["a", "b", "c", "d", "e"][..consumers]
            .iter()
            .map(|id| (*id, named(&[("t10", 1)])))
            .collect();
        let owners = range(&members(&group), &topics(&[("t10", 10)]));
        assert_eq!(sizes(&owners), expected);
    }
}

#[test]
fn a_range_is_neighbours() {
    let group = members(&[("b", named(&[("t", 1)])), ("a", named(&[("t", 2)]))]);
    let owners = range(&group, &topics(&[("t", 5)]));
    let expected = [("a-0", "t-0 t-1"), ("a-1", "t-2 t-3"), ("b-0", "t-4")];
    assert_eq!(
        by_thread(&owners),
        expected.map(|(thread, all)| (thread.to_owned(), all.to_owned()))
    );
}

#[test]
fn twelve_streams_stand_in_the_order_of_texts() {
    let group = members(&[("c", named(&[("t24", 12)]))]);
    let owners = range(&group, &topics(&[("t24", 24)]));
    let order: Vec<_> = owners.values().map(ThreadId::stream).collect();
    let expected = [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9];
    assert_eq!(
        order,
        expected
            .into_iter()
            .flat_map(|stream| [stream; 2])
            .collect::<Vec<_>>()
    );
}

#[test]
fn who_comes_too_late_gets_nothing() {
    let group = members(&[("a", named(&[("t", 1)])), ("b", named(&[("t", 3)]))]);
    for owners in [
        range(&group, &topics(&[("t", 2)])),
        dealt(&group, &topics(&[("t", 2)])),
    ] {
        let threads: Vec<_> = owners.values().map(ToString::to_string).collect();
        assert_eq!(threads, ["a-0", "b-0"]);
    }
}

#[test]
fn partitions_are_dealt_in_the_order_of_javas_hash() {
    let group = members(&[
        ("a", named(&[("t24", 1)])),
        ("b", named(&[("t24", 1)])),
        ("c", named(&[("t24", 1)])),
    ]);
    let owners = dealt(&group, &topics(&[("t24", 24)]));
    let owner = |partition| owners[&TopicPartition::new("t24", partition)].to_string();
    // 10 to 23 come first, 0 goes on where they ended.
    assert_eq!(
        [owner(10), owner(11), owner(12), owner(13)],
        ["a-0", "b-0", "c-0", "a-0"]
    );
    assert_eq!([owner(23), owner(0), owner(1)], ["b-0", "c-0", "a-0"]);
}

#[test]
fn members_that_subscribe_differently_are_passed_over() {
    let group = members(&[
        ("m1", named(&[("ra", 2), ("rb", 2)])),
        ("m2", named(&[("ra", 1)])),
    ]);
    let owners = dealt(&group, &topics(&[("ra", 3), ("rb", 4)]));
    let order: Vec<_> = owners
        .iter()
        .map(|(partition, thread)| format!("{partition} {thread}"))
        .collect();
    assert_eq!(
        order,
        [
            "ra-0 m1-0",
            "ra-1 m1-1",
            "ra-2 m2-0",
            "rb-0 m1-0",
            "rb-1 m1-1",
            "rb-2 m1-0",
            "rb-3 m1-1"
        ]
    );
}

#[test]
fn a_topic_that_nobody_wants_or_that_is_not_there_has_no_owners() {
    let group = members(&[("a", named(&[("missing", 3)])), ("b", named(&[("t", 1)]))]);
    for owners in [
        range(&group, &topics(&[("t", 1), ("other", 1)])),
        dealt(&group, &topics(&[("t", 1), ("other", 1)])),
    ] {
        assert_eq!(by_thread(&owners), [("b-0".to_owned(), "t-0".to_owned())]);
    }
    assert!(dealt(&members(&[]), &topics(&[("t", 1)])).is_empty());
}

#[test]
fn lists_stand_for_the_topics_that_there_are() {
    let there = topics(&[("w1", 1), ("w2", 1), ("x", 1), ("__consumer_offsets", 1)]);
    let owned = |subscription: ConsumerSubscription, exclude_internal| {
        let group = members(&[("a", subscription)]);
        let assignment = assign(OwnershipStrategy::Range, &group, &there, exclude_internal);
        assert!(assignment.misunderstood.is_empty());
        let owned = assignment
            .owners
            .keys()
            .map(|partition| partition.topic.to_string());
        owned.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(owned(white("w.*", 1), true), "w1 w2");
    assert_eq!(owned(black("w.*", 1), true), "x");
    assert_eq!(owned(white(".*", 1), true), "w1 w2 x");
    assert_eq!(owned(white(".*", 1), false), "__consumer_offsets w1 w2 x");
    assert_eq!(
        owned(named(&[("__consumer_offsets", 1)]), true),
        "__consumer_offsets"
    );
}

#[test]
fn lists_and_names_share_a_topic() {
    let group = members(&[
        ("a", white("w.*", 2)),
        ("b", named(&[("w1", 1)])),
        ("c", black("w1", 1)),
    ]);
    let owners = range(&group, &topics(&[("w1", 3), ("w2", 3)]));
    let expected = [
        ("a-0", "w1-0 w2-0"),
        ("a-1", "w1-1 w2-1"),
        ("b-0", "w1-2"),
        ("c-0", "w2-2"),
    ];
    assert_eq!(
        by_thread(&owners),
        expected.map(|(thread, all)| (thread.to_owned(), all.to_owned()))
    );
}

#[test]
fn what_a_consumer_says_and_nobody_understands_takes_nothing_from_the_others() {
    let group = members(&[("a", white("(", 1)), ("b", named(&[("t", 1)]))]);
    let assignment = assign(OwnershipStrategy::Range, &group, &topics(&[("t", 2)]), true);
    assert_eq!(
        by_thread(&assignment.owners),
        [("b-0".to_owned(), "t-0 t-1".to_owned())]
    );
    let told: Vec<_> = assignment.misunderstood.into_keys().collect();
    assert_eq!(told, [ConsumerId::new("a").unwrap()]);
}

#[test]
fn partitions_need_not_be_numbered_without_gaps() {
    let group = members(&[("a", named(&[("t", 1)])), ("b", named(&[("t", 1)]))]);
    let owners = range(&group, &Topics::from([("t".into(), vec![1, 5, 9])]));
    let expected = [("a-0", "t-1 t-5"), ("b-0", "t-9")];
    assert_eq!(
        by_thread(&owners),
        expected.map(|(thread, all)| (thread.to_owned(), all.to_owned()))
    );
}

#[test]
fn a_strategy_goes_by_its_name() {
    assert_eq!("roundrobin".parse(), Ok(OwnershipStrategy::RoundRobin));
    assert_eq!(
        OwnershipStrategy::default().to_string().parse(),
        Ok(OwnershipStrategy::Range)
    );
    let said = "sticky"
        .parse::<OwnershipStrategy>()
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "partition.assignment.strategy=\"sticky\": a group over ZooKeeper divides by \"range\" or \"roundrobin\""
    );
}

fn subscription() -> impl Strategy<Value = ConsumerSubscription> {
    prop_oneof![
        btree_map("[a-e]", 1..4_u32, 1..4).prop_map(ConsumerSubscription::Topics),
        ("[a-e]{1,2}", 1..4_u32)
            .prop_map(|(letters, streams)| white(&format!("[{letters}]"), streams)),
        ("[a-e]{1,2}", 1..4_u32)
            .prop_map(|(letters, streams)| black(&format!("[{letters}]"), streams)),
    ]
}

fn wants(subscription: &ConsumerSubscription, topic: &str) -> u32 {
    let matches = |pattern: &str| TopicPattern::new(pattern).unwrap().matches(topic).unwrap();
    match subscription {
        ConsumerSubscription::Topics(topics) => topics.get(topic).copied().unwrap_or(0),
        ConsumerSubscription::WhiteList { pattern, streams } => {
            if matches(pattern) {
                *streams
            } else {
                0
            }
        }
        ConsumerSubscription::BlackList { pattern, streams } => {
            if matches(pattern) {
                0
            } else {
                *streams
            }
        }
    }
}

proptest! {
    #[test]
    fn each_partition_has_one_owner_which_wants_it_and_a_range_is_even(
        group in btree_map("[a-z]{1,3}", subscription(), 0..6),
        counts in btree_map("[a-e]", 0..30, 0..5),
        few in vec(any::<bool>(), 1),
    ) {
        let group: Members = group.into_iter().map(|(id, each)| (ConsumerId::new(&id).unwrap(), each)).collect();
        let there: Topics = counts.iter().map(|(topic, count)| (topic.as_str().into(), (0..*count).collect())).collect();
        let strategy = if few[0] { OwnershipStrategy::Range } else { OwnershipStrategy::RoundRobin };
        let owners = assign(strategy, &group, &there, true).owners;
        for (topic, partitions) in &there {
            let threads: u32 = group.values().map(|each| wants(each, topic)).sum();
            let of_topic = owners.iter().filter(|(each, _)| each.topic == *topic);
            let mut shares: BTreeMap<&ThreadId, usize> = BTreeMap::new();
            for (_, thread) in of_topic {
                prop_assert!(thread.stream() < wants(&group[&thread.consumer()], topic));
                *shares.entry(thread).or_default() += 1;
            }
            let owned: usize = shares.values().sum();
            prop_assert_eq!(owned, if threads == 0 { 0 } else { partitions.len() });
            if strategy == OwnershipStrategy::Range && threads > 0 {
                let each = partitions.len() / threads as usize;
                prop_assert!(shares.values().all(|share| *share == each || *share == each + 1));
            }
        }
    }
}
