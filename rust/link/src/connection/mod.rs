//! A connection to one broker: requests are pipelined, answers come in the order of asking.
//!
//! One task owns the socket. Dropping a [`PendingReply`] cancels nothing on the wire: the answer is read and dropped. It does
//! not reconnect; [`Pool`](crate::Pool) makes a new one where one ended.

mod destination;
mod dial;
mod pending;
mod reader;
mod versions;
mod writer;

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafkalite_wire::api::api_versions::ApiVersionsRequest;
use kafkalite_wire::{Encoded, ErrorCode, Part, Request, RequestHeader, Response};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::address::Address;
use crate::config::LinkConfig;
use crate::error::{LinkError, Result};
pub use destination::Destination;
use pending::{Answer, ConnectionEnd, PendingRequests};
use versions::BrokerVersions;

/// An open connection whose broker's versions are known.
#[derive(Debug)]
pub struct Connection {
    channel: Arc<Channel>,
    versions: BrokerVersions,
}

/// What the task that owns the socket and everybody who sends share.
#[derive(Debug)]
struct Channel {
    address: Address,
    client_id: String,
    pending: PendingRequests,
    frames: mpsc::UnboundedSender<writer::OutgoingFrame>,
    hung_up: Notify,
}

impl Connection {
    /// Connects and negotiates versions. Without a destination any broker will do, as long as none is known.
    pub async fn open(
        address: &Address,
        destination: Option<Destination>,
        config: &LinkConfig,
    ) -> Result<Self> {
        let stream = dial::dial(address, config).await?;
        let (frames, outgoing) = mpsc::unbounded_channel();
        let channel = Arc::new(Channel {
            address: address.clone(),
            client_id: config.client_id.clone(),
            pending: PendingRequests::default(),
            frames,
            hung_up: Notify::new(),
        });
        tokio::spawn(Arc::clone(&channel).run(stream, outgoing, config.max_response_bytes));
        let mut connection = Self {
            channel,
            versions: BrokerVersions::default(),
        };
        connection.versions = connection.negotiate(destination.as_ref(), config).await?;
        Ok(connection)
    }

    async fn negotiate(
        &self,
        destination: Option<&Destination>,
        config: &LinkConfig,
    ) -> Result<BrokerVersions> {
        let mut request = ApiVersionsRequest {
            client_software_name: "kafkalite".to_owned(),
            client_software_version: env!("CARGO_PKG_VERSION").to_owned(),
            ..ApiVersionsRequest::default()
        };
        if let Some(destination) = destination {
            destination.name_in(&mut request);
        }
        let mut version = *ApiVersionsRequest::VERSIONS.end();
        loop {
            let frame = self
                .channel
                .ask(&request, version, &[])?
                .wait::<ApiVersionsRequest>(&self.channel, config.request_timeout)
                .await?;
            // After the correlation id comes the error code, in every version. A refusal has the body of version 0.
            let refused = frame.get(4..6)
                == Some(&ErrorCode::UnsupportedVersion.code().to_be_bytes())
                && version > 0;
            let response = self
                .channel
                .decode::<ApiVersionsRequest>(frame, if refused { 0 } else { version })?;
            if refused {
                version = versions::fallback(&response, ApiVersionsRequest::KEY.code())
                    .clamp(0, version - 1);
            } else if response.error_code == ErrorCode::None {
                return Ok(BrokerVersions::of(&response, config.highest));
            } else if let Some(destination) = destination
                && response.error_code == ErrorCode::RebootstrapRequired
            {
                return Err(destination.missed(&self.channel.address));
            } else {
                return Err(LinkError::Refused {
                    address: self.channel.address.clone(),
                    code: response.error_code,
                });
            }
        }
    }

    /// The highest version of an API that both sides speak.
    pub fn version<R: Request>(&self) -> Result<i16> {
        self.versions.common::<R>(&self.channel.address)
    }

    /// Queues a request, in the order of calls, and returns what waits for its answer.
    pub fn send<R: Request>(&self, request: &R, timeout: Duration) -> Result<PendingReply<R>> {
        self.send_spliced(request, self.version::<R>()?, &[], timeout)
    }

    /// As [`send`](Self::send), in a version of the caller's choice; spliced records are taken from `slots`.
    pub fn send_spliced<R: Request>(
        &self,
        request: &R,
        version: i16,
        slots: &[Bytes],
        timeout: Duration,
    ) -> Result<PendingReply<R>> {
        let answer = self.channel.ask(request, version, slots)?;
        Ok(PendingReply {
            answer,
            channel: Arc::clone(&self.channel),
            version,
            timeout,
            request: PhantomData,
        })
    }

    /// Queues a request that the broker does not answer (produce with acks=0).
    pub fn send_unanswered<R: Request>(
        &self,
        request: &R,
        version: i16,
        slots: &[Bytes],
    ) -> Result<PendingWrite> {
        let (written, watcher) = oneshot::channel();
        self.channel.queue(request, version, slots, Some(written))?;
        Ok(PendingWrite {
            watcher,
            channel: Arc::clone(&self.channel),
        })
    }

    /// Sends a request and waits for its answer.
    pub async fn call<R: Request>(&self, request: &R, timeout: Duration) -> Result<R::Response> {
        self.send(request, timeout)?.response().await
    }

    /// As [`call`](Self::call), with a request that differs with the version that both sides speak.
    pub async fn call_in_version<R: Request>(
        &self,
        request: impl Fn(i16) -> R,
        timeout: Duration,
    ) -> Result<R::Response> {
        let request = request(self.version::<R>()?);
        self.call(&request, timeout).await
    }

