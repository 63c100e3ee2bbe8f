use proptest::prelude::*;

use super::*;

fn member(id: &str, topics: &[&str]) -> Member {
    Member {
        id: id.into(),
        topics: topics.iter().map(|&topic| topic.into()).collect(),
        generation: -1,
        ..Member::default()
    }
}

fn counts(topics: &[(&str, i32)]) -> Counts {
    let topics = topics.iter();
    topics
        .map(|&(topic, count)| (topic.into(), count))
        .collect()
}

/// What a member got, as `a0 b1`.
fn got(division: &Division, id: &str) -> String {
    let names = division[id].iter();
    let names: Vec<_> = names
        .map(|of| format!("{}{}", of.topic, of.partition))
        .collect();
    names.join(" ")
}

/// The members as they come to the next rebalance.
pub(super) fn with_what_they_got(
    members: &[Member],
    division: &Division,
    generation: i32,
) -> Vec<Member> {
    let members = members.iter().cloned();
    members
        .map(|member| Member {
            owned: division.get(&member.id).cloned().unwrap_or_default(),
            generation,
            ..member
        })
        .collect()
}

#[test]
fn range_gives_the_first_members_the_first_partitions_of_each_topic() {
    let members = [
        member("y", &["a", "b"]),
        member("x", &["a", "b"]),
        member("z", &["b"]),
    ];
    let division = divide(
        ClassicAssignor::Range,
        &members,
        &counts(&[("a", 3), ("b", 7)]),
    );
    assert_eq!(got(&division, "x"), "a0 a1 b0 b1 b2");
    assert_eq!(got(&division, "y"), "a2 b3 b4");
    assert_eq!(got(&division, "z"), "b5 b6");
}

#[test]
fn round_robin_deals_out_one_by_one_and_passes_over_who_does_not_want() {
    let members = [
        member("x", &["a", "b", "c"]),
        member("y", &["a", "b"]),
        member("z", &["a"]),
    ];
    let division = divide(
        ClassicAssignor::RoundRobin,
        &members,
        &counts(&[("a", 1), ("b", 2), ("c", 3)]),
    );
    assert_eq!(got(&division, "x"), "a0 b1 c0 c1 c2");
    assert_eq!(got(&division, "y"), "b0");
    assert_eq!(got(&division, "z"), "");
}

#[test]
fn static_members_come_first_and_by_name() {
    let named = |id: &str, instance: &str| Member {
        instance: Some(instance.into()),
        ..member(id, &["a"])
    };
    let members = [member("1", &["a"]), named("9", "p"), named("8", "q")];
    let division = divide(ClassicAssignor::Range, &members, &counts(&[("a", 3)]));
    assert_eq!(
        (
            got(&division, "9"),
            got(&division, "8"),
            got(&division, "1")
        ),
        ("a0".into(), "a1".into(), "a2".into())
    );
}

#[test]
fn a_partition_that_moves_is_nobodys_until_it_is_given_up() {
    let counts = counts(&[("a", 4)]);
    let alone = [member("x", &["a"])];
    let first = divide(ClassicAssignor::CooperativeSticky, &alone, &counts);
    assert_eq!(got(&first, "x"), "a0 a1 a2 a3");
    let mut both = with_what_they_got(&alone, &first, 1);
    both.push(member("y", &["a"]));
    let second = divide(ClassicAssignor::CooperativeSticky, &both, &counts);
    assert_eq!(
        (got(&second, "x").len(), got(&second, "y")),
        (5, String::new())
    );
    let both = with_what_they_got(&both, &second, 2);
    let third = divide(ClassicAssignor::CooperativeSticky, &both, &counts);
    assert_eq!(got(&third, "x"), got(&second, "x"), "what it kept it keeps");
    assert_eq!(got(&third, "y").len(), 5);
}

#[test]
fn of_two_that_say_they_have_it_the_later_generation_is_right() {
    let has = |id: &str, generation| Member {
        owned: vec![TopicPartition::new("a", 0)],
        generation,
        ..member(id, &["a"])
    };
    let counts = counts(&[("a", 1)]);
    let stale = divide(
        ClassicAssignor::CooperativeSticky,
        &[has("x", 3), has("y", 4)],
        &counts,
    );
    assert_eq!(
        (got(&stale, "x"), got(&stale, "y")),
        (String::new(), "a0".into())
    );
    let both = divide(
        ClassicAssignor::CooperativeSticky,
        &[has("x", 4), has("y", 4)],
        &counts,
    );
    assert_eq!(
        (got(&both, "x"), got(&both, "y")),
        (String::new(), String::new())
    );
}

