//! Bytes that lie: every message in every version, cut short, overwritten and overstuffed. The decoder must neither panic
//! nor allocate more than a small multiple of what it was given.

#[path = "support/allocations.rs"]
mod allocations;
mod support;

use std::ops::RangeInclusive;

use bytes::Bytes;
use kafkalite_wire::{
    MAX_REQUEST_ELEMENTS, MAX_REQUEST_MEMORY, Reader, Request, RequestHeader, Response, Result,
    Value, Version,
    api::{
        self,
        describe_log_dirs::{DescribableLogDirTopic, DescribeLogDirsRequest},
        produce::{ProduceRequest, ProduceTopic},
    },
    schema::Kind,
};
use support::bytes::{Bytes as Forged, Choice};

/// The most bytes that decoding may hold for each byte of the message. The dearest honest thing is an empty group of
/// `ListGroups` 3: three bytes on the wire, 96 in memory. The dearest lie is `OffsetFetch` 8, whose groups, topics and
/// partitions can each claim the whole rest.
const DEAREST: usize = 50;

/// What a decoder may hold however short the message is.
const ALWAYS: usize = 1024;

struct Subject {
    name: &'static str,
    kind: Kind,
    versions: RangeInclusive<i16>,
    flexible: i16,
    decode: fn(Bytes, Version) -> Result<()>,
}

impl Subject {
    fn new<T: Value, R: Request>(name: &'static str) -> Subject {
        Subject {
            name,
            kind: T::KIND,
            versions: R::WITH_RETIRED,
            flexible: R::FLEXIBLE,
            decode: |bytes, version| {
                let mut reader = Reader::new(bytes, version);
                T::read(&mut reader)?;
                reader.finish()
            },
        }
    }

    /// Decodes and checks what it cost.
    fn decode(&self, bytes: &[u8], version: Version) -> Result<()> {
        let message = Bytes::copy_from_slice(bytes);
        let (result, held) = allocations::most_held(|| (self.decode)(message, version));
        assert!(
            held <= DEAREST * bytes.len() + ALWAYS,
            "{} {}: {held} bytes held for a message of {}",
            self.name,
            version.number(),
            bytes.len()
        );
        result
    }

    fn in_all_versions(&self) -> impl Iterator<Item = Version> {
        let flexible = self.flexible;
        self.versions
            .clone()
            .map(move |number| Version::new(number, flexible))
    }
}

fn subjects() -> Vec<Subject> {
    macro_rules! list {
        ($($file:ident: $request:ident, $response:ident;)*) => {
            vec![$(
                Subject::new::<api::$file::$request, api::$file::$request>(stringify!($request)),
                Subject::new::<
                    api::$file::$response,
                    <api::$file::$response as Response>::Request,
                >(stringify!($response)),
            )*]
        };
    }
    every_api!(list)
}

/// A message with something in every field.
fn full(subject: &Subject, version: Version, count: u64) -> Vec<u8> {
    let mut choose = |choice| match choice {
        Choice::Count | Choice::Length => count,
        Choice::Null => 0,
        Choice::Tagged => 1,
        Choice::Number => 5,
    };
    let mut forged = Forged::new(version, &mut choose);
    forged.value(&subject.kind);
    forged.out
}

#[test]
fn a_message_cut_short_anywhere_is_an_error() {
    for subject in subjects() {
        for version in subject.in_all_versions() {
            let whole = full(&subject, version, 2);
            assert_eq!(subject.decode(&whole, version), Ok(()), "{}", subject.name);
            for end in 0..whole.len() {
                let cut = subject.decode(&whole[..end], version);
                assert!(cut.is_err(), "{} {version:?} cut at {end}", subject.name);
            }
        }
    }
}

#[test]
fn a_message_with_bytes_behind_it_is_an_error() {
    for subject in subjects() {
        for version in subject.in_all_versions() {
            let mut longer = full(&subject, version, 2);
            longer.push(0);
            let result = subject.decode(&longer, version);
            assert_eq!(
                result,
                Err(kafkalite_wire::Error::TrailingBytes(1)),
                "{}",
                subject.name
            );
        }
    }
}

#[test]
fn lies_at_any_position_cost_nothing() {
    const LIES: &[&[u8]] = &[
        b"\x7f\xff\xff\xff",         // i32::MAX
        b"\x80\0\0\0",               // i32::MIN
        b"\xff\xff\xff\xfe",         // −2
        b"\x7f\xff",                 // i16::MAX
        b"\xff\xff\xff\xff\x0f",     // u32::MAX, variable length
        b"\xff\xff\xff\xff\x07",     // i32::MAX, variable length
        b"\xff\xff\xff\xff\xff\x7f", // more than 32 bits
        b"\x80\x80\x80\x80\x80\x80", // never ending
        b"\0",
        b"\xff",
    ];
    for subject in subjects() {
        for version in subject.in_all_versions() {
            let honest = full(&subject, version, 1);
            for lie in LIES {
                for at in 0..honest.len() {
                    let mut bytes = honest.clone();
                    let end = bytes.len().min(at + lie.len());
                    bytes.splice(at..end, lie.iter().copied());
                    let _ = subject.decode(&bytes, version);
                    // The same lie with enough bytes behind it to be believed for a while.
                    bytes.resize(bytes.len() + 300, 0);
                    let _ = subject.decode(&bytes, version);
                }
            }
        }
    }
}

