//! A data directory has one owner, knows whose it is, and holds partitions only.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use kafkalite_log::LogError;
use kafkalite_log::PartitionName;
use kafkalite_log::datadir::{self, DataDir, Expected, remove_retired};
use kafkalite_names::ids;
use kafkalite_world::Dice;
use kafkalite_world::disk::os;

fn open(path: &Path) -> kafkalite_log::Result<DataDir> {
    DataDir::open(path, &Expected::default())
}

fn partition(topic: &str, number: i32) -> PartitionName {
    PartitionName::new(topic, number).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_directory_gets_an_identity_that_stays() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("deep/data");
    let first = open(&path).unwrap();
    let identity = first.identity().clone();
    assert_eq!(identity.node_id, 0);
    assert!(ids::from_text(&identity.cluster_id).is_some());
    let text = fs::read_to_string(path.join("meta.properties")).unwrap();
    let expected = format!(
        "version=1\ncluster.id={}\nnode.id=0\ndirectory.id={}\n",
        identity.cluster_id,
        ids::to_text(identity.directory_id)
    );
    assert_eq!(text, expected);
    drop(first);
    assert_eq!(open(&path).unwrap().identity(), &identity);
}

#[test]
fn what_is_configured_must_be_what_is_found() {
    let temp = tempfile::tempdir().unwrap();
    let expected = |node_id, cluster_id: &str| Expected {
        node_id: Some(node_id),
        cluster_id: Some(cluster_id.to_owned()),
    };
    let identity = DataDir::open(temp.path(), &expected(7, "ours"))
        .unwrap()
        .identity()
        .clone();
    assert_eq!(
        (identity.node_id, identity.cluster_id.as_str()),
        (7, "ours")
    );
    for (wrong, reason) in [
        (expected(8, "ours"), "node.id is 7 there, 8 here"),
        (
            expected(7, "theirs"),
            "cluster.id is ours there, theirs here",
        ),
    ] {
        let error = DataDir::open(temp.path(), &wrong).unwrap_err();
        assert!(matches!(error, LogError::ForeignDirectory { .. }));
        assert!(error.to_string().contains(reason), "{error}");
    }
    assert_eq!(open(temp.path()).unwrap().identity(), &identity);
}

#[test]
fn the_properties_of_apache_kafka_are_understood() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("meta.properties");
    let kraft = "#\n#Sat Nov 21 09:00:00 UTC 2026\ncluster.id=kZ0Xd5JPSDKZbmxYk3rXvQ\ndirectory.id=v-oXrGEhTcmuL3uzhgRvKg\n\
                 node.id=3\nversion=1\n";
    fs::write(&path, kraft).unwrap();
    let identity = open(temp.path()).unwrap().identity().clone();
    assert_eq!(
        (identity.node_id, identity.cluster_id.as_str()),
        (3, "kZ0Xd5JPSDKZbmxYk3rXvQ")
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), kraft);

    fs::write(&path, "#\nversion=0\nbroker.id=4\n").unwrap(); // ZooKeeper's time
    let identity = open(temp.path()).unwrap().identity().clone();
    assert_eq!(identity.node_id, 4);
    assert_eq!(open(temp.path()).unwrap().identity(), &identity);

    for (garbage, reason) in [
        ("version=2\n", "version 2"),
        ("version=1\nnode.id=0\n", "without cluster.id"),
        ("version=1\ncluster.id=x\nnode.id=zero\n", "line 3"),
        (
            "version=1\ncluster.id=x\nnode.id=0\ndirectory.id=??\n",
            "line 4",
        ),
        ("what is this", "line 1"),
    ] {
        fs::write(&path, garbage).unwrap();
        let error = open(temp.path()).unwrap_err();
        assert!(
            matches!(error, LogError::MalformedFile { .. }),
            "{garbage:?}: {error}"
        );
        assert!(error.to_string().contains(reason), "{garbage:?}: {error}");
    }
    fs::write(&path, b"\xff\xfe").unwrap();
    open(temp.path()).unwrap_err();
}

#[test]
fn a_second_broker_in_this_process_is_refused_until_the_first_is_gone() {
    let temp = tempfile::tempdir().unwrap();
    let first = open(temp.path()).unwrap();
    let error = open(
        &temp
            .path()
            .join("../")
            .join(temp.path().file_name().unwrap()),
    )
    .unwrap_err();
    assert!(matches!(error, LogError::DirectoryInUse { .. }));
    assert!(
        error.to_string().contains("another broker in this process"),
        "{error}"
    );
    drop(first);
    open(temp.path()).unwrap();
}

/// Also the child of the test below: this program again, told by the environment which directory to hold.
#[test]
fn a_second_broker_in_another_process_is_refused_and_the_first_named() {
    if let Some(path) = std::env::var_os("KAFKALITE_TEST_HOLD") {
        let _held = open(Path::new(&path)).unwrap();
        println!("held");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_second_broker_in_another_process_is_refused_and_the_first_named",
            "--nocapture",
        ])
        .env("KAFKALITE_TEST_HOLD", temp.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("held")));

    let error = open(temp.path()).unwrap_err();
    assert!(matches!(error, LogError::DirectoryInUse { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", child.id())),
        "{error}"
    );
    open(temp.path()).unwrap_err(); // the refusal has not taken the lock away from the child

    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!open(temp.path()).unwrap().was_clean());
}

#[test]
fn a_directory_that_cannot_be_written_says_so_and_what_to_do() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [
        file.join("data"),
        file,
        "/proc/kafkalite".into(),
        "/proc".into(),
    ] {
        let error = open(&path).unwrap_err();
        assert!(
            matches!(error, LogError::UnusableDirectory { .. }),
            "{path:?}: {error}"
        );
        let message = error.to_string();
        assert!(
            message.contains(path.to_str().unwrap()) && message.contains("choose a directory"),
            "{message}"
        );
    }
}

