//! A member beside a slow decoder. It is here, and not with the other tests of groups, because it needs all threads of the codec pool.

use std::sync::Barrier;
use std::sync::mpsc::{Sender, channel};
use std::thread::available_parallelism;

use tokio::time::{sleep, timeout};

use super::*;
use crate::codec_pool;
use crate::test_broker::{BrokerWithTopic, PATIENCE};

/// Keeps every thread busy that decodes, until what is returned is dropped.
async fn busy_pool() -> Vec<Sender<()>> {
    let threads = available_parallelism().map_or(2, usize::from);
    let begun = Arc::new(Barrier::new(threads + 1));
    let mut ends = Vec::new();
    for _ in 0..threads {
        let (end, ended) = channel::<()>();
        let begun = Arc::clone(&begun);
        tokio::spawn(codec_pool::run(move || {
            begun.wait();
            let _ = ended.recv(); // until there is no sender any more
        }));
        ends.push(end);
    }
    let waited = tokio::task::spawn_blocking(move || begun.wait()).await;
    waited.unwrap();
    ends
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(PATIENCE, async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.expect(what);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_member_beats_while_what_it_has_fetched_waits_to_be_decoded() {
    let broker = BrokerWithTopic::start(2, &[("compression.type", "lz4")]).await;
    let ends = busy_pool().await;

    let settings = [
        ("bootstrap.servers", &*broker.bootstrap),
        ("group.id", "g"),
        ("heartbeat.interval.ms", "100"),
        ("auto.offset.reset", "earliest"),
    ];
    let config = ConsumerConfig::from_pairs(settings).unwrap();
    let one = GroupConsumer::new(config, &Handle::current()).unwrap();
    one.subscribe(Subscription::topics(["t"]));
    let fetched = |member: &GroupConsumer| {
        let assigned = member.assignment();
        let has_come = |of: &TopicPartition| member.end(of) == Some(1);
        (assigned.len(), assigned.iter().all(has_come))
    };
    until("both are fetched", || fetched(&one) == (2, true)).await;

    // That there is another member is only said in answer to a heartbeat.
    let two = one.sibling(&Handle::current());
    two.subscribe(Subscription::topics(["t"]));
    until("they share", || {
        fetched(&one).0 == 1 && fetched(&two) == (1, true)
    })
    .await;
    for member in [&one, &two] {
        assert!(member.try_next_batch().is_none(), "nothing can be decoded");
    }

    drop(ends);
    for member in [&one, &two] {
        let batch = member.next_batch(PATIENCE).await.unwrap();
        assert_eq!(batch.expect("it is decoded").next_offset(), 1);
        member.close(PATIENCE).await.unwrap();
    }
}
