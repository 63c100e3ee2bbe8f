use super::open::IDLE_MS;
use super::*;

fn wanted(partition: i32, offset: i64) -> Wanted {
    Wanted {
        topic: TopicKey::Name("t".into()),
        partition,
        offset,
        max_bytes: 1024,
        current_leader_epoch: -1,
    }
}

fn seen(high_watermark: i64, bytes: usize) -> ReadOutcome {
    ReadOutcome {
        failed: false,
        high_watermark,
        log_start_offset: 0,
        bytes,
    }
}

fn request(id: i32, epoch: i32) -> SessionRequest {
    SessionRequest {
        connection: 1,
        id,
        epoch,
        uses_topic_ids: false,
    }
}

fn partitions(fetch: &Fetch) -> Vec<i32> {
    fetch
        .wanted()
        .iter()
        .map(|wanted| wanted.partition)
        .collect()
}

/// Opens a session over the partitions 0..n whose logs are empty.
fn open(sessions: &FetchSessions, n: i32, now_ms: i64) -> i32 {
    let fetch = sessions
        .begin(
            request(0, 0),
            (0..n).map(|p| wanted(p, 0)).collect(),
            &[],
            now_ms,
        )
        .unwrap();
    fetch
        .finish(sessions, &vec![seen(0, 0); n as usize], now_ms)
        .unwrap()
        .session_id
}

#[test]
fn a_full_fetch_opens_a_session_and_the_next_names_only_what_changed() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let id = open(&sessions, 3, 0);
    assert_ne!(id, NO_SESSION);

    let fetch = sessions.begin(request(id, 1), vec![], &[], 0).unwrap();
    assert_eq!(partitions(&fetch), [0, 1, 2]);
    let answer = fetch
        .finish(&sessions, &[seen(0, 0), seen(5, 100), seen(0, 0)], 0)
        .unwrap();
    assert_eq!(
        (answer.session_id, &answer.included[..]),
        (id, &[false, true, false][..])
    );

    // The watermark alone is news once; the client's own progress is not.
    let fetch = sessions
        .begin(request(id, 2), vec![wanted(1, 5)], &[], 0)
        .unwrap();
    assert_eq!(
        partitions(&fetch),
        [0, 2, 1],
        "the one that gave records waits for its next turn"
    );
    let answer = fetch
        .finish(&sessions, &[seen(7, 0), seen(0, 0), seen(5, 0)], 0)
        .unwrap();
    assert_eq!(answer.included, [true, false, false]);
}

#[test]
fn an_error_is_told_every_time_and_so_is_its_end() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let id = open(&sessions, 1, 0);
    let failed = ReadOutcome {
        failed: true,
        high_watermark: -1,
        log_start_offset: -1,
        bytes: 0,
    };
    for (epoch, outcome, told) in [
        (1, failed, true),
        (2, failed, true),
        (3, seen(0, 0), true),
        (4, seen(0, 0), false),
    ] {
        let fetch = sessions.begin(request(id, epoch), vec![], &[], 0).unwrap();
        assert_eq!(
            fetch.finish(&sessions, &[outcome], 0).unwrap().included,
            [told],
            "epoch {epoch}"
        );
    }
}

#[test]
fn partitions_are_added_changed_and_forgotten() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let id = open(&sessions, 2, 0);
    let forgotten = [
        (TopicKey::Name("t".into()), 0),
        (TopicKey::Name("other".into()), 0),
    ];
    let fetch = sessions
        .begin(
            request(id, 1),
            vec![wanted(1, 9), wanted(5, 3)],
            &forgotten,
            0,
        )
        .unwrap();
    assert_eq!(fetch.wanted(), [wanted(1, 9), wanted(5, 3)]);
    let answer = fetch
        .finish(&sessions, &[seen(0, 0), seen(0, 0)], 0)
        .unwrap();
    assert_eq!(
        answer.included,
        [false, true],
        "a new partition is always told"
    );
}

