//! Kafka's checkpoint files: offsets of partitions, and leader epochs.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

use std::fs;

use kafkalite_log::LogError;
use kafkalite_log::PartitionName;
use kafkalite_log::checkpoint::{OffsetCheckpoint, Offsets};
use kafkalite_log::epochs::{EpochStart, LeaderEpochs};
use kafkalite_names::check_topic_name;
use kafkalite_world::disk;
use proptest::prelude::*;

fn checkpoint(content: &str) -> (tempfile::TempDir, OffsetCheckpoint) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("recovery-point-offset-checkpoint");
    fs::write(&path, content).unwrap();
    (dir, OffsetCheckpoint::at(path, &disk::os()))
}

fn partition(topic: &str, number: i32) -> PartitionName {
    PartitionName::new(topic, number).unwrap()
}

#[test]
fn the_text_is_that_of_kafka() {
    let (dir, file) = checkpoint("");
    assert_eq!(file.read().unwrap(), Offsets::new());
    let offsets = Offsets::from([(partition("b.c", 10), 7), (partition("a", 0), 1500)]);
    file.write(&offsets).unwrap();
    let text = fs::read_to_string(dir.path().join("recovery-point-offset-checkpoint")).unwrap();
    assert_eq!(text, "0\n2\na 0 1500\nb.c 10 7\n");
    assert_eq!(file.read().unwrap(), offsets);
}

#[test]
fn a_missing_file_has_no_offsets() {
    let dir = tempfile::tempdir().unwrap();
    let file = OffsetCheckpoint::at(dir.path().join("none"), &disk::os());
    assert_eq!(file.read().unwrap(), Offsets::new());
}

#[test]
fn what_is_no_checkpoint_is_an_error_that_names_file_and_line() {
    for (content, reason) in [
        ("1\n0\n", "line 1: version \"1\""),
        ("zero\n0\n", "line 1"),
        ("0\nmany\n", "line 2"),
        ("0\n-1\n", "line 2"),
        ("0\n1\nclicks 0\n", "line 3"),
        ("0\n2\nclicks 0 1\nclicks 0 1 2\n", "line 4"),
        ("0\n1\nclicks zero 1\n", "line 3"),
        ("0\n1\nclicks -1 1\n", "line 3"),
        ("0\n1\n../clicks 0 1\n", "line 3"),
        ("0\n1\nclicks 0 99999999999999999999\n", "line 3"),
        ("0\n2\nclicks 0 1\n", "1 entries where line 2 announces 2"),
        (
            "0\n18446744073709551615\n",
            "0 entries where line 2 announces",
        ),
        ("0\n0\nclicks 0 1\n", "1 entries where line 2 announces 0"),
    ] {
        let (_dir, file) = checkpoint(content);
        let error = file.read().unwrap_err();
        assert!(
            matches!(error, LogError::MalformedFile { .. }),
            "{content:?}: {error}"
        );
        let message = error.to_string();
        assert!(
            message.contains(reason) && message.contains("recovery-point"),
            "{content:?}: {message}"
        );
    }
}

#[test]
fn names_that_would_leave_the_directory_are_no_names() {
    for legal in [
        "a",
        "A.b_c-9",
        "__consumer_offsets",
        "...",
        "-",
        &"x".repeat(249),
    ] {
        assert_eq!(check_topic_name(legal), Ok(()), "{legal}");
        assert_eq!(
            PartitionName::from_dir_name(&format!("{legal}-3")),
            Ok(partition(legal, 3))
        );
    }
    for illegal in [
        "",
        ".",
        "..",
        "a/b",
        "a b",
        "../x",
        "é",
        "a\0",
        "a:b",
        &"x".repeat(250),
    ] {
        assert!(check_topic_name(illegal).is_err(), "{illegal}");
        assert!(PartitionName::new(illegal, 0).is_err(), "{illegal}");
    }
    for strange in [
        "clicks",
        "clicks-",
        "-1",
        "clicks-x",
        "clicks-01",
        "clicks-+1",
        "clicks--1x",
        "clicks-2147483648",
    ] {
        assert!(PartitionName::from_dir_name(strange).is_err(), "{strange}");
    }
    assert!(PartitionName::new("clicks", -1).is_err());
    assert_eq!(
        PartitionName::from_dir_name("clicks--1"),
        Ok(partition("clicks-", 1))
    );
}

proptest! {
    #[test]
    fn offsets_come_back(entries in prop::collection::btree_map(("[a-zA-Z0-9._-]{1,30}", 0..i32::MAX), any::<i64>(), 0..20)) {
        let offsets: Offsets = entries
            .into_iter()
            .filter_map(|((topic, number), offset)| Some((PartitionName::new(&topic, number).ok()?, offset)))
            .collect();
        let (_dir, file) = checkpoint("");
        file.write(&offsets).unwrap();
        prop_assert_eq!(file.read().unwrap(), offsets);
    }

    #[test]
    fn garbage_never_panics(content in "(0\n)?([0-9]{1,3}\n)?[ a-z0-9\n-]{0,60}") {
        let (dir, file) = checkpoint(&content);
        let _ = file.read();
        fs::write(dir.path().join("leader-epoch-checkpoint"), &content).unwrap();
        let _ = LeaderEpochs::load(&*disk::os(), dir.path());
    }
}

