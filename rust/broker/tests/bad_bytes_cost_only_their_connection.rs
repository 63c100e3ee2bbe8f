//! Whatever arrives on the port: that connection is closed, everybody else is served.

mod support;

use kafkalite_wire::ErrorCode;
use support::{introduced, introduction, start};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn garbage_closes_the_connection() {
    let broker = start(&[]).await;
    let mut bystander = broker.connect().await;
    for garbage in [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        &[0xff; 64],
        &[0; 4],
        &[0, 0, 0, 3, 1, 2, 3],
    ] {
        let mut client = broker.connect().await;
        client.raw(garbage).await;
        client.assert_closed().await;
    }
    assert!(bystander.ask(4, &introduction()).await.error_code.is_none());
    broker.assert_well().await;
}

#[tokio::test]
async fn a_frame_beyond_the_limit_closes_the_connection() {
    let broker = start(&[("socket.request.max.bytes", "1000")]).await;
    for len in [1001, i32::MAX, -1, i32::MIN] {
        let mut client = broker.connect().await;
        client.raw(&len.to_be_bytes()).await;
        client.assert_closed().await;
    }
    broker.assert_well().await;
}

#[tokio::test]
async fn a_truncated_frame_is_no_request() {
    let broker = start(&[]).await;
    let whole = support::frame(4, 7, &introduction());
    for cut in [0, 1, 4, 5, whole.len() - 1] {
        let mut client = broker.connect().await;
        client.raw(&whole[..cut]).await;
        client.stream.shutdown().await.unwrap();
        client.assert_closed().await;
    }
    broker.assert_well().await;
}

#[tokio::test]
async fn a_request_whose_length_lies_closes_the_connection() {
    let broker = start(&[]).await;
    let mut whole = support::frame(4, 7, &introduction());
    // A byte too few, inside a frame that is complete. (One too many is ignored: librdkafka sends such.)
    let len = i32::from_be_bytes(whole[..4].try_into().unwrap()) - 1;
    let mut lying = len.to_be_bytes().to_vec();
    lying.extend(&whole[4..whole.len() - 1]);
    let mut client = broker.connect().await;
    client.raw(&lying).await;
    client.assert_closed().await;
    // A string that claims more bytes than the frame has.
    let at = whole.len() - 5;
    whole[at] = 0x7f;
    let mut client = broker.connect().await;
    client.raw(&whole).await;
    client.assert_closed().await;
    broker.assert_well().await;
}

#[tokio::test]
async fn an_unknown_api_closes_the_connection() {
    let broker = start(&[]).await;
    for api in [-1_i16, 4, 999, i16::MAX] {
        let mut client = broker.connect().await;
        let mut request = vec![0, 0, 0, 10];
        request.extend(api.to_be_bytes());
        request.extend([0, 0, 0, 0, 0, 1, 0xff, 0xff]);
        client.raw(&request).await;
        client.assert_closed().await;
    }
    broker.assert_well().await;
}

#[tokio::test]
async fn an_unknown_version_of_api_versions_is_told_all_that_is_served() {
    let broker = start(&[]).await;
    let known = broker.connect().await.ask(4, &introduction()).await;
    for version in [6, 99, i16::MAX, -1] {
        let mut client = broker.connect().await;
        let mut request = support::frame(4, 42, &introduction());
        request[6..8].copy_from_slice(&version.to_be_bytes());
        client.raw(&request).await;
        let (correlation_id, answer) = introduced(client.frame().await.unwrap(), 0);
        assert_eq!(
            (correlation_id, answer.error_code),
            (42, ErrorCode::UnsupportedVersion)
        );
        assert_eq!(answer.api_keys, known.api_keys);
        // The client goes on over the same connection, in a version that it has now learnt.
        assert_eq!(
            client.ask(0, &introduction()).await.api_keys,
            known.api_keys
        );
    }
}

#[tokio::test]
async fn an_unknown_version_of_another_api_closes_the_connection() {
    let broker = start(&[]).await;
    let mut client = broker.connect().await;
    let request = kafkalite_wire::api::describe_cluster::DescribeClusterRequest::default();
    let mut bytes = support::frame(0, 1, &request);
    bytes[6..8].copy_from_slice(&100_i16.to_be_bytes());
    client.raw(&bytes).await;
    client.assert_closed().await;
    broker.assert_well().await;
}

#[tokio::test]
async fn a_client_that_misnames_itself_is_told_so() {
    let broker = start(&[]).await;
    let mut request = introduction();
    request.client_software_name = "not a name!".to_owned();
    let mut client = broker.connect().await;
    assert_eq!(
        client.ask(3, &request).await.error_code,
        ErrorCode::InvalidRequest
    );
    assert_eq!(
        client.ask(3, &introduction()).await.error_code,
        ErrorCode::None
    );
}
