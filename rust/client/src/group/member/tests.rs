use kafkalite_names::TopicPartition;

use super::*;
use crate::group::shared::tests::alone;

#[tokio::test]
async fn what_was_found_for_an_earlier_subscription_counts_for_nothing() {
    let (shared, _ordered, _attempts) = alone();
    let mut task = Task::new(Arc::new(shared));
    let to = |pattern| MemberOrder::Subscribe(Some(Subscription::pattern(pattern).unwrap()));
    let found = || {
        let counts = [("a".into(), 1)].into();
        let refused = Vec::new();
        Ok(TopicCounts { counts, refused })
    };
    task.obey(to("a"));
    task.look_at_the_clock();
    let earlier = task.look;
    task.obey(to("a|b"));
    task.done(Done::Looked(earlier, found()));
    assert!(!task.is_checked, "nobody asked whether there is a b");
    task.look_at_the_clock();
    task.done(Done::Looked(task.look, found()));
    assert!(task.is_checked);
}

#[tokio::test]
async fn who_reads_is_told_that_joining_was_interrupted() {
    let (shared, _ordered, _attempts) = alone();
    let mut task = Task::new(Arc::new(shared));
    let to = Some(Subscription::topics(["t"]));
    task.shared.subscribe(to.clone());
    task.obey(MemberOrder::Subscribe(to));
    let told = loop {
        task.shared.asks();
        task.look_at_the_clock();
        task.work.interrupt();
        let done = task.work.next().await;
        task.done(done);
        if let Some(told) = task.shared.failure() {
            break told;
        }
    };
    let is_told = matches!(told, ClientError::MemberInterrupted { .. });
    assert!(is_told, "{told:?}");
}

#[tokio::test]
async fn the_reader_is_told_of_partitions_whose_start_nobody_asks_for_any_more() {
    let (shared, _ordered, _attempts) = alone();
    let mut task = Task::new(Arc::new(shared));
    let partitions = [TopicPartition::new("t", 0)].into();
    task.carry_out(MembershipEffect::Adopt(partitions));
    task.work.interrupt();
    let done = task.work.next().await;
    task.done(done);
    let told = task.shared.consumer.try_next_batch();
    let is_told = matches!(told, Some(Err(ClientError::StartUnknown { .. })));
    assert!(is_told, "it waits for ever: {told:?}");
}