prop_compose! {
    /// Up to 8 members with any subscriptions to 5 topics, one of which does not exist.
    pub(super) fn groups()(
        topics in proptest::collection::vec(0..9_i32, 4),
        wanted in proptest::collection::vec(0..32_u8, 1..9),
    ) -> (Vec<Member>, Counts) {
        let names = ["a", "b", "c", "d", "missing"];
        let counts = counts(&names.into_iter().zip(topics).collect::<Vec<_>>());
        let members = wanted.iter().enumerate().map(|(place, wanted)| {
            let topics = names.iter().enumerate().filter(|(bit, _)| wanted >> bit & 1 == 1);
            member(&format!("m{place}"), &topics.map(|(_, name)| *name).collect::<Vec<_>>())
        });
        (members.collect(), counts)
    }
}

fn assert_sound(members: &[Member], counts: &Counts, division: &Division) {
    assert_eq!(division.len(), members.len(), "everybody is told");
    let mut given = BTreeSet::new();
    for member in members {
        for of in &division[&member.id] {
            assert!(
                member.topics.contains(&of.topic),
                "{} did not want {of}",
                member.id
            );
            assert!(of.partition < counts[&of.topic]);
            assert!(given.insert(of.clone()), "{of} has two owners");
        }
    }
    let wanted = counts
        .iter()
        .filter(|(topic, _)| members.iter().any(|it| it.topics.contains(*topic)));
    assert_eq!(
        given.len(),
        wanted.map(|(_, count)| *count as usize).sum::<usize>(),
        "all are read"
    );
}

proptest! {
    #[test]
    fn every_partition_has_one_owner_who_wants_it((members, counts) in groups()) {
        for assignor in [ClassicAssignor::Range, ClassicAssignor::RoundRobin] {
            assert_sound(&members, &counts, &divide(assignor, &members, &counts));
        }
        assert_sound(&members, &counts, &sticky::divide(&members, &counts));
    }

    #[test]
    fn sticky_leaves_no_pair_between_which_a_partition_should_move((members, counts) in groups()) {
        let division = sticky::divide(&members, &counts);
        for of in division.values().flatten() {
            let owner = division.values().find(|all| all.contains(of)).unwrap();
            for other in members.iter().filter(|it| it.topics.contains(&of.topic)) {
                prop_assert!(owner.len() <= division[&other.id].len() + 1);
            }
        }
    }

    #[test]
    fn sticky_changes_nothing_that_is_balanced((members, counts) in groups()) {
        let division = sticky::divide(&members, &counts);
        let again = with_what_they_got(&members, &division, 1);
        prop_assert_eq!(&sticky::divide(&again, &counts), &division);
    }

    #[test]
    fn when_a_member_goes_sticky_moves_nothing_but_what_it_had((members, counts) in groups()) {
        // Where all want the same; else a departure may make a better balance possible.
        let topics = &members[0].topics;
        let members: Vec<_> = members.iter().map(|it| Member { topics: topics.clone(), ..it.clone() }).collect();
        let before = sticky::divide(&members, &counts);
        let rest = with_what_they_got(&members[1..], &before, 1);
        let after = sticky::divide(&rest, &counts);
        for member in &rest {
            prop_assert!(member.owned.iter().all(|of| after[&member.id].contains(of)));
        }
    }

    #[test]
    fn cooperative_members_never_share_and_end_with_everything((members, counts) in groups()) {
        let assignor = ClassicAssignor::CooperativeSticky;
        let alone = &members[..1];
        let first = with_what_they_got(alone, &divide(assignor, alone, &counts), 1);
        let mut all: Vec<_> = first.into_iter().chain(members[1..].iter().cloned()).collect();
        for generation in 2.. {
            let division = divide(assignor, &all, &counts);
            for member in &all {
                let others = all.iter().filter(|other| other.id != member.id);
                let theirs: Vec<_> = others.flat_map(|other| &division[&other.id]).collect();
                prop_assert!(member.owned.iter().all(|of| !theirs.contains(&of)), "still read by {}", member.id);
            }
            let given: usize = division.values().map(Vec::len).sum();
            let whole = sticky::divide(&all, &counts);
            all = with_what_they_got(&all, &division, generation);
            if given == whole.values().map(Vec::len).sum::<usize>() {
                assert_sound(&all, &counts, &division);
                break;
            }
            prop_assert!(generation < 8, "it goes on and on");
        }
    }
}