#[test]
fn arrays_within_arrays_that_all_claim_the_rest_cost_a_small_multiple() {
    for subject in subjects() {
        for version in subject.in_all_versions() {
            for claim in [100, 200, 400, 800, 1600, 3200] {
                let mut choose = |choice| u64::from(matches!(choice, Choice::Count));
                let mut forged = Forged::new(version, &mut choose);
                forged.claim = Some(claim);
                forged.value(&subject.kind);
                let mut bytes = forged.out;
                bytes.resize(bytes.len() + 10_000, 0);
                let _ = subject.decode(&bytes, version);
            }
        }
    }
}

#[test]
fn arrays_of_the_smallest_elements_cost_a_small_multiple() {
    let mut most_per_byte = 0;
    for subject in subjects() {
        for version in subject.in_all_versions() {
            for stuffed in 0.. {
                let Some(bytes) = overstuffed(&subject, version, stuffed) else {
                    break;
                };
                assert_eq!(subject.decode(&bytes, version), Ok(()), "{}", subject.name);
                let message = Bytes::from(bytes);
                let len = message.len();
                let (_, held) = allocations::most_held(|| (subject.decode)(message, version));
                most_per_byte = most_per_byte.max(held.div_ceil(len));
            }
        }
    }
    assert!(
        most_per_byte > DEAREST / 2,
        "the bound is a loose one: {most_per_byte}"
    );
}

/// A message whose array number `stuffed` has 3,000 of the smallest elements, or `None` if it has fewer arrays.
fn overstuffed(subject: &Subject, version: Version, stuffed: u32) -> Option<Vec<u8>> {
    let mut arrays = 0;
    let mut choose = |choice| match choice {
        Choice::Count => {
            arrays += 1;
            match (arrays - 1).cmp(&stuffed) {
                std::cmp::Ordering::Less => 1,
                std::cmp::Ordering::Equal => 3000,
                std::cmp::Ordering::Greater => 0,
            }
        }
        _ => 0,
    };
    let mut forged = Forged::new(version, &mut choose);
    forged.value(&subject.kind);
    let bytes = forged.out;
    (arrays > stuffed).then_some(bytes)
}

#[test]
fn a_long_request_of_empty_topics_is_refused_before_it_takes_much_memory() {
    let header = RequestHeader {
        api_version: 9,
        correlation_id: 1,
        client_id: None,
    };
    let topic = ProduceTopic::default();
    let decode = |topics: usize| {
        let request = ProduceRequest {
            topic_data: vec![topic.clone(); topics],
            ..Default::default()
        };
        let mut frame = request.encode(&header).unwrap().into_bytes();
        let frame = frame.split_off(4);
        let (decoded, held) = allocations::most_held(|| ProduceRequest::decode(frame));
        assert!(held <= MAX_REQUEST_MEMORY + ALWAYS, "{held} bytes held");
        decoded.map(|(_, request)| request.topic_data.len())
    };
    assert_eq!(decode(100_000), Ok(100_000));
    assert!(matches!(
        decode(1_000_000),
        Err(kafkalite_wire::Error::TooMuchMemory { .. })
    ));
}

#[test]
fn an_array_of_a_request_has_a_million_elements_at_the_most() {
    let header = RequestHeader {
        api_version: 2,
        correlation_id: 1,
        client_id: None,
    };
    let decode = |partitions: usize| {
        let request = DescribeLogDirsRequest {
            topics: Some(vec![DescribableLogDirTopic {
                topic: "t".to_owned(),
                partitions: vec![0; partitions],
            }]),
        };
        let mut frame = request.encode(&header).unwrap().into_bytes();
        DescribeLogDirsRequest::decode(frame.split_off(4)).map(|_| ())
    };
    assert_eq!(decode(MAX_REQUEST_ELEMENTS), Ok(()));
    let refused = kafkalite_wire::Error::TooManyElements {
        elements: MAX_REQUEST_ELEMENTS + 1,
        limit: MAX_REQUEST_ELEMENTS,
    };
    assert_eq!(decode(MAX_REQUEST_ELEMENTS + 1), Err(refused));
}

#[test]
fn noise_is_survived() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for subject in subjects() {
        for version in subject.in_all_versions() {
            for _ in 0..200 {
                // Mostly small numbers: they get further than uniform noise does.
                let length = noise() % 200;
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        if noise() % 4 == 0 {
                            noise() as u8
                        } else {
                            (noise() % 4) as u8
                        }
                    })
                    .collect();
                let _ = subject.decode(&bytes, version);
            }
        }
    }
}
