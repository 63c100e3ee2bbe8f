//! Fetch 0 to 3 and `ListOffsets` 0, for consumers of before Kafka 0.11, where a setting says that they are served.
#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use kafkalite_broker::Broker;
use kafkalite_records::legacy::{self, MessageSet};
use kafkalite_records::{
    BatchBuilder, BatchOrigin, Compression, Compressor, Decompressor, Header, Records, batches,
};
use kafkalite_wire::api::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchedPartition};
use kafkalite_wire::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic, ListedOffsetsPartition,
};
use kafkalite_wire::{ErrorCode, Response};
use support::child::ChildBroker;
use support::data::{batch_of, batch_with, fetch_by_name, fetched, from};
use support::warnings;
use support::{Client, TestBroker, config, copy, introduction, restart, start};

const SERVED: (&str, &str) = ("log.message.downconversion.enable", "true");
const MIB: usize = 1 << 20;

/// Format, offset, timestamp, value.
type OldRecord = (i8, i64, i64, String);

/// The records in a message set.
fn records(set: &Bytes) -> Vec<OldRecord> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut walk = legacy::messages(set);
    for message in walk.by_ref() {
        let message = message.unwrap();
        message.verify_crc().unwrap();
        let inner = MessageSet::decode(&set.slice(start..), &mut Decompressor::new(), 64 * MIB);
        let inner = inner.unwrap();
        for layout in inner.layouts() {
            let value = layout.value.of(inner.payload()).unwrap_or_default();
            let value = String::from_utf8_lossy(value).into_owned();
            found.push((message.magic, layout.offset, layout.timestamp, value));
        }
        start += message.bytes().len();
    }
    assert!(walk.rest().is_empty(), "only whole messages");
    found
}

fn values(partition: FetchedPartition) -> Vec<(i64, String)> {
    assert_eq!(partition.error_code, ErrorCode::None);
    let found = records(&partition.records.into_bytes()).into_iter();
    found.map(|(_, offset, _, value)| (offset, value)).collect()
}

fn as_asked(partitions: Vec<FetchPartition>) -> FetchRequest {
    FetchRequest {
        replica_id: -1,
        ..fetch_by_name("t", partitions)
    }
}

fn small(partition: i32, offset: i64, partition_max_bytes: i32) -> FetchPartition {
    FetchPartition {
        partition_max_bytes,
        ..from(partition, offset)
    }
}

#[tokio::test]
async fn nobody_is_told_of_them_or_served_without_the_setting() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let oldest = |answer: &kafkalite_wire::api::api_versions::ApiVersionsResponse| {
        let of = |key| answer.api_keys.iter().find(|api| api.api_key == key);
        [1, 2].map(|key| of(key).unwrap().min_version)
    };
    assert_eq!(oldest(&client.ask(4, &introduction()).await), [4, 1]);
    warnings::listen();
    for version in 0..=3 {
        let mut client = broker.connect().await;
        client.send(version, &as_asked(vec![from(0, 0)])).await;
        client.assert_closed().await;
        let asked = format!(
            "Fetch was asked in version {version}; served are 4 to 18; log.message.downconversion.enable"
        );
        assert_eq!(warnings::containing(&asked).len(), 1);
    }
    let served = start(&[SERVED]).await;
    let mut client = served.connect().await;
    assert_eq!(oldest(&client.ask(4, &introduction()).await), [0, 0]);
}