#[test]
fn clean_is_only_what_was_closed_so() {
    let temp = tempfile::tempdir().unwrap();
    let marker = temp.path().join(".kafka_cleanshutdown");
    let dir = open(temp.path()).unwrap();
    assert!(!dir.was_clean());
    dir.close_clean().unwrap();
    assert_eq!(
        fs::read_to_string(&marker).unwrap(),
        r#"{"version": 0, "brokerEpoch": -1}"#
    );
    let dir = open(temp.path()).unwrap();
    assert!(dir.was_clean());
    assert!(!marker.exists());
    drop(dir); // as a crash would
    assert!(!open(temp.path()).unwrap().was_clean());
}

#[test]
fn partitions_come_and_go() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path()).unwrap();
    let id = Dice::default().id();
    let path = dir.create_partition(&partition("clicks", 1), id).unwrap();
    assert_eq!(path, dir.path().join("clicks-1"));
    let metadata = fs::read_to_string(path.join("partition.metadata")).unwrap();
    assert_eq!(
        metadata,
        format!("version: 0\ntopic_id: {}", ids::to_text(id))
    );
    dir.create_partition(&partition("clicks", 0), id).unwrap();
    let again = dir
        .create_partition(&partition("clicks", 0), id)
        .unwrap_err();
    assert!(again.to_string().contains("cannot create"), "{again}");

    let listing = dir.list().unwrap();
    let found: Vec<_> = listing
        .partitions
        .iter()
        .map(|p| (p.partition.to_string(), p.topic_id))
        .collect();
    assert_eq!(
        found,
        [
            ("clicks-0".to_owned(), Some(id)),
            ("clicks-1".to_owned(), Some(id))
        ]
    );
    assert_eq!(listing.retired.len(), 0);

    let retired = dir.retire_partition(&partition("clicks", 1)).unwrap();
    assert!(!path.exists() && retired.join("partition.metadata").exists());
    dir.create_partition(&partition("clicks", 1), id).unwrap(); // the name is free at once
    assert_eq!(dir.list().unwrap().retired, std::slice::from_ref(&retired));
    remove_retired(&*os(), &retired).unwrap();
    remove_retired(&*os(), &retired).unwrap();
    assert_eq!(dir.list().unwrap().retired.len(), 0);
    dir.retire_partition(&partition("none", 0)).unwrap_err();
}

#[test]
fn the_longest_topic_name_can_be_created_and_retired() {
    let temp = tempfile::tempdir().unwrap();
    let dir = open(temp.path()).unwrap();
    let longest = partition(&"x".repeat(249), 99_999);
    dir.create_partition(&longest, Dice::default().id())
        .unwrap();
    let retired = dir.retire_partition(&longest).unwrap();
    assert_eq!(dir.list().unwrap().retired, [retired]);
}

#[test]
fn strange_directories_are_refused_by_name_and_others_use_is_passed_over() {
    let temp = tempfile::tempdir().unwrap();
    for passed_over in [
        "lost+found",
        ".ipynb_checkpoints",
        "__cluster_metadata-0",
        "a-0.0123-future",
        "a-1.0123-stray",
    ] {
        fs::create_dir(temp.path().join(passed_over)).unwrap();
    }
    fs::create_dir(temp.path().join("clicks-0")).unwrap();
    fs::create_dir(temp.path().join("clicks-1.abc-delete")).unwrap();
    fs::write(temp.path().join("some-file"), "").unwrap();
    let listing = datadir::list(&*os(), temp.path()).unwrap();
    assert_eq!(listing.partitions.len(), 1);
    assert_eq!(listing.partitions[0].topic_id, None);
    assert_eq!(listing.retired, [temp.path().join("clicks-1.abc-delete")]);

    let before = names(temp.path());
    for strange in [
        "photos",
        "clicks-x",
        "clicks-1.-delete",
        "a b-0",
        "x-delete",
        "clicks-07",
    ] {
        let path = temp.path().join(strange);
        fs::create_dir(&path).unwrap();
        let error = datadir::list(&*os(), temp.path()).unwrap_err();
        assert!(
            matches!(&error, LogError::StrangeDirectory { path: named } if *named == path),
            "{error}"
        );
        fs::remove_dir(path).unwrap();
    }
    assert_eq!(names(temp.path()), before);
}

#[test]
fn a_topic_id_that_makes_no_sense_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("partition.metadata");
    for nothing in ["", "\0\0\0"] {
        fs::write(&path, nothing).unwrap();
        assert_eq!(datadir::topic_id(&*os(), temp.path()).unwrap(), None);
    }
    for garbage in [
        "version: 1\ntopic_id: v-oXrGEhTcmuL3uzhgRvKg",
        "version: 0",
        "version: 0\ntopic_id: x",
        "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
        "version: 0\ntopic_id: v-oXrGEhTcmuL3uzhgRvKg\nmore",
    ] {
        fs::write(&path, garbage).unwrap();
        let error = datadir::topic_id(&*os(), temp.path()).unwrap_err();
        assert!(
            matches!(error, LogError::MalformedFile { .. }),
            "{garbage:?}: {error}"
        );
    }
    fs::write(&path, "version: 0\ntopic_id: v-oXrGEhTcmuL3uzhgRvKg\n").unwrap();
    assert_eq!(
        datadir::topic_id(&*os(), temp.path()).unwrap(),
        ids::from_text("v-oXrGEhTcmuL3uzhgRvKg")
    );
}
