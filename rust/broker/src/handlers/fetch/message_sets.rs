//! Versions 0 to 3, for consumers of before Kafka 0.11: what is read is written down to message sets. They cannot ask for
//! committed messages only, and get those of aborted transactions too, as from Apache Kafka.

use std::sync::Arc;

use kafkalite_names::shown;
use kafkalite_records::legacy::MessageFormat;
use kafkalite_wire::{
    ErrorCode,
    api::fetch::{FetchRequest, FetchResponse, FetchedPartition},
};
use tokio::time::Instant;

use super::{Context, Reply, Terms, answer, begin, reading, reading::Read, session_error};
use crate::{
    down_conversion::{Source, WrittenSet},
    fetch_sessions::Wanted,
    refusal::Refusal,
    replicas::partition::Partition,
    warnings::About,
};

/// First version whose message sets may have timestamps (KIP-32).
const FIRST_WITH_FORMAT_V1: i16 = 2;

/// One partition of the answer while it is made.
enum Part {
    Refused(ErrorCode),
    Set {
        set: WrittenSet,
        high_watermark: i64,
    },
}

pub(super) async fn handle(context: &Context, request: FetchRequest) -> Reply<FetchResponse> {
    let format = match context.api_version {
        ..FIRST_WITH_FORMAT_V1 => MessageFormat::V0,
        _ => MessageFormat::V1,
    };
    let terms = Terms::of(context, &request, false);
    let mut wanted = match begin(context, request) {
        Ok(fetch) => fetch.wanted().to_vec(),
        Err(error) => return session_error(error).into(),
    };
    let partitions: Vec<_> = wanted
        .iter()
        .map(|wanted| reading::resolve(context, wanted))
        .collect();
    loop {
        let reads = reading::read(context, &terms, &wanted).await;
        let parts = write_down(context, format, &terms, &wanted, &partitions, reads).await;
        let Some(parts) = parts else {
            return Reply::Close("the broker is stopping".to_owned());
        };
        // What is for brokers only is passed over, and then waited for what follows: the consumer would ask at once again.
        let passed = pass(&mut wanted, &parts);
        if !passed || has_news(&partitions, &parts) || Instant::now() >= terms.deadline {
            let mut topics = answer::Topics::default();
            for (wanted, part) in wanted.iter().zip(parts) {
                topics.add(wanted, part.into_fetched(wanted.partition));
            }
            return topics.into_response().into();
        }
    }
}

/// Nothing if the runtime is being shut down.
async fn write_down(
    context: &Context,
    format: MessageFormat,
    terms: &Terms,
    wanted: &[Wanted],
    partitions: &[Result<Arc<Partition>, ErrorCode>],
    reads: Vec<Read>,
) -> Option<Vec<Part>> {
    let mut sources = Vec::new();
    let mut refused = Vec::with_capacity(reads.len());
    for ((wanted, partition), read) in wanted.iter().zip(partitions).zip(reads) {
        let source = match (partition, read) {
            (Ok(partition), Read::Records { slice, .. }) => Ok(Source {
                partition: Arc::clone(partition),
                slice,
                from: wanted.offset,
                max_bytes: usize::try_from(wanted.max_bytes).unwrap_or(0),
            }),
            (Err(code), _) => Err(*code),
            (Ok(_), Read::Refused(code)) => Err(code),
        };
        refused.push(source.map(|source| sources.push(source)).err());
    }
    let found: Vec<_> = sources
        .iter()
        .map(|source| Arc::clone(&source.partition))
        .collect();
    let written = context
        .broker
        .down_conversion
        .write_down(format, terms.max_bytes, sources)
        .await?;
    let mut written = found.iter().zip(written).map(|(partition, set)| match set {
        Ok(set) => Part::Set {
            set,
            // Read after the records, so that the answer never shows records above its own watermark.
            high_watermark: partition.log.high_watermark(),
        },
        Err(refusal) => {
            tell(context, partition, &refusal);
            Part::Refused(refusal.code)
        }
    });
    refused
        .into_iter()
        .map(|refused| refused.map(Part::Refused).or_else(|| written.next()))
        .collect()
}

/// The consumer has only a code, which it may not know: the operator reads why.
fn tell(context: &Context, partition: &Partition, refusal: &Refusal) {
    let reason = format!(
        "partition {} of {} cannot be written down for a consumer of before Kafka 0.11: {refusal}",
        partition.index,
        shown(&partition.topic),
    );
    let peer = context.connection.peer;
    if context
        .broker
        .warnings
        .is_new(About::Peer(peer.ip()), &reason)
    {
        tracing::warn!(id = context.connection.id, %peer, "{reason}");
    }
}

/// Goes on behind what nobody is shown. False if that was nothing.
fn pass(wanted: &mut [Wanted], parts: &[Part]) -> bool {
    let mut passed = false;
    for (wanted, part) in wanted.iter_mut().zip(parts) {
        if let Part::Set { set, .. } = part
            && set.bytes.is_empty()
            && set.next_offset > wanted.offset
        {
            wanted.offset = set.next_offset;
            passed = true;
        }
    }
    passed
}

/// Whether there is something to be told. What does not exist is not: it hurries nobody.
fn has_news(partitions: &[Result<Arc<Partition>, ErrorCode>], parts: &[Part]) -> bool {
    let is_news = |(partition, part): (&Result<_, _>, &Part)| match part {
        Part::Refused(_) => partition.is_ok(),
        Part::Set { set, .. } => !set.bytes.is_empty(),
    };
    partitions.iter().zip(parts).any(is_news)
}

impl Part {
    fn into_fetched(self, partition_index: i32) -> FetchedPartition {
        match self {
            Self::Refused(error_code) => FetchedPartition {
                partition_index,
                error_code,
                high_watermark: -1,
                ..Default::default()
            },
            Self::Set {
                set,
                high_watermark,
            } => FetchedPartition {
                partition_index,
                high_watermark,
                records: set.bytes.into(),
                ..Default::default()
            },
        }
    }
}
