//! A leader that was demoted writes nothing more, whoever was on the way to the log; a follower takes what the leader has.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, LogConfig, LogError, Role};
use support::{CLIENT, batch, open};

fn in_epoch(leader_epoch: i32, origin: Origin) -> AppendOptions {
    AppendOptions {
        leader_epoch,
        origin,
        ..CLIENT
    }
}

#[test]
fn only_the_leader_of_the_present_epoch_takes_what_producers_send() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    let append = |epoch, origin| log.append(&batch(&[b"x"]), &in_epoch(epoch, origin));
    assert!(
        append(3, Origin::Client).is_ok(),
        "nobody has said who leads"
    );
    log.take_role(Role::Leader { epoch: 5 }).unwrap();
    assert_eq!(log.role(), Some(Role::Leader { epoch: 5 }));
    for origin in [Origin::Client, Origin::Coordinator] {
        assert!(append(5, origin).is_ok());
        for other in [4, 6] {
            assert!(matches!(
                append(other, origin),
                Err(LogError::NotLeader { .. })
            ));
        }
    }
    assert!(matches!(
        append(5, Origin::Replica),
        Err(LogError::NotLeader { .. })
    ));
    log.take_role(Role::Follower { epoch: 6 }).unwrap();
    let refused = append(5, Origin::Client).unwrap_err().to_string();
    assert!(
        refused.contains("follows the leader of epoch 6"),
        "{refused}"
    );
}

#[test]
fn news_of_a_role_that_come_late_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    log.take_role(Role::Follower { epoch: 6 }).unwrap();
    for late in [Role::Leader { epoch: 5 }, Role::Leader { epoch: 6 }] {
        assert!(matches!(
            log.take_role(late),
            Err(LogError::StaleRole { .. })
        ));
    }
    log.take_role(Role::Follower { epoch: 6 }).unwrap();
    assert_eq!(log.role(), Some(Role::Follower { epoch: 6 }));
    log.take_role(Role::Leader { epoch: 7 }).unwrap();
}

#[test]
fn nothing_is_appended_behind_a_change_of_role() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    log.take_role(Role::Leader { epoch: 0 }).unwrap();
    let refused = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let appenders: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while log
                        .append(&batch(&[b"x"]), &in_epoch(0, Origin::Client))
                        .is_ok()
                    {}
                    refused.store(true, Ordering::Release);
                })
            })
            .collect();
        while log.end_offset() < 100 {
            std::thread::yield_now();
        }
        log.take_role(Role::Follower { epoch: 1 }).unwrap();
        let end = log.end_offset();
        for appender in appenders {
            appender.join().unwrap();
        }
        assert_eq!(log.end_offset(), end);
    });
    assert!(refused.into_inner());
}

#[test]
fn no_role_is_of_an_epoch_before_the_logs_newest_or_before_all() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    let refused = |role| matches!(log.take_role(role), Err(LogError::StaleRole { .. }));
    assert!(refused(Role::Leader { epoch: -1 }));
    assert!(refused(Role::Follower { epoch: -1 }));
    log.append(&batch(&[b"x"]), &in_epoch(3, Origin::Client))
        .unwrap();
    assert!(refused(Role::Leader { epoch: 2 }));
    assert!(refused(Role::Follower { epoch: 2 }));
    assert_eq!(log.role(), None);
    log.take_role(Role::Leader { epoch: 3 }).unwrap();
}

#[test]
fn who_does_not_lead_opens_no_batch() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    log.take_role(Role::Follower { epoch: 1 }).unwrap();
    let mut unsound = batch(&[b"x"]);
    *unsound.last_mut().unwrap() ^= 1;
    let refused = log.append(&unsound, &in_epoch(1, Origin::Client));
    assert!(
        matches!(refused, Err(LogError::NotLeader { .. })),
        "its checksum was looked at: {refused:?}"
    );
}
