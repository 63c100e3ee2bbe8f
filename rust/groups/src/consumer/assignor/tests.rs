use proptest::prelude::*;

use super::*;
use crate::consumer::places::Place;

fn topics(sizes: &[i32]) -> Vec<Topic> {
    let topic = |(index, &partitions)| Topic {
        id: Uuid::from_u128(index as u128 + 1),
        partitions,
    };
    sizes.iter().enumerate().map(topic).collect()
}

/// Has topics of these sizes assigned to members with these subscriptions, who had this.
fn assign(
    assignor: Assignor,
    sizes: &[i32],
    wanted: &[Vec<usize>],
    before: &[Places],
) -> Vec<Places> {
    let names: Vec<String> = (0..wanted.len())
        .map(|index| format!("m{index:03}"))
        .collect();
    let subscribers: Vec<Subscriber<'_>> = wanted
        .iter()
        .zip(before)
        .zip(&names)
        .map(|((topics, before), name)| Subscriber {
            rank: (false, name),
            topics: topics.clone(),
            before,
        })
        .collect();
    assignor.assign(&topics(sizes), &subscribers)
}

fn counts(given: &[Places]) -> Vec<usize> {
    given.iter().map(Places::len).collect()
}

fn kept(before: &[Places], after: &[Places]) -> usize {
    let both = |(before, after): (&Places, &Places)| before.intersection(after).count();
    before.iter().zip(after).map(both).sum()
}

#[test]
fn a_new_member_is_given_its_share_and_nothing_else_moves() {
    let one = assign(Assignor::Uniform, &[6], &[vec![0]], &[Places::new()]);
    assert_eq!(counts(&one), [6]);
    let before = [one[0].clone(), Places::new()];
    let two = assign(Assignor::Uniform, &[6], &[vec![0], vec![0]], &before);
    assert_eq!((counts(&two), kept(&before, &two)), (vec![3, 3], 3));
}

#[test]
fn what_a_member_leaves_behind_goes_to_the_others_who_keep_theirs() {
    let three = assign(
        Assignor::Uniform,
        &[9],
        &vec![vec![0]; 3],
        &vec![Places::new(); 3],
    );
    let before = &three[..2];
    let two = assign(Assignor::Uniform, &[9], &vec![vec![0]; 2], before);
    assert_eq!(kept(before, &two), 6);
    assert_eq!(counts(&two).iter().sum::<usize>(), 9);
}

#[test]
fn a_topic_that_one_alone_wants_is_its_own() {
    let wanted = [vec![0, 1], vec![0]];
    let given = assign(Assignor::Uniform, &[4, 2], &wanted, &vec![Places::new(); 2]);
    assert_eq!(counts(&given), [3, 3]);
}

#[test]
fn range_gives_neighbours_and_the_same_ones_of_topics_alike() {
    let given = assign(
        Assignor::Range,
        &[5, 5],
        &[vec![0, 1], vec![0, 1]],
        &vec![Places::new(); 2],
    );
    let numbers =
        |member: usize| -> Vec<i32> { given[member].iter().map(|place| place.1).collect() };
    assert_eq!(numbers(0), [0, 1, 2, 0, 1, 2]);
    assert_eq!(numbers(1), [3, 4, 3, 4]);
}

#[test]
fn nobody_is_given_nothing() {
    for assignor in [Assignor::Uniform, Assignor::Range] {
        assert!(assign(assignor, &[3], &[], &[]).is_empty());
        assert_eq!(
            counts(&assign(assignor, &[3], &[vec![]], &[Places::new()])),
            [0]
        );
        assert_eq!(
            counts(&assign(assignor, &[0], &[vec![0]], &[Places::new()])),
            [0]
        );
    }
}

#[test]
fn names_are_kafkas() {
    for assignor in [Assignor::Uniform, Assignor::Range] {
        assert_eq!(assignor.to_string().parse(), Ok(assignor));
    }
    assert_eq!("sticky".parse::<Assignor>(), Err(()));
}

/// Sizes of topics, and which of them each member wants.
fn any_group() -> impl Strategy<Value = (Vec<i32>, Vec<Vec<usize>>)> {
    proptest::collection::vec(0..12_i32, 1..6).prop_flat_map(|sizes| {
        let some =
            proptest::sample::subsequence((0..sizes.len()).collect::<Vec<_>>(), 0..=sizes.len());
        let wanted = proptest::collection::vec(some, 1..9);
        (Just(sizes), wanted)
    })
}

fn check_owners(sizes: &[i32], wanted: &[Vec<usize>], given: &[Places]) {
    let topics = topics(sizes);
    for (index, topic) in topics.iter().enumerate() {
        let is_wanted = wanted.iter().any(|topics| topics.contains(&index));
        for partition in 0..topic.partitions {
            let place: Place = (topic.id, partition);
            let owners: Vec<_> = (0..given.len())
                .filter(|&member| given[member].contains(&place))
                .collect();
            assert_eq!(owners.len(), usize::from(is_wanted), "{place:?}");
            assert!(owners.iter().all(|&owner| wanted[owner].contains(&index)));
        }
    }
    let all: i32 = sizes.iter().sum();
    assert!(counts(given).iter().sum::<usize>() <= all as usize);
}

/// No partition has an owner with two more than somebody else who wants it.
fn check_balance(sizes: &[i32], wanted: &[Vec<usize>], given: &[Places]) {
    let loads = counts(given);
    for (index, topic) in topics(sizes).iter().enumerate() {
        let wants = |member: &usize| wanted[*member].contains(&index);
        let least = (0..given.len())
            .filter(wants)
            .map(|member| loads[member])
            .min();
        let owns = |member: &usize| given[*member].iter().any(|place| place.0 == topic.id);
        for owner in (0..given.len()).filter(owns) {
            assert!(loads[owner] <= least.unwrap() + 1, "{loads:?}");
        }
    }
}

proptest! {
    #[test]
    fn every_partition_has_one_owner_who_wants_it((sizes, wanted) in any_group()) {
        let nothing = vec![Places::new(); wanted.len()];
        for assignor in [Assignor::Uniform, Assignor::Range] {
            check_owners(&sizes, &wanted, &assign(assignor, &sizes, &wanted, &nothing));
        }
    }

    #[test]
    fn uniform_is_balanced_and_moves_nothing_without_need(
        (sizes, wanted) in any_group(),
        (other_sizes, other_wanted) in any_group(),
    ) {
        let nothing = vec![Places::new(); other_wanted.len()];
        let mut before = assign(Assignor::Uniform, &other_sizes, &other_wanted, &nothing);
        before.resize(wanted.len(), Places::new());
        let given = assign(Assignor::Uniform, &sizes, &wanted, &before);
        check_owners(&sizes, &wanted, &given);
        check_balance(&sizes, &wanted, &given);
        // Asked again, nothing changes.
        prop_assert_eq!(assign(Assignor::Uniform, &sizes, &wanted, &given), given);
    }

    #[test]
    fn members_that_want_the_same_differ_by_one_at_most(sizes in proptest::collection::vec(0..20_i32, 1..5), members in 1..9_usize) {
        let wanted = vec![(0..sizes.len()).collect::<Vec<_>>(); members];
        let given = assign(Assignor::Uniform, &sizes, &wanted, &vec![Places::new(); members]);
        let counts = counts(&given);
        prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1);
    }
}
