//! Pipelining, half-closed peers, limits on connections and memory.

mod support;

use bytes::Bytes;
use kafkalite_wire::Response;
use kafkalite_wire::api::api_versions::ApiVersionsResponse;
use support::{Client, data, frame, introduced, introduction, resident, start, warnings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let requests: Vec<u8> = (0..1000)
        .flat_map(|id| frame(4, id, &introduction()))
        .collect();
    let (mut reading, mut writing) = client.stream.split();
    let write = async { writing.write_all(&requests).await.unwrap() };
    let read = async {
        for id in 0..1000 {
            let len = reading.read_i32().await.unwrap();
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            reading.read_exact(&mut bytes).await.unwrap();
            assert_eq!(introduced(Bytes::from(bytes), 4).0, id);
        }
    };
    tokio::time::timeout(support::PATIENCE, async { tokio::join!(write, read) })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_frame_may_come_byte_by_byte() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.stream.set_nodelay(true).unwrap();
    for byte in frame(4, 3, &introduction()) {
        client.raw(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(introduced(client.frame().await.unwrap(), 4).0, 3);
}

#[tokio::test]
async fn a_peer_that_closes_its_half_still_gets_its_answers() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client
        .raw(&[frame(4, 1, &introduction()), frame(4, 2, &introduction())].concat())
        .await;
    client.stream.shutdown().await.unwrap();
    for id in [1, 2] {
        assert_eq!(introduced(client.frame().await.unwrap(), 4).0, id);
    }
    client.assert_closed().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_a_later_one_served() {
    let broker = start(&[("max.connections", "2")]).await;
    let mut clients = [broker.connect().await, broker.connect().await];
    for client in &mut clients {
        client.ask(4, &introduction()).await;
    }
    broker.connect().await.assert_closed().await;
    drop(clients);
    // The broker sees the closing a moment later.
    for _ in 0..1000 {
        let mut client = broker.connect().await;
        client.send(4, &introduction()).await;
        if client.frame().await.is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no connection became free");
}

#[tokio::test]
async fn one_connection_too_many_from_an_address_is_closed_and_told_once() {
    warnings::listen();
    let limits = [
        ("max.connections.per.ip", "1"),
        ("max.connections.per.ip.overrides", "127.0.0.1:2"),
    ];
    let broker = start(&limits).await;
    let mut clients = [broker.connect().await, broker.connect().await];
    for client in &mut clients {
        client.ask(4, &introduction()).await;
    }
    for _ in 0..3 {
        broker.connect().await.assert_closed().await;
    }
    let told = warnings::containing("2 from this address are open");
    assert_eq!(told.len(), 1, "{told:?}");
    // From elsewhere there may be another one.
    let elsewhere = || async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let stream = socket.connect(broker.broker.address()).await.unwrap();
        Client::over(stream)
    };
    let mut other = elsewhere().await;
    other.ask(4, &introduction()).await;
    elsewhere().await.assert_closed().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let broker = start(&[("connections.max.idle.ms", "50")]).await;
    let mut idle = broker.connect().await;
    idle.assert_closed().await;
    let mut halfway = broker.connect().await;
    halfway.raw(&frame(4, 1, &introduction())[..9]).await;
    halfway.assert_closed().await;
}

#[tokio::test]
async fn announced_lengths_take_no_memory() {
    let broker = start(&[]).await;
    broker.assert_well().await;
    let before = resident();
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = broker.connect().await;
        client.raw(&(100 * 1024 * 1024_i32).to_be_bytes()).await;
        client.raw(&[0; 100]).await;
        clients.push(client);
    }
    broker.assert_well().await;
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 50 * 1024 * 1024,
        "{grown} bytes for 50 connections that sent 104 bytes each"
    );
}

