//! Java's own assignors as judges, where Kafka's jars can be had.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::tests::{groups, with_what_they_got};
use super::*;

const CASES: usize = 200;

/// Members, the topics' partitions, and the assignor.
type Case = (ClassicAssignor, Vec<Member>, Counts);

fn line((assignor, members, counts): &Case) -> String {
    let joined = |texts: Vec<String>, separator: &str| texts.join(separator);
    let topics = counts
        .iter()
        .map(|(topic, count)| format!("{topic}:{count}"));
    let members = members.iter().map(|member| {
        let topics = member.topics.iter().map(ToString::to_string);
        let owned = member.owned.iter().map(ToString::to_string);
        format!(
            "{}:{}:{}:{}:{}",
            member.id,
            member.instance.as_deref().unwrap_or_default(),
            member.generation,
            joined(topics.collect(), "+"),
            joined(owned.collect(), "+")
        )
    });
    let (topics, members) = (
        joined(topics.collect(), ","),
        joined(members.collect(), ";"),
    );
    format!("{}|{topics}|{members}\n", assignor.name())
}

fn understood(line: &str) -> Division {
    let members = line.split(';').map(|member| {
        let (id, partitions) = member.split_once('=').unwrap();
        let partitions = partitions.split('+').filter(|text| !text.is_empty());
        let mut partitions: Vec<_> = partitions
            .map(|text| {
                let (topic, partition) = text.rsplit_once('-').unwrap();
                TopicPartition::new(topic, partition.parse().unwrap())
            })
            .collect();
        partitions.sort_unstable();
        (id.into(), partitions)
    });
    members.collect()
}

/// What Java answers; `None` without Java, unless `KAFKALITE_REQUIRE_PEERS=1` forbids that.
fn ask_java(cases: &[Case]) -> Option<Vec<Division>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let answer = || -> std::io::Result<String> {
        let kafka = here.join("../../tests/peers/kafka");
        let classpath = Command::new(kafka).arg("classpath").output()?;
        let mut java = Command::new("java")
            .arg("-cp")
            .arg(String::from_utf8_lossy(&classpath.stdout).trim())
            .arg(here.join("tests/java/Assignors.java"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdin = java.stdin.take().expect("asked for");
        let lines: String = cases.iter().map(line).collect();
        let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = java.wait_with_output()?;
        let _ = writer.join();
        String::from_utf8(output.stdout).map_err(std::io::Error::other)
    };
    let answers: Vec<_> = answer()
        .unwrap_or_default()
        .lines()
        .map(understood)
        .collect();
    if answers.len() == cases.len() {
        return Some(answers);
    }
    let required = std::env::var("KAFKALITE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "Java answered {} of {} cases",
        answers.len(),
        cases.len()
    );
    eprintln!("skipped: Java's assignors cannot be had");
    None
}

/// The less, the better balanced.
fn imbalance(division: &Division) -> usize {
    division.values().map(|mine| mine.len() * mine.len()).sum()
}

fn kept(members: &[Member], division: &Division) -> usize {
    let kept = members.iter().map(|member| {
        let mine = &division[&member.id];
        member.owned.iter().filter(|of| mine.contains(of)).count()
    });
    kept.sum()
}

#[test]
fn java_divides_alike() {
    let mut runner = TestRunner::deterministic();
    let mut cases = Vec::new();
    for number in 0..CASES {
        let (mut members, mut counts) = groups().new_tree(&mut runner).unwrap().current();
        if number % 2 == 0 {
            let topics = members[0].topics.clone();
            for member in &mut members {
                member.topics.clone_from(&topics);
            }
        }
        if number % 3 == 0 {
            let instance = |member: &Member| Some(format!("static-{}", member.id).into());
            members
                .iter_mut()
                .step_by(2)
                .for_each(|member| member.instance = instance(member));
        }
        // A leader asks for no others.
        counts.retain(|topic, _| members.iter().any(|member| member.topics.contains(topic)));
        cases.push((ClassicAssignor::Range, members.clone(), counts.clone()));
        cases.push((ClassicAssignor::RoundRobin, members.clone(), counts.clone()));
        cases.push((
            ClassicAssignor::CooperativeSticky,
            members.clone(),
            counts.clone(),
        ));
        // The others come after the first ones have divided everything among themselves.
        let first = &members[..members.len().div_ceil(2)];
        let division = divide(ClassicAssignor::CooperativeSticky, first, &counts);
        let later = with_what_they_got(&members, &division, 1);
        cases.push((ClassicAssignor::CooperativeSticky, later, counts));
    }
    let Some(answers) = ask_java(&cases) else {
        return;
    };
    for (case, mut java) in cases.iter().zip(answers) {
        let (assignor, members, counts) = case;
        let ours = divide(*assignor, members, counts);
        if *assignor == ClassicAssignor::CooperativeSticky {
            // The order in which what is free is given away may differ; how good the result is may not.
            assert!(
                imbalance(&ours) <= imbalance(&java),
                "{}{ours:?}\n{java:?}",
                line(case)
            );
            assert!(
                kept(members, &ours) >= kept(members, &java),
                "{}{ours:?}\n{java:?}",
                line(case)
            );
        } else {
            for mine in java.values_mut() {
                mine.sort_unstable();
            }
            assert_eq!(ours, java, "{}", line(case));
        }
    }
}
