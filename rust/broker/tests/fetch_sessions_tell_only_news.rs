//! KIP-227 over the wire: incremental fetches, their errors, and fairness among partitions.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::{FetchRequest, FetchResponse, ForgottenTopic};
use support::data::{fetch_by_id, fetch_by_name, from};
use support::start;

fn in_session(session_id: i32, session_epoch: i32, request: FetchRequest) -> FetchRequest {
    FetchRequest {
        session_id,
        session_epoch,
        ..request
    }
}

/// What an incremental fetch names when nothing changes.
fn nothing_new() -> FetchRequest {
    FetchRequest {
        min_bytes: 1,
        max_bytes: 1 << 20,
        ..Default::default()
    }
}

fn told(response: &FetchResponse) -> Vec<i32> {
    let partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions);
    partitions
        .map(|partition| partition.partition_index)
        .collect()
}

#[tokio::test]
async fn by_name_and_by_id() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let all = || (0..3).map(|partition| from(partition, 0)).collect();
    for version in [7, 12, 13, 18] {
        let id = client.create("t", 3, &[]).await;
        let by_id = version >= 13;
        let full = if by_id {
            fetch_by_id(id, all())
        } else {
            fetch_by_name("t", all())
        };
        let first = client.ask(version, &in_session(0, 0, full.clone())).await;
        let session = first.session_id;
        assert!(session > 0, "version {version}");
        assert_eq!(told(&first), [0, 1, 2]);

        client.put("t", 1, &["news"]).await;
        let second = client
            .ask(version, &in_session(session, 1, nothing_new()))
            .await;
        assert_eq!((second.session_id, told(&second)), (session, vec![1]));

        // Forgotten, and moved on to the end of the log.
        let end = client.offset_at("t", 1, -1).await.offset;
        let mut request = in_session(session, 2, full);
        request.topics[0].partitions = vec![from(1, end)];
        request.forgotten_topics_data = vec![ForgottenTopic {
            topic: if by_id { String::new() } else { "t".to_owned() },
            topic_id: if by_id { id } else { uuid::Uuid::nil() },
            partitions: vec![0],
        }];
        assert_eq!(told(&client.ask(version, &request).await), [0; 0]);
        client.put("t", 0, &["nobody follows"]).await;
        client.put("t", 2, &["news"]).await;
        let last = client
            .ask(version, &in_session(session, 3, nothing_new()))
            .await;
        assert_eq!(told(&last), [2]);
        client.delete("t").await;
        let code = if by_id {
            ErrorCode::UnknownTopicId
        } else {
            ErrorCode::UnknownTopicOrPartition
        };
        for epoch in [4, 5] {
            let gone = client
                .ask(version, &in_session(session, epoch, nothing_new()))
                .await;
            let mut partitions = gone.responses[0].partitions.iter();
            assert!(
                partitions.all(|partition| partition.error_code == code),
                "told each time"
            );
            assert_eq!(told(&gone).len(), 2);
        }
    }
}

#[tokio::test]
async fn and_refuse_what_is_not_theirs() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let id = client.create("t", 1, &[]).await;
    let full = in_session(0, 0, fetch_by_name("t", vec![from(0, 0)]));
    let session = client.ask(12, &full).await.session_id;
    let mut code = async |version, request: &FetchRequest| {
        let answer = client.ask(version, request).await;
        assert!(answer.responses.is_empty() && answer.session_id == 0);
        answer.error_code
    };
    let wrong_epoch = in_session(session, 7, nothing_new());
    assert_eq!(
        code(12, &wrong_epoch).await,
        ErrorCode::InvalidFetchSessionEpoch
    );
    let unknown = in_session(session ^ 1, 1, nothing_new());
    assert_eq!(code(12, &unknown).await, ErrorCode::FetchSessionIdNotFound);
    let by_id = in_session(session, 1, fetch_by_id(id, vec![from(0, 0)]));
    assert_eq!(code(13, &by_id).await, ErrorCode::FetchSessionTopicIdError);
}

#[tokio::test]
async fn and_are_not_given_out_beyond_the_slots() {
    let broker = start(&[("max.incremental.fetch.session.cache.slots", "1")]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let full = in_session(0, 0, fetch_by_name("t", vec![from(0, 0)]));
    let first = client.ask(12, &full).await;
    let second = client.ask(12, &full).await;
    assert!(first.session_id > 0);
    assert_eq!(
        (second.session_id, told(&second)),
        (0, vec![0]),
        "full, and without a session"
    );
    // Closed by its owner, the slot is free again.
    client
        .ask(12, &in_session(first.session_id, -1, nothing_new()))
        .await;
    assert!(client.ask(12, &full).await.session_id > 0);
}

#[tokio::test]
async fn and_a_client_that_is_gone_leaves_its_slot_to_the_next() {
    let broker = start(&[("max.incremental.fetch.session.cache.slots", "3")]).await;
    broker.connect().await.create("t", 1, &[]).await;
    let full = in_session(0, 0, fetch_by_name("t", vec![from(0, 0)]));
    let mut staying = broker.connect().await;
    let session = staying.ask(12, &full).await.session_id;
    for number in 0..20 {
        let mut passing = broker.connect().await;
        // The broker sees that the one before has gone a moment after that has closed its socket.
        let opened = async {
            while passing.ask(12, &full).await.session_id == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(support::PATIENCE, opened)
            .await
            .unwrap_or_else(|_| panic!("client {number} got no session"));
    }
    let answer = staying
        .ask(12, &in_session(session, 1, nothing_new()))
        .await;
    assert_eq!(answer.session_id, session, "nobody took the one in use");
}

#[tokio::test]
async fn a_busy_partition_does_not_starve_the_others() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 3, &[]).await;
    for partition in 0..3 {
        for _ in 0..4 {
            client.put("t", partition, &[&"x".repeat(1000)]).await;
        }
    }
    let mut full = in_session(
        0,
        0,
        fetch_by_name("t", (0..3).map(|p| from(p, 0)).collect()),
    );
    full.max_bytes = 1; // one batch an answer
    let mut answer = client.ask(12, &full).await;
    let session = answer.session_id;
    let mut turns = Vec::new();
    let mut next = [0; 3];
    for epoch in 1..=6 {
        let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
        let given = partitions
            .clone()
            .find(|partition| !partition.records.is_empty())
            .unwrap();
        turns.push(given.partition_index);
        next[given.partition_index as usize] += 1;
        let moved = from(given.partition_index, next[given.partition_index as usize]);
        let mut request = in_session(session, epoch, fetch_by_name("t", vec![moved]));
        request.max_bytes = 1;
        answer = client.ask(12, &request).await;
    }
    turns[..3].sort_unstable();
    turns[3..].sort_unstable();
    assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
}