#[test]
fn a_session_without_partitions_is_closed() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let id = open(&sessions, 1, 0);
    let fetch = sessions
        .begin(
            request(id, 1),
            vec![],
            &[(TopicKey::Name("t".into()), 0)],
            0,
        )
        .unwrap();
    assert!(fetch.wanted().is_empty());
    assert_eq!(
        fetch.finish(&sessions, &[], 0).unwrap().session_id,
        NO_SESSION
    );
    assert_eq!(
        sessions.begin(request(id, 2), vec![], &[], 0).unwrap_err(),
        SessionError::NotFound
    );
}

#[test]
fn wrong_epochs_unknown_ids_and_mixed_topic_ids_are_refused() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let id = open(&sessions, 1, 0);
    let begin = |request, wanted| sessions.begin(request, wanted, &[], 0).map(|_| ());
    assert_eq!(begin(request(id, 2), vec![]), Err(SessionError::WrongEpoch));
    assert_eq!(
        begin(request(id ^ 1, 1), vec![]),
        Err(SessionError::NotFound)
    );
    assert_eq!(begin(request(0, 1), vec![]), Err(SessionError::NotFound));
    let by_id = SessionRequest {
        uses_topic_ids: true,
        ..request(id, 1)
    };
    assert_eq!(
        begin(by_id, vec![wanted(0, 0)]),
        Err(SessionError::TopicIds)
    );
    assert_eq!(
        begin(request(id, 1), vec![]),
        Ok(()),
        "a refused request leaves the session as it was"
    );
}

#[test]
fn an_answer_overtaken_by_another_request_is_refused() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let id = open(&sessions, 1, 0);
    let slow = sessions.begin(request(id, 1), vec![], &[], 0).unwrap();
    let fast = sessions.begin(request(id, 2), vec![], &[], 0).unwrap();
    assert!(fast.finish(&sessions, &[seen(1, 1)], 0).is_ok());
    assert_eq!(
        slow.finish(&sessions, &[seen(1, 1)], 0),
        Err(SessionError::WrongEpoch)
    );
}

#[test]
fn a_full_fetch_closes_the_session_it_names() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    for epoch in [0, -1] {
        let id = open(&sessions, 1, 0);
        sessions
            .begin(request(id, epoch), vec![wanted(0, 0)], &[], 0)
            .unwrap();
        assert_eq!(
            sessions.begin(request(id, 1), vec![], &[], 0).unwrap_err(),
            SessionError::NotFound
        );
    }
    assert_eq!(sessions.count(), 0);
}

#[test]
fn epoch_minus_one_opens_no_session() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let fetch = sessions
        .begin(request(0, -1), vec![wanted(0, 0)], &[], 0)
        .unwrap();
    let answer = fetch.finish(&sessions, &[seen(0, 0)], 0).unwrap();
    assert_eq!(
        (answer.session_id, &answer.included[..]),
        (NO_SESSION, &[true][..])
    );
}

#[test]
fn slots_go_to_newcomers_only_from_idle_or_smaller_old_sessions() {
    let sessions = FetchSessions::new(2, Rng::with_seed(1));
    let small = open(&sessions, 1, 0);
    let large = open(&sessions, 5, 1);
    assert_eq!(
        open(&sessions, 9, 2),
        NO_SESSION,
        "both are in use and young"
    );

    // Both used recently and old enough: the smaller one goes, but only to a larger one.
    let later = IDLE_MS + 2;
    for id in [small, large] {
        sessions.begin(request(id, 1), vec![], &[], later).unwrap();
    }
    assert_eq!(open(&sessions, 1, later), NO_SESSION);
    let larger = open(&sessions, 2, later);
    assert_ne!(larger, NO_SESSION);
    assert_eq!(
        sessions
            .begin(request(small, 2), vec![], &[], later)
            .unwrap_err(),
        SessionError::NotFound
    );

    // Idle ones go to anybody, the longest idle first.
    sessions
        .begin(request(larger, 1), vec![], &[], later + 10)
        .unwrap();
    assert_ne!(open(&sessions, 1, later + IDLE_MS + 5), NO_SESSION);
    assert_eq!(
        sessions
            .begin(request(large, 2), vec![], &[], later)
            .unwrap_err(),
        SessionError::NotFound
    );
    assert_eq!(sessions.count(), 2);
}

