//! Members' regular expressions, which can take long and much memory to be compiled, or to be refused, are compiled one after another:
//! of the threads that also do what the disk is asked for they take one, however many members come at a time.

mod support;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
use kafkalite_wire::api::describe_log_dirs::DescribeLogDirsRequest;
use support::start;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

const MEMBERS: usize = 12;

/// So many classes of characters are found to be too much when each has been spelt out.
fn entering(member: usize) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: format!("group {member}"),
        member_id: "m".to_owned(),
        rebalance_timeout_ms: 60_000,
        subscribed_topic_regex: Some(format!("{}{member}", r"\w".repeat(2_000))),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    }
}

#[test]
fn on_one_of_two_threads_so_that_the_disk_is_asked_meanwhile() {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().max_blocking_threads(2).build();
    runtime.unwrap().block_on(async {
        let broker = start(&[]).await;
        let mut other = broker.connect().await;
        let mut members = JoinSet::new();
        for member in 0..MEMBERS {
            let mut client = broker.connect().await;
            members.spawn(async move { client.ask(1, &entering(member)).await.error_code });
        }
        // By then all have been asked.
        let first = members.join_next().await.unwrap().unwrap();
        assert_eq!(first, ErrorCode::InvalidRegularExpression);
        let dirs = other.ask(4, &DescribeLogDirsRequest { topics: None }).await;
        assert_eq!(dirs.results.len(), 1);
        let mut waiting = MEMBERS - 1;
        while members.try_join_next().is_some() {
            waiting -= 1;
        }
        assert!(waiting > MEMBERS / 2, "only {waiting} are left");
    });
}
