//! Every API in every version, judged by the published codec: its bytes are read by us, ours by it, and what is read is
//! the same field by field.

mod support;

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages as theirs,
    protocol::{Decodable, Encodable, HeaderVersion, Message, StrBytes},
};
use kafkalite_wire::{ErrorCode, Reader, Request, RequestHeader, Response, Value, Version, api};
use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, TestRunner},
};
use support::debug::tree;

const CASES_PER_VERSION: u32 = 48;

/// Versions that are too old or too new for the oracle; `versions_by_hand.rs` has them.
const WITHOUT_ORACLE: &[(i16, i16)] = &[
    (1, 0),
    (1, 1),
    (1, 2),
    (1, 3),
    (2, 0),
    (2, 11),
    (8, 10),
    (9, 10),
    (18, 5),
    (19, 0),
    (19, 1),
    (20, 0),
    (35, 0),
    (35, 5),
    (42, 3),
];

/// Newer codes have come with Apache Kafka 4.4; none of them is to be retried.
const LAST_CODE_OF_ORACLE: i16 = 133;

/// Retriable in Apache Kafka's own client, not in the oracle.
const FATE_DIFFERS: &[ErrorCode] = &[ErrorCode::ConcurrentTransactions];

fn read<T: Value>(bytes: &[u8], version: Version) -> T {
    let mut reader = Reader::new(Bytes::copy_from_slice(bytes), version);
    let value = T::read(&mut reader).expect("well-formed bytes are read");
    reader.finish().expect("the message takes all bytes");
    value
}

fn their_bytes(message: &impl Encodable, version: i16) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    message
        .encode(&mut bytes, version)
        .expect("the oracle writes");
    bytes.to_vec()
}

/// One version of one message: bytes from the schema through both codecs. Returns our value and the bytes.
fn agree<O, T>(version: Version, entropy: &[u8]) -> (O, Vec<u8>)
where
    O: Value + PartialEq + Debug,
    T: Message + Encodable + Decodable + Debug,
{
    let bytes = support::bytes::Bytes::random(&O::KIND, version, entropy, false);
    let ours: O = read(&bytes, version);
    let mut rest = Bytes::copy_from_slice(&bytes);
    let oracle = T::decode(&mut rest, version.number()).expect("the oracle reads");
    assert!(rest.is_empty(), "the oracle takes all bytes");
    assert!(
        tree(&ours).says_the_same(&tree(&oracle)),
        "{ours:?}\nis not\n{oracle:?}"
    );
    assert_eq!(their_bytes(&oracle, version.number()), bytes);

    if version.is_flexible() {
        let extended = support::bytes::Bytes::random(&O::KIND, version, entropy, true);
        let mut rest = Bytes::copy_from_slice(&extended);
        let oracle = T::decode(&mut rest, version.number()).expect("the oracle reads");
        let read: O = read(&their_bytes(&oracle, version.number()), version);
        assert_eq!(read, ours, "unknown tagged fields are skipped");
    }
    (ours, bytes)
}

fn each_version<R: Request, T: Message>(check: impl Fn(i16, &[u8])) {
    for version in R::WITH_RETIRED {
        if version < T::VERSIONS.min || version > T::VERSIONS.max {
            assert!(
                WITHOUT_ORACLE.contains(&(R::KEY.code(), version)),
                "the oracle does not know {:?} {version}",
                R::KEY
            );
            continue;
        }
        let config = Config {
            cases: CASES_PER_VERSION,
            failure_persistence: None,
            ..Config::default()
        };
        TestRunner::new(config)
            .run(&vec(any::<u8>(), 0..400), |entropy| {
                check(version, &entropy);
                Ok(())
            })
            .unwrap_or_else(|failure| panic!("{:?} {version}: {failure}", R::KEY));
    }
}

fn requests<O, T>()
where
    O: Request + PartialEq + Debug,
    T: Message + Encodable + Decodable + HeaderVersion + Debug,
{
    each_version::<O, T>(|version, entropy| {
        let (ours, body) = agree::<O, T>(Version::new(version, O::FLEXIBLE), entropy);
        let header = RequestHeader {
            api_version: version,
            correlation_id: i32::from(entropy.first().copied().unwrap_or(0)) - 7,
            client_id: entropy
                .get(1)
                .map(|length| "c".repeat(usize::from(*length))),
        };
        let their_header = theirs::RequestHeader::default()
            .with_request_api_key(O::KEY.code())
            .with_request_api_version(version)
            .with_correlation_id(header.correlation_id)
            .with_client_id(header.client_id.clone().map(StrBytes::from_string));
        let mut expected = their_bytes(&their_header, T::header_version(version));
        expected.extend(&body);

        let mut frame = ours.encode(&header).expect("we write").into_bytes();
        let prefix = frame.split_to(4);
        assert_eq!(prefix[..], (expected.len() as i32).to_be_bytes());
        assert_eq!(frame[..], expected[..]);
        assert_eq!(O::decode(Bytes::from(expected)), Ok((header, ours)));
    });
}

fn responses<O, T>()
where
    O: Response + PartialEq + Debug,
    T: Message + Encodable + Decodable + HeaderVersion + Debug,
{
    each_version::<O::Request, T>(|version, entropy| {
        let flexible = <O::Request as Request>::FLEXIBLE;
        let (ours, body) = agree::<O, T>(Version::new(version, flexible), entropy);
        let id = i32::from(entropy.first().copied().unwrap_or(0)) - 7;
        let their_header = theirs::ResponseHeader::default().with_correlation_id(id);
        let mut expected = their_bytes(&their_header, T::header_version(version));
        expected.extend(&body);

        let mut frame = ours.encode(version, id).expect("we write").into_bytes();
        let prefix = frame.split_to(4);
        assert_eq!(prefix[..], (expected.len() as i32).to_be_bytes());
        assert_eq!(frame[..], expected[..]);
        assert_eq!(O::decode(Bytes::from(expected), version), Ok((id, ours)));
    });
}

macro_rules! against_the_oracle {
    ($($file:ident: $request:ident, $response:ident;)*) => {$(
        mod $file {
            use super::{api, requests, responses, theirs};

            #[test]
            fn request() {
                requests::<api::$file::$request, theirs::$request>();
            }

            #[test]
            fn response() {
                responses::<api::$file::$response, theirs::$response>();
            }
        }
    )*};
}

every_api!(against_the_oracle);

#[test]
fn every_key_is_tested() {
    macro_rules! count {
        ($($file:ident: $request:ident, $response:ident;)*) => { [$(stringify!($file)),*].len() };
    }
    assert_eq!(every_api!(count), kafkalite_wire::ApiKey::ALL.len());
}

#[test]
fn error_codes_have_the_same_names_and_fates() {
    use kafka_protocol::ResponseError;

    let newer = |code: &ErrorCode| code.code() > LAST_CODE_OF_ORACLE;
    for code in ErrorCode::ALL
        .iter()
        .filter(|code| !code.is_none() && !newer(code))
    {
        let theirs = ResponseError::try_from_code(code.code()).expect("an error");
        if !FATE_DIFFERS.contains(code) {
            assert_eq!(code.is_retriable(), theirs.is_retriable(), "{code:?}");
        }
        assert_eq!(
            code.name().replace('_', "").to_lowercase(),
            format!("{theirs:?}").to_lowercase()
        );
        assert_eq!(ErrorCode::from_code(code.code()), *code);
    }
    let next = ErrorCode::ALL.iter().map(|code| code.code()).max().unwrap() + 1;
    assert_eq!(ErrorCode::from_code(next), ErrorCode::Other(next));
}
