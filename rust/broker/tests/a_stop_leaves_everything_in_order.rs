//! Stopping, crashing and starting again.

mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use kafkalite_broker::Broker;
use kafkalite_wire::Response;
use kafkalite_wire::api::fetch::FetchResponse;
use support::{Client, PATIENCE, config, data, introduction, start};
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
    busy.create("clicks", 1, &[]).await;
    let value = "x".repeat(900_000);
    for _ in 0..8 {
        busy.put("clicks", 0, &[value.as_str()]).await;
    }
    let mut wanted = data::from(0, 0);
    wanted.partition_max_bytes = i32::MAX;
    busy.send(12, &data::fetch_by_name("clicks", vec![wanted]))
        .await;
    // The answer is larger than the sockets hold: it is on its way while the broker stops.
    let len = busy.stream.read_i32().await.unwrap();
    let mut answer = vec![0; usize::try_from(len).unwrap()];
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

/// This test's own program, started again as a broker that somebody kills.
#[test]
fn killed_child() {
    let Ok(dir) = std::env::var("KAFKALITE_TEST_KILLED_DIR") else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let broker = Broker::start(config(dir.as_ref(), &[])).await.unwrap();
        println!("\nready {}", broker.address());
        std::future::pending::<()>().await;
    });
}

fn start_child(dir: &std::path::Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["killed_child", "--exact", "--nocapture"])
        .env("KAFKALITE_TEST_KILLED_DIR", dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let ready = out
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("ready ").map(str::to_owned));
    (child, ready.expect("the child starts"))
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0_i64;
    for round in 0..5 {
        let (mut child, address) = start_child(dir.path());
        let mut client = Client::connect_to(address.parse().unwrap()).await;
        if round == 0 {
            client
                .create("clicks", 1, &[("segment.bytes", "5000")])
                .await;
        }
        // Killed while requests are on their way.
        let kill = tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let mut next = client.read_all("clicks", 0, 0).await.len() as i64;
        assert!(
            next >= acknowledged,
            "{next} of {acknowledged} acknowledged messages are there"
        );
        let publish = async {
            loop {
                let value = next.to_string();
                let request =
                    data::produce_by_name(-1, "clicks", vec![(0, data::batch(&[value.as_str()]))]);
                if client.try_ask(9, &request).await.is_none() {
                    return;
                }
                next += 1;
            }
        };
        tokio::time::timeout(PATIENCE, publish).await.unwrap();
        kill.await.unwrap();
        acknowledged = next;
    }
    let broker = Broker::start(config(dir.path(), &[])).await.unwrap();
    let mut client = Client::connect(&broker).await;
    let found = client.read_all("clicks", 0, 0).await;
    assert!(acknowledged > 0 && found.len() as i64 >= acknowledged);
    for (at, (offset, value)) in found.iter().enumerate() {
        // The last one of a round may be there without having been acknowledged, and is then counted by the next.
        assert_eq!(
            (*offset, value.as_str()),
            (at as i64, at.to_string().as_str())
        );
    }
    client.ask(4, &introduction()).await;
    broker.stop().await.unwrap();
}
