//! What it costs to read and write the three messages that matter: `cargo bench -p kafkalite-wire`.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kafkalite_wire::{
    Encoded, Records, Request, RequestHeader, Response,
    api::{
        fetch::{
            FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchedPartition, FetchedTopic,
        },
        metadata::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic},
        produce::{ProducePartition, ProduceRequest, ProduceTopic},
    },
};
use uuid::Uuid;

const TOPIC_ID: Uuid = Uuid::from_bytes(*b"0123456789abcdef");

fn header(api_version: i16) -> RequestHeader {
    RequestHeader {
        api_version,
        correlation_id: 1,
        client_id: Some("bench".to_owned()),
    }
}

/// The frame as a peer hands it to the decoder.
fn frame(encoded: Encoded) -> Bytes {
    encoded.into_bytes().slice(4..)
}

/// One batch of 16 KiB for one partition: what a producer sends all day.
fn produce(c: &mut Criterion) {
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![ProduceTopic {
            name: "events".to_owned(),
            partition_data: vec![ProducePartition {
                index: 3,
                records: Records::Bytes(Bytes::from(vec![7; 16 << 10])),
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let encode = || request.encode(&header(12)).expect("the request is valid");
    let bytes = frame(encode());
    let mut group = c.benchmark_group("produce request, one batch of 16 KiB");
    group.bench_function("encode", |b| b.iter(|| black_box(encode())));
    group.bench_function("decode", |b| {
        b.iter(|| ProduceRequest::decode(black_box(bytes.clone())).expect("the bytes are valid"));
    });
    group.finish();
}

/// 100 partitions, asked for and answered with slices of files.
fn fetch(c: &mut Criterion) {
    let request = FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        topics: vec![FetchTopic {
            topic_id: TOPIC_ID,
            partitions: (0..100)
                .map(|partition| FetchPartition {
                    partition,
                    fetch_offset: 1 << 40,
                    partition_max_bytes: 1 << 20,
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let response = FetchResponse {
        responses: vec![FetchedTopic {
            topic_id: TOPIC_ID,
            partitions: (0..100)
                .map(|partition_index| FetchedPartition {
                    partition_index,
                    high_watermark: 1 << 40,
                    records: Records::Spliced {
                        len: 1 << 20,
                        slot: partition_index as u32,
                    },
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let encode = || request.encode(&header(17)).expect("the request is valid");
    let bytes = frame(encode());
    let mut group = c.benchmark_group("fetch, 100 partitions");
    group.throughput(Throughput::Elements(100));
    group.bench_function("encode request", |b| b.iter(|| black_box(encode())));
    group.bench_function("decode request", |b| {
        b.iter(|| FetchRequest::decode(black_box(bytes.clone())).expect("the bytes are valid"));
    });
    group.bench_function("encode response with splices", |b| {
        b.iter(|| {
            black_box(&response)
                .encode(17, 1)
                .expect("the response is valid")
        });
    });
    group.finish();
}

/// 100 topics of 10 partitions: what a client of a busy cluster learns.
fn metadata(c: &mut Criterion) {
    let response = MetadataResponse {
        brokers: vec![MetadataBroker {
            node_id: 1,
            host: "127.0.0.1".to_owned(),
            port: 9092,
            ..Default::default()
        }],
        topics: (0..100)
            .map(|number| MetadataTopic {
                name: Some(format!("topic-{number}")),
                topic_id: TOPIC_ID,
                partitions: (0..10)
                    .map(|partition_index| MetadataPartition {
                        partition_index,
                        leader_id: 1,
                        replica_nodes: vec![1],
                        isr_nodes: vec![1],
                        ..Default::default()
                    })
                    .collect(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let encode = || response.encode(12, 1).expect("the response is valid");
    let bytes = frame(encode());
    let mut group = c.benchmark_group("metadata response, 1000 partitions");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("encode", |b| b.iter(|| black_box(encode())));
    group.bench_function("decode", |b| {
        b.iter(|| {
            MetadataResponse::decode(black_box(bytes.clone()), 12).expect("the bytes are valid")
        });
    });
    group.finish();
}

criterion_group!(benches, produce, fetch, metadata);
criterion_main!(benches);
