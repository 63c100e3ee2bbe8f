//! Names that Apache Kafka knows and that have no row here.
//!
//! A properties file written for Kafka starts this broker too: what has no meaning here is accepted with a warning. What
//! would make somebody believe that connections are encrypted, authenticated or authorised is refused instead.

/// What a name without a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// Kafka's, without meaning here: warn and go on.
    Ignored,
    /// Kafka's, and dangerous to ignore: refuse, with what is missing.
    Refused(&'static str),
}

/// What `name` is, when it is one of Kafka's.
pub(super) fn foreign(name: &str) -> Option<Foreign> {
    if name.starts_with("ssl.") || name.starts_with("sasl.") || name.starts_with("listener.name.") {
        return Some(Foreign::Refused(
            "does not encrypt or authenticate connections yet",
        ));
    }
    match name {
        "authorizer.class.name" | "super.users" | "allow.everyone.if.no.acl.found" => {
            Some(Foreign::Refused("does not authorise requests yet"))
        }
        "password.encoder.secret"
        | "delegation.token.secret.key"
        | "delegation.token.master.key" => Some(Foreign::Refused("keeps no secrets yet")),
        _ => IGNORED
            .binary_search(&name)
            .is_ok()
            .then_some(Foreign::Ignored),
    }
}

/// The names that are accepted and mean nothing, for the suggestion of a nearest one.
pub(super) fn ignored() -> impl Iterator<Item = &'static str> {
    IGNORED.iter().copied()
}