#[tokio::test]
async fn every_codec_is_read_in_every_version_from_every_offset() {
    let broker = start(&[SERVED]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let long = "worth compressing ".repeat(20);
    let mut written = Vec::new();
    for codec in &Compression::ALL[..4] {
        let texts = [0, 1, 2].map(|number| format!("{codec} {number} {long}"));
        let stamped = |text| (1_700_000_000_000 + written.len() as i64, Some("k"), text);
        let mut batch = Vec::new();
        for text in &texts {
            batch.push(stamped(text.as_str()));
        }
        let bytes = batch_with(&batch, *codec, BatchOrigin::ANONYMOUS);
        client.produce("t", 0, bytes).await;
        written.extend(
            batch
                .iter()
                .map(|(time, _, text)| (*time, (*text).to_owned())),
        );
    }
    for version in 0..=3 {
        let (magic, timed) = if version < 2 { (0, false) } else { (1, true) };
        for offset in 0..12 {
            let asked = as_asked(vec![from(0, offset)]);
            let mut answer = fetched(client.ask(version, &asked).await);
            let partition = answer.remove(0);
            assert_eq!(partition.high_watermark, 12);
            let expected: Vec<_> = (0..)
                .zip(&written)
                .skip(offset as usize)
                .map(|(offset, (time, text))| {
                    (magic, offset, if timed { *time } else { -1 }, text.clone())
                })
                .collect();
            assert_eq!(records(&partition.records.into_bytes()), expected);
        }
    }
}

#[tokio::test]
async fn headers_are_left_out_and_tombstones_are_not() {
    let broker = start(&[SERVED]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let mut builder = BatchBuilder::new(MIB);
    let headers = [Header::new("h", b"x")];
    assert!(builder.try_append(1, Some(b"key"), None, &headers));
    let mut none = Compressor::new(Compression::None, None).unwrap();
    let batch = builder.build(0, BatchOrigin::ANONYMOUS, &mut none);
    client.produce("t", 0, batch.unwrap()).await;
    let answer = client.ask(3, &as_asked(vec![from(0, 0)])).await;
    let set = fetched(answer).remove(0).records.into_bytes();
    let message = legacy::messages(&set).next().unwrap().unwrap();
    assert_eq!((message.key(), message.value()), (Some(&b"key"[..]), None));
}

#[tokio::test]
async fn zstd_harms_no_other_partition_and_errors_have_records_that_are_not_null() {
    let broker = start(&[SERVED]).await;
    let mut client = broker.connect().await;
    client.create("t", 4, &[]).await;
    warnings::listen();
    let text = "the same again and again ".repeat(50);
    let batch = |codec| batch_of(&[text.as_str()], codec, BatchOrigin::ANONYMOUS);
    for (partition, codec) in [
        (0, Compression::Zstd),
        (1, Compression::Gzip),
        (2, Compression::Gzip),
        (2, Compression::Zstd),
    ] {
        client.produce("t", partition, batch(codec)).await;
    }
    let wanted = vec![from(0, 0), from(1, 0), from(2, 0), from(3, 5), from(9, 0)];
    client.send(3, &as_asked(wanted.clone())).await;
    let frame = client.frame().await.unwrap();
    assert!(frame.ends_with(&[0; 4]), "records of length 0, not null");
    let answer = fetched(FetchResponse::decode(frame, 3).unwrap().1);
    let told = answer.iter().map(|one| (one.error_code, one.records.len()));
    let set = answer[1].records.len();
    assert!(set > 0);
    assert!(told.eq([
        (ErrorCode::UnsupportedCompressionType, 0),
        (ErrorCode::None, set),
        // What is before the batch that cannot be written down is given first.
        (ErrorCode::None, set),
        (ErrorCode::OffsetOutOfRange, 0),
        (ErrorCode::UnknownTopicOrPartition, 0),
    ]));
    let asked = as_asked(vec![from(2, 1)]);
    client.ask(3, &asked).await;
    let behind = fetched(client.ask(3, &asked).await);
    assert_eq!(behind[0].error_code, ErrorCode::UnsupportedCompressionType);
    let told = warnings::containing("partition 2 of ");
    let [told] = told.as_slice() else {
        panic!("once: {told:?}");
    };
    assert!(
        told.text
            .ends_with("record format 1 has no zstd; it has gzip, snappy and lz4")
    );
}

#[tokio::test]
async fn an_answer_has_what_was_asked_for_and_the_first_message_whatever_its_size() {
    let broker = start(&[SERVED]).await;
    let mut client = broker.connect().await;
    client.create("t", 2, &[]).await;
    let long = "x".repeat(1000);
    let texts = [long.as_str(); 10];
    for (partition, codec) in [(0, Compression::None), (1, Compression::Gzip)] {
        let batch = batch_of(&texts, codec, BatchOrigin::ANONYMOUS);
        client.produce("t", partition, batch).await;
    }
    let mut counts = async |max_bytes, partitions| -> Vec<usize> {
        let asked = FetchRequest {
            max_bytes,
            ..as_asked(partitions)
        };
        let found = fetched(client.ask(3, &asked).await).into_iter();
        found.map(|one| values(one).len()).collect()
    };
    let all = 1 << 20;
    assert_eq!(
        counts(all, vec![small(0, 0, 1), small(1, 0, 1)]).await,
        [1, 0]
    );
    assert_eq!(
        counts(all, vec![small(1, 5, 1), small(0, 0, 1)]).await,
        [5, 0]
    );
    assert_eq!(counts(1, vec![from(0, 3), from(1, 0)]).await, [1, 0]);
    assert_eq!(counts(all, vec![from(0, 3), from(1, 0)]).await, [7, 10]);
    let fits = vec![small(0, 3, 3000), small(1, 0, 3000)];
    assert_eq!(counts(all, fits).await, [3, 10]);
}

/// What Apache Kafka has left, with transactions of every kind, as a crash would have; all of it, or without its end.
async fn with_transactions(cut_after_control: bool) -> TestBroker {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/transactions");
    let dir = tempfile::tempdir().unwrap();
    copy(&golden, dir.path());
    for file in [
        ".kafka_cleanshutdown",
        "recovery-point-offset-checkpoint",
        "t-0/00000000000000000000.txnindex",
        "t-0/00000000000000000009.snapshot",
    ] {
        fs::remove_file(dir.path().join(file)).unwrap();
    }
    if cut_after_control {
        let log = dir.path().join("t-0/00000000000000000000.log");
        let bytes = fs::read(&log).unwrap();
        let (mut at, mut end) = (0, 0);
        for batch in batches(&bytes) {
            let batch = batch.unwrap();
            at += batch.bytes().len();
            if batch.header().is_control() {
                end = at;
            }
        }
        fs::write(&log, &bytes[..end]).unwrap();
    }
    let settings = [SERVED, ("log.retention.ms", "-1")];
    let broker = Broker::start(config(dir.path(), &settings)).await.unwrap();
    TestBroker { broker, dir }
}

#[tokio::test]
async fn control_records_are_passed_over_from_every_offset() {
    let broker = with_transactions(false).await;
    let mut client = broker.connect().await;
    let all = client.fetch("t", 0, 0).await.records.into_bytes();
    let mut expected = Vec::new();
    for batch in batches(&all) {
        let batch = batch.unwrap();
        if !batch.header().is_control() {
            let payload = batch.decompress(&mut Decompressor::new(), MIB).unwrap();
            let found = Records::new(batch.header(), &payload);
            expected.extend(found.map(|record| record.unwrap().offset));
        }
    }
    assert!(!expected.is_empty() && expected.len() < 9);
    for offset in 0..9 {
        // So little that a control batch is all that a read gives.
        let asked = as_asked(vec![small(0, offset, 1)]);
        let found = values(fetched(client.ask(3, &asked).await).remove(0));
        let next = expected.iter().find(|expected| **expected >= offset);
        assert_eq!(found.first().map(|(offset, _)| offset), next);
    }
}

#[tokio::test]
async fn a_fetch_that_finds_control_records_only_waits_for_what_follows() {
    let broker = with_transactions(true).await;
    let (mut reader, mut writer) = (broker.connect().await, broker.connect().await);
    let end = reader.offset_at("t", 0, -1).await.offset;
    let mut asked = as_asked(vec![from(0, end - 1)]);
    let nothing = fetched(reader.ask(3, &asked).await).remove(0);
    assert_eq!(nothing.high_watermark, end);
    assert_eq!(values(nothing), []);

    asked.max_wait_ms = 600_000;
    reader.send(3, &asked).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut early = [0];
    assert!(reader.stream.try_read(&mut early).is_err(), "it waits");
    writer.put("t", 0, &["woken"]).await;
    let answer = FetchResponse::decode(reader.frame().await.unwrap(), 3);
    let found = values(fetched(answer.unwrap().1).remove(0));
    assert_eq!(found, [(end, "woken".to_owned())]);
}

#[tokio::test]
async fn offsets_are_listed_as_version_0_has_them() {
    let broker = start(&[SERVED]).await;
    let mut client = broker.connect().await;
    client.create("t", 1, &[]).await;
    let records = [1000, 2000, 3000].map(|time| (time, None, "v"));
    let batch = batch_with(&records, Compression::None, BatchOrigin::ANONYMOUS);
    client.produce("t", 0, batch).await;
    let mut list = async |partition_index, timestamp, max_num_offsets| -> ListedOffsetsPartition {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: "t".to_owned(),
                partitions: vec![ListOffsetsPartition {
                    partition_index,
                    timestamp,
                    max_num_offsets,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        };
        let mut answer = client.ask(0, &request).await;
        answer.topics.remove(0).partitions.remove(0)
    };
    for (timestamp, wanted, expected) in [
        (-1, 1, vec![3]),
        (-2, 1, vec![0]),
        (-1, 10, vec![3]),
        (-1, 0, vec![]),
        (2000, 1, vec![1]),
        (9000, 1, vec![3]),
    ] {
        let found = list(0, timestamp, wanted).await;
        assert_eq!(found.error_code, ErrorCode::None);
        assert_eq!(found.old_style_offsets, expected, "{timestamp}");
    }
    let unknown = list(7, -1, 1).await;
    assert_eq!(unknown.error_code, ErrorCode::UnknownTopicOrPartition);
    assert!(unknown.old_style_offsets.is_empty());
}

/// A broker that has taken over a log of Kafka 1.1 in this older format.
async fn with_log_in(format: &str) -> TestBroker {
    let settings = [SERVED, ("log.retention.ms", "-1")];
    let broker = start(&settings).await;
    broker.connect().await.create("t", 1, &[]).await;
    broker.broker.stop().await.unwrap();
    let partition = broker.dir.path().join("t-0");
    for entry in fs::read_dir(&partition).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("partition.metadata") {
            fs::remove_file(path).unwrap();
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../log/tests/golden/kafka-1.1");
    copy(&golden.join(format!("{format}-0")), &partition);
    fs::remove_file(broker.dir.path().join(".kafka_cleanshutdown")).unwrap();
    TestBroker {
        broker: restart(broker.dir.path(), &settings).await,
        dir: broker.dir,
    }
}

#[tokio::test]
async fn an_old_log_is_read_as_it_is_or_in_a_format_that_is_older_still() {
    for (format, magic) in [("format-0.9.0", 0), ("format-0.10.0", 1)] {
        let broker = with_log_in(format).await;
        let mut client = broker.connect().await;
        let mut read = async |version| -> (Vec<OldRecord>, Vec<u8>) {
            let (mut all, mut bytes): (Vec<_>, Vec<u8>) = Default::default();
            loop {
                let next = all.last().map_or(0, |(_, offset, _, _)| offset + 1);
                let asked = as_asked(vec![from(0, next)]);
                let set = fetched(client.ask(version, &asked).await).remove(0);
                assert_eq!((set.error_code, set.high_watermark), (ErrorCode::None, 40));
                let set = set.records.into_bytes();
                bytes.extend_from_slice(&set);
                match records(&set) {
                    found if found.is_empty() => return (all, bytes),
                    found => all.extend(found),
                }
            }
        };
        let (of_log, bytes) = read(12).await;
        assert!(of_log.iter().map(|record| record.1).eq(0..40));
        assert!(of_log.iter().all(|record| record.0 == magic));
        assert_eq!(read(3).await.1, bytes, "as it is");
        let without_times = of_log
            .into_iter()
            .map(|(_, offset, _, value)| (0, offset, -1, value));
        assert_eq!(read(1).await.0, without_times.collect::<Vec<_>>());
    }
}

/// Unopened it is two megabytes, opened 40 and room to grow: at once by each of the four, that would be 220 and more.
#[tokio::test]
async fn a_batch_that_is_far_larger_inside_is_opened_by_one_fetch_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let settings = [
        "log.message.downconversion.enable=true",
        "message.max.bytes=9000000",
    ];
    let broker = ChildBroker::start(dir.path(), &settings);
    let mut client = Client::connect_to(broker.address).await;
    client.create("t", 1, &[]).await;
    let text = "\0".repeat(MIB);
    let bomb = batch_of(
        &[text.as_str(); 40],
        Compression::Snappy,
        BatchOrigin::ANONYMOUS,
    );
    assert!(bomb.len() < 3 * MIB);
    client.produce("t", 0, bomb).await;
    let before = broker.resident();

    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut client = Client::connect_to(broker.address).await;
        asking.spawn(async move {
            let answer = client.ask(3, &as_asked(vec![small(0, 0, 1)])).await;
            fetched(answer).remove(0).records.len()
        });
    }
    for answered in asking.join_all().await {
        assert!((1..2 * MIB).contains(&answered), "{answered}");
    }
    let more = broker.most_resident() - before;
    assert!(more < 160 * MIB, "{} MiB more", more / MIB);
}