#[test]
fn no_slots_means_no_sessions() {
    assert_eq!(
        open(&FetchSessions::new(0, Rng::with_seed(1)), 1, 0),
        NO_SESSION
    );
}

#[test]
fn a_partition_named_twice_is_followed_once() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let fetch = sessions
        .begin(request(0, 0), vec![wanted(0, 0), wanted(0, 4)], &[], 0)
        .unwrap();
    let id = fetch
        .finish(&sessions, &[seen(0, 0), seen(0, 0)], 0)
        .unwrap()
        .session_id;
    let fetch = sessions.begin(request(id, 1), vec![], &[], 0).unwrap();
    assert_eq!(fetch.wanted(), [wanted(0, 4)]);
}

#[test]
fn sessions_do_not_grow_beyond_what_all_may_follow() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let half = MOST_PARTITIONS as i32 / 2;
    let id = open(&sessions, half, 0);
    assert_ne!(id, NO_SESSION);
    assert_eq!(open(&sessions, half + 1, 0), NO_SESSION);

    let more = (half..=2 * half).map(|partition| wanted(partition, 0));
    assert_eq!(
        sessions
            .begin(request(id, 1), more.collect(), &[], 0)
            .unwrap_err(),
        SessionError::NotFound
    );
    assert_eq!(sessions.count(), 0, "it is closed");
    assert_ne!(open(&sessions, half + 1, 0), NO_SESSION);
}

#[test]
fn what_all_sessions_follow_is_counted_through_every_change() {
    let sessions = FetchSessions::new(2, Rng::with_seed(1));
    let followed = || sessions.open.lock().followed;
    let id = open(&sessions, 3, 0);
    open(&sessions, 2, 0);
    assert_eq!(followed(), 5);
    let forgotten = [(TopicKey::Name("t".into()), 0)];
    for (epoch, wanted, forgotten, expected) in [
        (1, vec![wanted(7, 0), wanted(8, 0)], &[][..], 7),
        (2, vec![], &forgotten, 6),
        (3, vec![wanted(7, 5)], &[], 6),
    ] {
        sessions
            .begin(request(id, epoch), wanted, forgotten, 0)
            .unwrap();
        assert_eq!(followed(), expected, "epoch {epoch}");
    }
    // One gives its slot to another, one is closed, the last goes with its connection.
    let later = 2 * IDLE_MS;
    sessions.begin(request(id, 4), vec![], &[], later).unwrap();
    open(&sessions, 9, later);
    assert_eq!(followed(), 4 + 9);
    sessions.begin(request(id, -1), vec![], &[], later).unwrap();
    assert_eq!(followed(), 9);
    sessions.connection_closed(1);
    assert_eq!((followed(), sessions.count()), (0, 0));
}

#[test]
fn a_session_goes_with_the_connection_that_used_it_last() {
    let sessions = FetchSessions::new(10, Rng::with_seed(1));
    let id = open(&sessions, 1, 0);
    let other = SessionRequest {
        connection: 2,
        ..request(id, 1)
    };
    sessions.begin(other, vec![], &[], 0).unwrap();
    sessions.connection_closed(1);
    assert_eq!(sessions.count(), 1, "it has moved to another one");
    sessions.connection_closed(2);
    assert_eq!(
        sessions.begin(request(id, 2), vec![], &[], 0).unwrap_err(),
        SessionError::NotFound
    );
}