#[rustfmt::skip] // one family a line
static IGNORED: &[&str] = &[
    "add.partitions.to.txn.retry.backoff.max.ms", "add.partitions.to.txn.retry.backoff.ms",
    "alter.config.policy.class.name", "alter.log.dirs.replication.quota.window.num",
    "alter.log.dirs.replication.quota.window.size.seconds",
    "auto.include.jmx.reporter", "auto.leader.rebalance.enable",
    "background.threads",
    "broker.heartbeat.interval.ms", "broker.id.generation.enable", "broker.session.timeout.ms",
    "client.quota.callback.class",
    "config.providers",
    "connection.failed.authentication.delay.ms",
    "connections.max.reauth.ms",
    "control.plane.listener.name",
    "controlled.shutdown.enable", "controlled.shutdown.max.retries", "controlled.shutdown.retry.backoff.ms",
    "controller.listener.names", "controller.quorum.append.linger.ms", "controller.quorum.auto.join.enable",
    "controller.quorum.bootstrap.servers", "controller.quorum.election.backoff.max.ms",
    "controller.quorum.election.timeout.ms", "controller.quorum.fetch.max.bytes",
    "controller.quorum.fetch.snapshot.max.bytes", "controller.quorum.fetch.timeout.ms",
    "controller.quorum.request.timeout.ms", "controller.quorum.retry.backoff.ms", "controller.quorum.voters",
    "controller.quota.window.num", "controller.quota.window.size.seconds", "controller.socket.timeout.ms",
    "cordoned.log.dirs",
    "create.topic.policy.class.name",
    "delegation.token.expiry.check.interval.ms", "delegation.token.expiry.time.ms",
    "delegation.token.max.lifetime.ms",
    "delete.records.purgatory.purge.interval.requests",
    "early.start.listeners",
    "eligible.leader.replicas.enable",
    "fetch.purgatory.purge.interval.requests",
    "follower.fetch.last.tiered.offset.enable", "follower.replication.throttled.rate",
    "group.consumer.max.assignment.interval.ms",
    "group.consumer.min.assignment.interval.ms",
    "group.coordinator.append.linger.ms", "group.coordinator.background.threads",
    "group.coordinator.cached.buffer.max.bytes", "group.coordinator.new.enable",
    "group.coordinator.rebalance.protocols", "group.coordinator.threads",
    "group.share.assignors",
    "group.share.enable", "group.share.max.assignment.interval.ms",
    "group.share.max.delivery.count.limit", "group.share.max.groups", "group.share.max.heartbeat.interval.ms",
    "group.share.max.partition.max.record.locks", "group.share.max.record.lock.duration.ms",
    "group.share.max.session.timeout.ms", "group.share.max.share.sessions", "group.share.max.size",
    "group.share.min.assignment.interval.ms", "group.share.min.delivery.count.limit",
    "group.share.min.heartbeat.interval.ms", "group.share.min.partition.max.record.locks",
    "group.share.min.record.lock.duration.ms", "group.share.min.session.timeout.ms",
    "group.streams.max.assignment.interval.ms",
    "group.streams.max.heartbeat.interval.ms", "group.streams.max.session.timeout.ms", "group.streams.max.size",
    "group.streams.max.standby.replicas", "group.streams.min.assignment.interval.ms",
    "group.streams.min.heartbeat.interval.ms", "group.streams.min.session.timeout.ms",
    "group.streams.topology.description.plugin.class",
    "initial.broker.registration.timeout.ms",
    "inter.broker.listener.name", "inter.broker.protocol.version",
    "kafka.metrics.polling.interval.secs", "kafka.metrics.reporters",
    "leader.imbalance.check.interval.seconds", "leader.imbalance.per.broker.percentage",
    "leader.replication.throttled.rate",
    "listener.security.protocol.map",
    "log.dir.failure.timeout.ms", "log.initial.task.delay.ms",
    "log.message.format.version", "log.message.timestamp.difference.max.ms",
    "max.connection.creation.rate",
    "metadata.log.dir", "metadata.log.max.record.bytes.between.snapshots", "metadata.log.max.snapshot.interval.ms",
    "metadata.log.segment.bytes", "metadata.log.segment.min.bytes", "metadata.log.segment.ms",
    "metadata.max.idle.interval.ms", "metadata.max.retention.bytes", "metadata.max.retention.ms",
    "metric.reporters",
    "metrics.num.samples", "metrics.recording.level", "metrics.sample.window.ms",
    "num.io.threads", "num.network.threads", "num.recovery.threads.per.data.dir",
    "num.replica.alter.log.dirs.threads", "num.replica.fetchers",
    "offsets.commit.required.acks", "offsets.commit.timeout.ms", "offsets.load.buffer.size",
    "offsets.topic.compression.codec", "offsets.topic.replication.factor",
    "principal.builder.class",
    "process.roles",
    "producer.purgatory.purge.interval.requests",
    "queued.max.requests",
    "quota.window.num", "quota.window.size.seconds",
    "remote.fetch.max.wait.ms", "remote.list.offsets.request.timeout.ms",
    "remote.log.index.file.cache.total.size.bytes", "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.copy.max.bytes.per.second", "remote.log.manager.copy.quota.window.num",
    "remote.log.manager.copy.quota.window.size.seconds", "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.fetch.max.bytes.per.second", "remote.log.manager.fetch.quota.window.num",
    "remote.log.manager.fetch.quota.window.size.seconds", "remote.log.manager.follower.thread.pool.size",
    "remote.log.manager.task.interval.ms", "remote.log.manager.task.retry.backoff.max.ms",
    "remote.log.manager.task.retry.backoff.ms", "remote.log.manager.task.retry.jitter",
    "remote.log.manager.thread.pool.size", "remote.log.metadata.custom.metadata.max.bytes",
    "remote.log.metadata.manager.class.name", "remote.log.metadata.manager.class.path",
    "remote.log.metadata.manager.impl.prefix", "remote.log.metadata.manager.listener.name",
    "remote.log.reader.max.pending.tasks", "remote.log.reader.threads", "remote.log.storage.manager.class.name",
    "remote.log.storage.manager.class.path", "remote.log.storage.manager.impl.prefix",
    "remote.log.storage.system.enable",
    "replica.alter.log.dirs.io.max.bytes.per.second", "replica.fetch.backoff.ms", "replica.fetch.max.bytes",
    "replica.fetch.min.bytes", "replica.fetch.response.max.bytes", "replica.fetch.wait.max.ms",
    "replica.high.watermark.checkpoint.interval.ms", "replica.lag.time.max.ms", "replica.selector.class",
    "replica.socket.receive.buffer.bytes", "replica.socket.timeout.ms",
    "replication.quota.window.num", "replication.quota.window.size.seconds",
    "request.timeout.ms",
    "reserved.broker.max.id",
    "security.inter.broker.protocol", "security.providers",
    "server.max.startup.time.ms",
    "share.coordinator.append.linger.ms", "share.coordinator.cached.buffer.max.bytes",
    "share.coordinator.load.buffer.size", "share.coordinator.snapshot.update.records.per.snapshot",
    "share.coordinator.state.topic.compression.codec", "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.num.partitions", "share.coordinator.state.topic.replication.factor",
    "share.coordinator.state.topic.segment.bytes", "share.coordinator.threads", "share.coordinator.write.timeout.ms",
    "share.fetch.max.fetch.records", "share.fetch.purgatory.purge.interval.requests",
    "socket.connection.setup.timeout.max.ms", "socket.connection.setup.timeout.ms",
    "telemetry.max.bytes",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms", "transaction.partition.verification.enable",
    "transaction.remove.expired.transaction.cleanup.interval.ms", "transaction.state.log.load.buffer.size",
    "transaction.state.log.min.isr", "transaction.state.log.num.partitions",
    "transaction.state.log.replication.factor", "transaction.state.log.segment.bytes",
    "transaction.two.phase.commit.enable",
    "transactional.id.expiration.ms",
    "unclean.leader.election.interval.ms",
    "unstable.api.versions.enable", "unstable.feature.versions.enable",
    "zookeeper.connection.timeout.ms", "zookeeper.max.in.flight.requests", "zookeeper.metadata.migration.enable",
    "zookeeper.metadata.migration.min.batch.size", "zookeeper.set.acl",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_holds_nothing_that_has_a_row() {
        assert!(IGNORED.is_sorted_by(|a, b| a < b));
        assert!(
            super::super::BROKER
                .iter()
                .all(|row| foreign(row.name).is_none())
        );
    }
}
