//! The task that sends: tells the [`Dispatcher`] what happens, and does what it wants done. Decides nothing.

mod identify;
mod missing;
mod request;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kafkalite_link::Connection;
use kafkalite_records::BatchOrigin;
use kafkalite_wire::ErrorCode;
use kafkalite_world::Dice;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until};

use super::compressors::Compressors;
use super::dispatcher::{Dispatcher, DispatcherEffect, DispatcherEvent};
use super::shared::ProducerShared;
use crate::cluster::Purpose;
use crate::codec_pool;
use crate::error::{ClientError, Result};
use crate::tasks::Tasks;

/// Runs until the producer is closed and then fails what is left.
pub(super) async fn run(
    shared: Arc<ProducerShared>,
    compressors: Compressors,
    idempotent: bool,
    dice: Dice,
) {
    Sender::new(shared, compressors, idempotent, dice)
        .run()
        .await;
}

struct Sender {
    shared: Arc<ProducerShared>,
    compressors: Arc<Compressors>,
    dispatcher: Dispatcher,
    /// By the leaders' numbers.
    connections: HashMap<i32, Arc<Connection>>,
    tasks: Tasks<Work, Done>,
}

/// What a task works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Connects to this leader.
    Connect(i32),
    /// Waits for the answer to this request.
    Send(u64),
    /// Compresses what this lane waits for.
    Compress(usize),
    Refresh,
    Identify,
}

/// What a task brings back.
enum Done {
    /// There is a connection to this leader.
    Connected(i32, Arc<Connection>),
    /// Something else has happened.
    Told(DispatcherEvent),
}

impl Work {
    /// What has happened if it ends without a result: nobody knows what became of it.
    fn broken(self, now_ms: i64) -> DispatcherEvent {
        let error = ClientError::Closed("connection");
        match self {
            Work::Connect(leader) => DispatcherEvent::Connected(leader, Err(error)),
            Work::Send(request) => DispatcherEvent::Answered {
                request,
                answer: Err(error),
                now_ms,
            },
            Work::Compress(lane) => DispatcherEvent::Compressed(lane, None),
            Work::Refresh => DispatcherEvent::Refreshed(Err(error)),
            // It may pass, so nothing that waits for it fails.
            Work::Identify => DispatcherEvent::Identified(Err(ClientError::broker(
                "InitProducerId",
                "a producer id",
                ErrorCode::CoordinatorNotAvailable,
                Some("asking for it broke off".to_owned()),
            ))),
        }
    }
}

impl Sender {
    fn new(
        shared: Arc<ProducerShared>,
        compressors: Compressors,
        idempotent: bool,
        dice: Dice,
    ) -> Self {
        let compressors = Arc::new(compressors);
        let dispatcher = Dispatcher::new(
            shared.config.clone(),
            Arc::clone(&compressors),
            Arc::clone(&shared.topics),
            shared.cluster.metadata(),
            idempotent,
            dice,
            Instant::now(),
        );
        Self {
            shared,
            compressors,
            dispatcher,
            connections: HashMap::new(),
            tasks: Tasks::new(),
        }
    }