#[tokio::test]
async fn a_reader_that_does_not_read_stops_being_answered() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let request = frame(4, 9, &introduction());
    let many: Vec<u8> = request
        .iter()
        .copied()
        .cycle()
        .take(request.len() * 1000)
        .collect();
    let before = resident();
    // Writes until the broker takes no more: its answers fill the sockets and it waits.
    let mut sent = 0_usize;
    let mut at = 0;
    while let Ok(written) = tokio::time::timeout(
        std::time::Duration::from_millis(500),
        client.stream.write(&many[at..]),
    )
    .await
    {
        let written = written.unwrap();
        sent += written;
        at = (at + written) % many.len();
        assert!(
            sent < 256 * 1024 * 1024,
            "the broker takes requests without end"
        );
    }
    broker.assert_well().await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes grown");
    // When it reads at last, every request that was taken has its answer.
    let whole = sent / request.len();
    for _ in 0..whole {
        let (id, answer) = ApiVersionsResponse::decode(client.frame().await.unwrap(), 4).unwrap();
        assert!(id == 9 && answer.error_code.is_none());
    }
}

#[tokio::test]
async fn large_requests_share_one_quota_and_small_ones_go_past() {
    let broker = start(&[("queued.max.request.bytes", "1000000")]).await;
    broker.connect().await.create("clicks", 1, &[]).await;
    let value = "x".repeat(900_000);
    let request = data::produce_by_name(-1, "clicks", vec![(0, data::batch(&[value.as_str()]))]);
    let bytes = frame(9, 1, &request);
    let (mut first, mut second) = (broker.connect().await, broker.connect().await);
    first.raw(&bytes[..100_000]).await;
    // The first holds the quota as soon as the broker has seen its length.
    let (second_done, mut told) = tokio::sync::oneshot::channel();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let all = bytes.clone();
    let waiting = tokio::spawn(async move {
        second.raw(&all).await;
        second_done.send(second.frame().await.is_some()).unwrap();
    });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(
        told.try_recv().is_err(),
        "two large requests are held at one time"
    );
    broker.assert_well().await;
    first.raw(&bytes[100_000..]).await;
    assert!(first.frame().await.is_some());
    assert!(
        tokio::time::timeout(support::PATIENCE, told)
            .await
            .unwrap()
            .unwrap()
    );
    waiting.await.unwrap();
}

#[tokio::test]
async fn who_leaves_while_its_large_request_waits_gives_up_its_place() {
    let broker = start(&[("queued.max.request.bytes", "1000000")]).await;
    broker.connect().await.create("clicks", 1, &[]).await;
    let request = |bytes: usize| {
        let value = "x".repeat(bytes);
        let request =
            data::produce_by_name(-1, "clicks", vec![(0, data::batch(&[value.as_str()]))]);
        frame(9, 1, &request)
    };
    let half = request(500_000);
    let mut first = broker.connect().await;
    first.raw(&half[..100_000]).await;
    // In the end the first one holds half of what there is, and a second one waits for more than the rest.
    let mut second = broker.connect().await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    second.raw(&request(900_000)[..100_000]).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    drop(second);
    // There is room for this one, which came later.
    let mut third = broker.connect().await;
    third.raw(&request(300_000)).await;
    assert!(third.frame().await.is_some());
    first.raw(&half[100_000..]).await;
    assert!(first.frame().await.is_some());
}

#[tokio::test]
async fn a_large_fetch_that_waits_does_not_hold_up_large_requests() {
    let broker = start(&[("queued.max.request.bytes", "1000000")]).await;
    broker.connect().await.create("clicks", 1, &[]).await;
    let wanted = (0..30_000).map(|partition| data::from(partition, 0));
    let mut patient = data::fetch_by_name("clicks", wanted.collect());
    patient.max_wait_ms = 60_000;
    let mut parked = broker.connect().await;
    parked.send(11, &patient).await;
    // Its bytes hold the quota until they have become a request.
    let value = "x".repeat(900_000);
    let mut producer = broker.connect().await;
    assert_eq!(producer.put("clicks", 0, &[value.as_str()]).await, 0);
    assert!(parked.frame().await.is_some());
}

#[tokio::test]
async fn a_reader_that_never_reads_does_not_hold_up_the_stop() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("clicks", 1, &[]).await;
    let value = "x".repeat(900_000);
    for _ in 0..20 {
        client.put("clicks", 0, &[value.as_str()]).await;
    }
    let mut wanted = data::from(0, 0);
    wanted.partition_max_bytes = i32::MAX;
    client
        .send(12, &data::fetch_by_name("clicks", vec![wanted]))
        .await;
    client.stream.readable().await.unwrap();
    tokio::time::timeout(support::PATIENCE, broker.broker.stop())
        .await
        .unwrap()
        .unwrap();
}