/// Epochs 2, 3 and 7 that began at 0, 100 and 250.
fn epochs() -> (tempfile::TempDir, LeaderEpochs) {
    let dir = tempfile::tempdir().unwrap();
    let mut epochs = LeaderEpochs::load(&*disk::os(), dir.path()).unwrap();
    for (epoch, offset) in [(2, 0), (2, 50), (3, 100), (7, 250), (7, 300), (-1, 310)] {
        epochs.assign(epoch, offset);
    }
    epochs.save(&*disk::os()).unwrap();
    (dir, epochs)
}

fn pairs(epochs: &LeaderEpochs) -> Vec<(i32, i64)> {
    epochs
        .entries()
        .iter()
        .map(|entry| (entry.epoch, entry.start_offset))
        .collect()
}

#[test]
fn epochs_are_written_as_kafka_does_and_read_back() {
    let (dir, epochs) = epochs();
    let text = fs::read_to_string(dir.path().join("leader-epoch-checkpoint")).unwrap();
    assert_eq!(text, "0\n3\n2 0\n3 100\n7 250\n");
    let loaded = LeaderEpochs::load(&*disk::os(), dir.path()).unwrap();
    assert_eq!(loaded.entries(), epochs.entries());
    assert_eq!(
        loaded.latest(),
        Some(EpochStart {
            epoch: 7,
            start_offset: 250
        })
    );

    for garbage in [
        "0\n1\n2\n",
        "0\n1\n2 3 4\n",
        "0\n1\n-2 3\n",
        "0\n1\n2 -3\n",
        "\u{0}\n",
    ] {
        fs::write(dir.path().join("leader-epoch-checkpoint"), garbage).unwrap();
        let error = LeaderEpochs::load(&*disk::os(), dir.path()).unwrap_err();
        assert!(
            matches!(error, LogError::MalformedFile { .. }),
            "{garbage:?}"
        );
    }
}

#[test]
fn an_epoch_ends_where_the_next_begins() {
    let (_dir, epochs) = epochs();
    for (epoch, end) in [
        (-1, None),
        (0, Some((0, 0))), // before all that is known: begin at the first
        (2, Some((2, 100))),
        (3, Some((3, 250))),
        (5, Some((3, 250))), // no leader of epoch 5 has written
        (7, Some((7, 400))),
        (8, None),
    ] {
        assert_eq!(epochs.end_offset_for(epoch, 400), end, "epoch {epoch}");
    }
    for (offset, epoch) in [
        (-1, None),
        (0, Some(2)),
        (99, Some(2)),
        (100, Some(3)),
        (9999, Some(7)),
    ] {
        assert_eq!(epochs.epoch_of(offset), epoch, "offset {offset}");
    }
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(LeaderEpochs::empty(dir.path()).end_offset_for(0, 0), None);
}

#[test]
fn a_cut_log_forgets_the_epochs_that_were_cut() {
    for (end, kept) in [
        (251, vec![(2, 0), (3, 100), (7, 250)]),
        (250, vec![(2, 0), (3, 100)]),
        (100, vec![(2, 0)]),
        (0, vec![]),
    ] {
        let (dir, mut epochs) = epochs();
        epochs.truncate_to(end);
        epochs.save(&*disk::os()).unwrap();
        assert_eq!(pairs(&epochs), kept, "cut to {end}");
        assert_eq!(
            pairs(&LeaderEpochs::load(&*disk::os(), dir.path()).unwrap()),
            kept,
            "cut to {end}, on disk"
        );
    }
}

#[test]
fn a_log_that_begins_later_keeps_the_epoch_in_force_there() {
    for (start, kept) in [
        (0, vec![(2, 0), (3, 100), (7, 250)]),
        (99, vec![(2, 99), (3, 100), (7, 250)]),
        (100, vec![(3, 100), (7, 250)]),
        (120, vec![(3, 120), (7, 250)]),
        (1000, vec![(7, 1000)]),
    ] {
        let (dir, mut epochs) = epochs();
        epochs.begin_at(start);
        epochs.save(&*disk::os()).unwrap();
        assert_eq!(pairs(&epochs), kept, "begin at {start}");
        assert_eq!(
            pairs(&LeaderEpochs::load(&*disk::os(), dir.path()).unwrap()),
            kept,
            "begin at {start}, on disk"
        );
    }
}

#[test]
fn an_epoch_that_contradicts_newer_entries_replaces_them() {
    for ((epoch, offset), expected) in [
        ((3, 90), vec![(2, 0), (3, 90)]),
        ((8, 250), vec![(2, 0), (3, 100), (8, 250)]),
        ((8, 100), vec![(2, 0), (8, 100)]),
        ((1, 300), vec![(1, 300)]),
        ((7, 200), vec![(2, 0), (3, 100), (7, 200)]),
    ] {
        let (_dir, mut epochs) = epochs();
        epochs.assign(epoch, offset);
        assert_eq!(pairs(&epochs), expected, "{epoch} at {offset}");
    }
}
