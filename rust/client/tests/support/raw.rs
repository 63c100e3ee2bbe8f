//! A client that says what it likes.

use kafkalite_wire::{Request, RequestHeader, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) async fn connect(bootstrap: &str) -> Self {
        Self(TcpStream::connect(bootstrap).await.unwrap())
    }

    /// Asks, in this version.
    pub(crate) async fn ask<R: Request>(&mut self, request: &R, api_version: i16) -> R::Response {
        let header = RequestHeader {
            api_version,
            correlation_id: 1,
            client_id: None,
        };
        let frame = request.encode(&header).unwrap().into_bytes();
        self.0.write_all(&frame).await.unwrap();
        let length = self.0.read_i32().await.unwrap();
        let mut answer = vec![0; length as usize];
        self.0.read_exact(&mut answer).await.unwrap();
        R::Response::decode(answer.into(), api_version).unwrap().1
    }
}
