//! Large answers: whole, in order, and without passing through memory.

mod support;

use kafkalite_wire::Response;
use kafkalite_wire::api::fetch::{FetchRequest, FetchResponse};
use support::{data, resident, start};

const MANY: usize = 40;
const LARGE: usize = 900_000;

/// A fetch of everything in one answer.
fn everything(partitions: i32) -> FetchRequest {
    let mut all: Vec<_> = (0..partitions)
        .map(|partition| data::from(partition, 0))
        .collect();
    for wanted in &mut all {
        wanted.partition_max_bytes = i32::MAX;
    }
    FetchRequest {
        session_epoch: -1,
        max_bytes: i32::MAX,
        ..data::fetch_by_name("clicks", all)
    }
}

#[tokio::test]
async fn large_and_small_slices_mix_in_one_answer() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("clicks", 6, &[]).await;
    // Around the size at which sendfile takes over, and nothing at all.
    let sizes = [10, 65_000, 70_000, 0, 800_000, 200];
    for (partition, size) in (0..).zip(sizes) {
        for part in 0..u8::from(size > 0) * 3 {
            let value = char::from(b'a' + part).to_string().repeat(size);
            client.put("clicks", partition, &[value.as_str()]).await;
        }
    }
    let answer = client.ask(12, &everything(6)).await;
    let partitions = data::fetched(answer);
    assert_eq!(partitions.len(), 6);
    for (partition, size) in partitions.into_iter().zip(sizes) {
        let values = data::values(&partition.records.into_bytes());
        assert_eq!(values.len(), if size > 0 { 3 } else { 0 });
        for ((_, value), part) in values.iter().zip(b'a'..) {
            assert!(value.len() == size && value.bytes().all(|byte| byte == part));
        }
    }
}

#[tokio::test]
async fn readers_that_do_not_read_take_no_memory() {
    let broker = start(&[("fetch.max.bytes", "2147483647")]).await;
    let mut client = broker.connect().await;
    client.create("clicks", 1, &[]).await;
    let value = "x".repeat(LARGE);
    for _ in 0..MANY {
        client.put("clicks", 0, &[value.as_str()]).await;
    }
    let before = resident();
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut reader = broker.connect().await;
        for _ in 0..10 {
            reader.send(12, &everything(1)).await;
        }
        slow.push(reader);
    }
    broker.assert_well().await;
    let grown = resident().saturating_sub(before);
    let asked = 20 * 10 * MANY * LARGE;
    assert!(
        grown < 64 << 20,
        "{grown} bytes grown while {asked} were asked for"
    );
    // One of them reads after all, and gets everything it asked for.
    let mut reader = slow.pop().unwrap();
    drop(slow);
    for id in 1..=10 {
        let (found, answer) = FetchResponse::decode(reader.frame().await.unwrap(), 12).unwrap();
        let records = data::fetched(answer).remove(0).records.into_bytes();
        assert_eq!((found, data::values(&records).len()), (id, MANY));
    }
}

#[tokio::test]
async fn an_answer_that_is_being_sent_survives_the_deletion_of_its_topic() {
    let broker = start(&[("fetch.max.bytes", "2147483647")]).await;
    let mut client = broker.connect().await;
    client
        .create("clicks", 1, &[("file.delete.delay.ms", "0")])
        .await;
    let value = "x".repeat(LARGE);
    for _ in 0..MANY {
        client.put("clicks", 0, &[value.as_str()]).await;
    }
    let mut reader = broker.connect().await;
    reader.send(12, &everything(1)).await;
    // The answer has begun when its first bytes are here.
    reader.stream.readable().await.unwrap();
    client.delete("clicks").await;
    let (_, answer) = FetchResponse::decode(reader.frame().await.unwrap(), 12).unwrap();
    assert_eq!(
        data::values(&data::fetched(answer).remove(0).records.into_bytes()).len(),
        MANY
    );
}
