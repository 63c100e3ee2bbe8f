//! Stopping, or being dropped, and starting again.

mod support;

use kafkalite_broker::Broker;
use kafkalite_wire::Response;
use kafkalite_wire::api::fetch::FetchResponse;
use support::{Client, config, data, start};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_stopped_broker_has_a_clean_directory_and_no_port() {
    let support::TestBroker { broker, dir } = start(&[]).await;
    let mut client = Client::connect(&broker).await;
    client.create("clicks", 2, &[]).await;
    client.put("clicks", 1, &["one", "two"]).await;
    let address = broker.address();
    assert!(!dir.path().join(".kafka_cleanshutdown").exists());
    let (first, second) = tokio::join!(broker.stop(), broker.stop());
    first.unwrap();
    second.unwrap();
    client.assert_closed().await;
    assert!(TcpStream::connect(address).await.is_err());
    assert!(dir.path().join(".kafka_cleanshutdown").exists());
    let points =
        std::fs::read_to_string(dir.path().join("recovery-point-offset-checkpoint")).unwrap();
    assert!(points.contains("clicks 1 2"), "{points}");
    assert!(broker.topics().await.is_err(), "a stopped broker says so");

    // The same port is free at once, the broker before it is still held by somebody.
    let again = config(
        dir.path(),
        &[("listeners", &format!("PLAINTEXT://{address}"))],
    );
    let again = Broker::start(again).await.unwrap();
    let read = Client::connect(&again).await.read_all("clicks", 1, 0).await;
    assert_eq!(read, [(0, "one".to_owned()), (1, "two".to_owned())]);
    again.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_waits_for_the_answer_that_is_being_sent_and_not_for_idle_clients() {
    let support::TestBroker { broker, dir: _dir } = start(&[]).await;
    let mut busy = Client::connect(&broker).await;
    let idle = Client::connect(&broker).await;
    let mut answer = large_answer(&mut busy).await;
    let (stopped, read) = tokio::join!(broker.stop(), busy.stream.read_exact(&mut answer));
    stopped.unwrap();
    read.unwrap();
    let (_, answer) = FetchResponse::decode(answer.into(), 12).unwrap();
    assert_eq!(
        data::values(&data::fetched(answer).remove(0).records.into_bytes()).len(),
        8
    );
    drop(idle);
}

#[tokio::test]
async fn a_stop_that_was_given_up_is_taken_up_again() {
    let support::TestBroker { broker, dir } = start(&[]).await;
    let mut busy = Client::connect(&broker).await;
    let mut answer = large_answer(&mut busy).await;
    // As Ctrl-C does to somebody who waits for it; meanwhile the answer is on its way.
    for _ in 0..3 {
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(20), broker.stop());
        assert!(given_up.await.is_err(), "the answer is not sent yet");
    }
    let (stopped, read) = tokio::join!(broker.stop(), busy.stream.read_exact(&mut answer));
    stopped.unwrap();
    read.unwrap();
    assert!(dir.path().join(".kafka_cleanshutdown").exists());
}

#[tokio::test]
async fn a_broker_that_was_dropped_is_recovered() {
    let support::TestBroker { broker, dir } = start(&[]).await;
    let mut client = Client::connect(&broker).await;
    client.create("clicks", 1, &[]).await;
    client.put("clicks", 0, &["kept"]).await;
    drop(broker);
    client.assert_closed().await;
    // Its tasks end by themselves; until then the directory is locked.
    let again = loop {
        match Broker::start(config(dir.path(), &[])).await {
            Ok(broker) => break broker,
            Err(error) => assert!(
                error.to_string().contains("in use") || error.to_string().contains("lock"),
                "{error}"
            ),
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(
        Client::connect(&again)
            .await
            .read_all("clicks", 0, 0)
            .await
            .len(),
        1
    );
    again.stop().await.unwrap();
}

/// Asks for an answer that is larger than the sockets hold, so that it is on its way until it is read. Returns where to
/// read it to.
async fn large_answer(busy: &mut Client) -> Vec<u8> {
    busy.create("clicks", 1, &[]).await;
    let value = "x".repeat(900_000);
    for _ in 0..8 {
        busy.put("clicks", 0, &[value.as_str()]).await;
    }
    let mut wanted = data::from(0, 0);
    wanted.partition_max_bytes = i32::MAX;
    busy.send(12, &data::fetch_by_name("clicks", vec![wanted]))
        .await;
    let len = busy.stream.read_i32().await.expect("an answer");
    vec![0; usize::try_from(len).expect("a length")]
}

#[tokio::test]
async fn after_a_crash_no_checkpoint_calls_what_is_still_to_come_flushed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("clicks-0")).unwrap();
    let checkpoint = dir.path().join("recovery-point-offset-checkpoint");
    std::fs::write(&checkpoint, "0\n2\nclicks 0 1000\ndeleted 0 7\n").unwrap();
    let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(&checkpoint).unwrap(),
        "0\n1\nclicks 0 0\n"
    );
    broker.stop().await.unwrap();
}