    async fn run(&mut self) {
        while !self.shared.abort.load(Ordering::Acquire) {
            self.look_around();
            let hurry = self.shared.intake.bell.is_hurried();
            let wake_at = self.dispatcher.dispatch(Instant::now(), hurry);
            self.carry_out();
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                () = shared.intake.bell.rung() => {}
                () = sleep_until(wake_at) => {}
                Some((work, outcome)) = self.tasks.next() => {
                    self.ended(work, outcome);
                    while let Some((work, outcome)) = self.tasks.try_next() {
                        self.ended(work, outcome);
                    }
                    // Who waits for a delivery need not wait for what is sent next.
                    self.carry_out();
                }
            }
        }
    }

    fn tell(&mut self, event: DispatcherEvent) {
        self.dispatcher.on(event, Instant::now());
    }

    /// Learns what no task brings.
    fn look_around(&mut self) {
        self.adopt_fresh();
        self.look_at_cluster();
        let closed = |connection: &mut Arc<Connection>| !connection.is_open();
        let lost = self
            .connections
            .extract_if(|_, connection| closed(connection));
        for (leader, _) in lost.collect::<Vec<_>>() {
            self.tell(DispatcherEvent::Lost(leader));
        }
    }

    /// Learns about partitions with something new.
    fn adopt_fresh(&mut self) {
        for accumulator in self.shared.intake.bell.take_fresh() {
            self.tell(DispatcherEvent::Fresh(accumulator));
        }
    }

    /// Learns what others have found out about the cluster.
    fn look_at_cluster(&mut self) {
        let image = self.shared.cluster.metadata();
        if !Arc::ptr_eq(&image, self.dispatcher.image()) {
            self.tell(DispatcherEvent::Image(image));
        }
    }

    /// A task has ended, with a result or without.
    fn ended(&mut self, work: Work, outcome: Result<Done, JoinError>) {
        match outcome {
            Ok(Done::Connected(leader, connection)) => {
                self.connections.insert(leader, connection);
                self.happened(DispatcherEvent::Connected(leader, Ok(())));
            }
            Ok(Done::Told(event)) => self.happened(event),
            Err(error) => {
                tracing::error!(%error, "a producer's work ended before it was done");
                self.happened(work.broken(self.shared.clock.now_ms()));
            }
        }
    }

    fn happened(&mut self, event: DispatcherEvent) {
        let refreshed = matches!(event, DispatcherEvent::Refreshed(Ok(())));
        if refreshed {
            self.look_at_cluster();
        }
        self.tell(event);
        if refreshed {
            self.tell_of_missing();
        }
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.dispatcher.next_effect() {
            self.effect(effect);
        }
    }

    fn effect(&mut self, effect: DispatcherEffect) {
        let shared = Arc::clone(&self.shared);
        match effect {
            DispatcherEffect::Connect(leader) => {
                self.tasks.begin(Work::Connect(leader), async move {
                    match shared.cluster.connection(leader, Purpose::Produce).await {
                        Ok(connection) => Done::Connected(leader, connection),
                        Err(error) => Done::Told(DispatcherEvent::Connected(leader, Err(error))),
                    }
                });
            }
            DispatcherEffect::Send {
                request,
                leader,
                parcel,
            } => {
                let connection = self.connections.get(&leader).cloned();
                let answer = request::send(&shared.config, connection, parcel);
                self.tasks.begin(Work::Send(request), async move {
                    Done::Told(DispatcherEvent::Answered {
                        request,
                        answer: answer.await,
                        now_ms: shared.clock.now_ms(),
                    })
                });
            }
            DispatcherEffect::Refresh(seen) => self.tasks.begin(Work::Refresh, async move {
                let refreshed = shared.cluster.refresh(&seen).await;
                Done::Told(DispatcherEvent::Refreshed(refreshed.map(drop)))
            }),
            DispatcherEffect::MayCreate(topic) => shared.cluster.may_create(&topic),
            DispatcherEffect::Identify => self.tasks.begin(Work::Identify, async move {
                Done::Told(DispatcherEvent::Identified(
                    identify::identify(&shared).await,
                ))
            }),
            DispatcherEffect::Compress(lane, mut records) => {
                let compressors = Arc::clone(&self.compressors);
                let compressed = codec_pool::run(move || {
                    let bytes = compressors.build(&mut records, BatchOrigin::ANONYMOUS);
                    (bytes, records)
                });
                self.tasks.begin(Work::Compress(lane), async move {
                    Done::Told(DispatcherEvent::Compressed(lane, Some(compressed.await)))
                });
            }
            DispatcherEffect::Opened(place) => shared.intake.ledger.opened(place),
            DispatcherEffect::Settle(settlement) => {
                let (place, memory) = (settlement.place, settlement.memory);
                settlement.tell();
                shared.settled(place, memory);
            }
            DispatcherEffect::Recycle(builder) => shared.intake.builders.recycle(builder),
        }
    }
}

