//! Takes responses off the socket and hands each to the request that waits for it.

use bytes::{Buf, Bytes, BytesMut};
use kafkalite_wire::frame;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::pending::{ConnectionEnd, PendingRequests};

/// Reserved at once for a response however long it claims to be; beyond that the buffer grows as bytes arrive.
const TRUSTED: usize = 1 << 20;

/// Reads responses until the connection ends; returns why it did.
pub(super) async fn read_responses(
    mut socket: impl AsyncRead + Unpin,
    pending: &PendingRequests,
    max_response: usize,
) -> ConnectionEnd {
    let mut buffer = BytesMut::with_capacity(8 << 10);
    loop {
        match next_frame(&mut socket, &mut buffer, max_response).await {
            Ok(response) => {
                if let Err(end) = pending.complete(response) {
                    return end;
                }
            }
            Err(end) => return end,
        }
    }
}

/// The next response, without its length prefix. Not cancellation-safe: the reader's task alone calls it.
async fn next_frame(
    socket: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    max_response: usize,
) -> Result<Bytes, ConnectionEnd> {
    fill(socket, buffer, frame::PREFIX_LEN).await?;
    let prefix = *buffer.first_chunk().expect("filled with the prefix");
    let length = frame::length(prefix, max_response).map_err(|error| {
        ConnectionEnd::Nonsense(format!(
            "{error} (receive.message.max.bytes); is that port a Kafka listener, and a plaintext one?"
        ))
    })?;
    buffer.advance(frame::PREFIX_LEN);
    fill(socket, buffer, length).await?;
    Ok(buffer.split_to(length).freeze())
}

/// Reads until `buffer` holds `wanted` bytes; what comes beyond stays for the next response.
async fn fill(
    socket: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    wanted: usize,
) -> Result<(), ConnectionEnd> {
    while buffer.len() < wanted {
        let missing = wanted - buffer.len();
        // Doubling what has really come bounds what a false length can make us allocate.
        buffer.reserve(missing.min(TRUSTED.max(buffer.len())).max(4 << 10));
        match socket.read_buf(buffer).await {
            Ok(0) => return Err(ConnectionEnd::Lost("the broker closed it".to_owned())),
            Ok(_) => {}
            Err(error) => return Err(ConnectionEnd::Lost(error.to_string())),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_claimed_length_is_not_allocated() {
        let mut socket = &[0x05, 0xf5, 0xe1, 0x00, 1, 2, 3][..]; // claims 100,000,000 bytes
        let mut buffer = BytesMut::new();
        let error = next_frame(&mut socket, &mut buffer, 104_857_600)
            .await
            .unwrap_err();
        assert_eq!(
            error,
            ConnectionEnd::Lost("the broker closed it".to_owned())
        );
        assert!(buffer.capacity() <= 2 * TRUSTED, "{}", buffer.capacity());
    }

    #[tokio::test]
    async fn a_length_beyond_the_limit_names_the_setting() {
        let mut socket = &b"HTTP/1.1 400 Bad Request"[..];
        let error = next_frame(&mut socket, &mut BytesMut::new(), 1000)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ConnectionEnd::Nonsense(text) if text.contains("receive.message.max.bytes")),
            "{error:?}"
        );
    }

    #[tokio::test]
    async fn frames_are_cut_where_they_end() {
        let mut socket = &[0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9][..];
        let mut buffer = BytesMut::new();
        assert_eq!(
            next_frame(&mut socket, &mut buffer, 100).await.unwrap(),
            [7, 8][..]
        );
        assert_eq!(
            next_frame(&mut socket, &mut buffer, 100).await.unwrap(),
            [9][..]
        );
    }
}