    /// Whether requests can be sent.
    pub fn is_open(&self) -> bool {
        self.channel.pending.is_open()
    }

    /// Where it leads.
    pub fn address(&self) -> &Address {
        &self.channel.address
    }

    /// Ends the connection; whatever is unanswered fails.
    pub fn close(&self) {
        self.channel.hang_up(
            &ConnectionEnd::Lost("the client closed it".to_owned())
                .into_error(&self.channel.address),
        );
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}

impl Channel {
    async fn run(
        self: Arc<Self>,
        mut stream: TcpStream,
        mut outgoing: mpsc::UnboundedReceiver<writer::OutgoingFrame>,
        max_response: usize,
    ) {
        let (incoming, outlet) = stream.split();
        let end = tokio::select! {
            end = reader::read_responses(incoming, &self.pending, max_response) => end,
            end = writer::write_frames(outlet, &mut outgoing) => end,
            () = self.hung_up.notified() => return,
        };
        tracing::debug!(address = %self.address, ?end, "connection ended");
        self.pending.end(&end.into_error(&self.address));
    }

    fn hang_up(&self, error: &LinkError) {
        self.pending.end(error);
        self.hung_up.notify_one();
    }

    /// Queues a request that is answered.
    fn ask<R: Request>(
        &self,
        request: &R,
        api_version: i16,
        slots: &[Bytes],
    ) -> Result<Unanswered> {
        let waiting = self.queue(request, api_version, slots, None)?;
        Ok(waiting.expect("who is not told of the writing is answered"))
    }

    /// Queues a request; with `written`, one that is not answered.
    fn queue<R: Request>(
        &self,
        request: &R,
        api_version: i16,
        slots: &[Bytes],
        written: Option<oneshot::Sender<()>>,
    ) -> Result<Option<Unanswered>> {
        let answered = written.is_none();
        let ask = |correlation_id| {
            let client_id = Some(self.client_id.clone());
            let header = RequestHeader {
                api_version,
                correlation_id,
                client_id,
            };
            let encoded = request.encode(&header).map_err(|error| match error {
                kafkalite_wire::Error::TooLong { .. } => LinkError::Unsendable {
                    api: R::KEY.name(),
                    detail: error.to_string().into(),
                },
                error => self.nonsense(R::KEY.name(), &error),
            })?;
            // The task has ended only if `pending` has, which was looked at just now: nothing to lose here.
            let _ = self.frames.send(writer::OutgoingFrame {
                parts: parts(encoded, slots),
                written,
            });
            Ok(())
        };
        Ok(self.pending.ask(answered, ask)?.map(Unanswered))
    }

    fn decode<R: Request>(&self, frame: Bytes, version: i16) -> Result<R::Response> {
        match R::Response::decode(frame, version) {
            Ok((_, response)) => Ok(response),
            Err(error) => {
                let error = self.nonsense(R::KEY.name(), &error);
                self.hang_up(&error);
                Err(error)
            }
        }
    }

    fn nonsense(&self, api: &str, error: &kafkalite_wire::Error) -> LinkError {
        ConnectionEnd::Nonsense(format!("{api}: {error}")).into_error(&self.address)
    }
}

fn parts(encoded: Encoded, slots: &[Bytes]) -> Vec<Bytes> {
    let parts = encoded.into_parts().into_iter();
    parts
        .map(|part| match part {
            Part::Bytes(bytes) => bytes,
            Part::Splice { slot, .. } => slots[slot as usize].clone(),
        })
        .collect()
}

/// The answer to come, as bytes.
struct Unanswered(Answer);

impl Unanswered {
    async fn wait<R: Request>(self, channel: &Channel, timeout: Duration) -> Result<Bytes> {
        match timeout_at(Instant::now() + timeout, self.0).await {
            Ok(Ok(result)) => result,
            // Dropped without an answer: the task was, with its runtime.
            Ok(Err(_)) => Err(ConnectionEnd::Lost("the client's runtime ended".to_owned())
                .into_error(&channel.address)),
            Err(_) => {
                // Answers come in order, so nothing behind this one would come either.
                let error = LinkError::RequestTimedOut {
                    api: R::KEY.name(),
                    address: channel.address.clone(),
                    after: timeout,
                };
                channel.hang_up(&error);
                Err(error)
            }
        }
    }
}

/// What waits for the answer to a request. Dropping it is fine: the answer is then read and dropped.
pub struct PendingReply<R: Request> {
    answer: Unanswered,
    channel: Arc<Channel>,
    version: i16,
    timeout: Duration,
    request: PhantomData<fn() -> R>,
}

impl<R: Request> PendingReply<R> {
    /// The answer; the connection is closed if it takes longer than the time given with the request.
    pub async fn response(self) -> Result<R::Response> {
        let frame = self.answer.wait::<R>(&self.channel, self.timeout).await?;
        self.channel.decode::<R>(frame, self.version)
    }
}

/// What waits until a request that is not answered has been written.
pub struct PendingWrite {
    watcher: oneshot::Receiver<()>,
    channel: Arc<Channel>,
}

impl PendingWrite {
    /// Returns when the request is with the operating system.
    pub async fn done(self) -> Result<()> {
        self.watcher.await.map_err(|_| {
            ConnectionEnd::Lost("it ended before all was written".to_owned())
                .into_error(&self.channel.address)
        })
    }
}