impl Drop for Sender {
    /// However the task ends, nobody waits for a delivery in vain.
    fn drop(&mut self) {
        self.shared.closing.close();
        self.tasks = Tasks::new();
        self.adopt_fresh();
        self.tell(DispatcherEvent::Ended);
        while let Some(effect) = self.dispatcher.next_effect() {
            // What was wanted besides has nobody to answer to.
            if let DispatcherEffect::Opened(_) | DispatcherEffect::Settle(_) = effect {
                self.effect(effect);
            }
        }
        self.shared.cluster.close();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;
    use std::time::Duration;

    use kafkalite_wire::api::metadata::{
        MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic,
    };
    use kafkalite_world::World;

    use super::*;
    use crate::cluster::{Cluster, Metadata};
    use crate::config::ProducerConfig;
    use crate::producer::ProducerRecord;

    /// A sender with a record for a partition that this broker leads, if it is one.
    fn sender(idempotent: bool, leader: i32) -> Sender {
        let config = ProducerConfig::from_pairs([("bootstrap.servers", "localhost:1")]).unwrap();
        let world = World::real();
        let cluster = Cluster::new(config.client.clone(), &world.dice).unwrap();
        let compressors = Compressors::new(config.compression, None).unwrap();
        let shared = Arc::new(ProducerShared::new(config, cluster, &world));
        let dice = Dice::default();
        let mut sender = Sender::new(Arc::clone(&shared), compressors, idempotent, dice);
        let image = Metadata::of(MetadataResponse {
            brokers: vec![MetadataBroker {
                node_id: 7,
                ..MetadataBroker::default()
            }],
            topics: vec![MetadataTopic {
                name: Some("t".to_owned()),
                partitions: vec![MetadataPartition {
                    leader_id: leader,
                    ..MetadataPartition::default()
                }],
                ..MetadataTopic::default()
            }],
            ..MetadataResponse::default()
        });
        let interest = shared.cluster.interest(&"t".into());
        let topic = shared.topics.learn(&image.topics["t"], interest);
        let partition = &topic.accumulators()[0];
        partition
            .append(
                &shared.intake,
                &ProducerRecord::default(),
                0,
                0,
                Instant::now,
            )
            .unwrap();
        sender.tell(DispatcherEvent::Image(Arc::new(image)));
        sender.adopt_fresh();
        sender
    }

    #[tokio::test]
    async fn work_that_panics_is_begun_again() {
        type IsWanted = fn(&DispatcherEffect) -> bool;
        let connect: IsWanted = |effect| matches!(effect, DispatcherEffect::Connect(7));
        let refresh: IsWanted = |effect| matches!(effect, DispatcherEffect::Refresh(_));
        let identify: IsWanted = |effect| matches!(effect, DispatcherEffect::Identify);
        for (idempotent, leader, work, is_wanted) in [
            (false, 7, Work::Connect(7), connect),
            (false, -1, Work::Refresh, refresh),
            (true, 7, Work::Identify, identify),
        ] {
            let mut sender = sender(idempotent, leader);
            let mut now = Instant::now();
            for _ in 0..3 {
                let wanted = std::iter::repeat_with(|| {
                    sender.dispatcher.dispatch(now, true);
                    now += Duration::from_secs(1);
                    sender.dispatcher.next_effect()
                });
                let mut wanted = wanted.take(10).flatten();
                assert!(wanted.any(|effect| is_wanted(&effect)), "{work:?}");
                // A panic that prints nothing.
                let panic = async { resume_unwind(Box::new("a test")) };
                sender.tasks.begin(work, panic);
                let (work, outcome) = sender.tasks.next().await.unwrap();
                sender.ended(work, outcome);
            }
        }
    }
}
