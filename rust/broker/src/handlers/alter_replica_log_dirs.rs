//! `AlterReplicaLogDirs` · key 34 · versions 1–2
//!
//! Behaviour: there is one data directory. Where a partition is already it may be put again; any other directory is
//! `LOG_DIR_NOT_FOUND`, and one that lies on other brokers `REPLICA_NOT_AVAILABLE`.
//!
//! Version notes: none; 2 is the flexible form.

use std::path::Path;

use kafkalite_cluster::TopicKey;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::alter_replica_log_dirs::{
    AlterReplicaLogDirTopic, AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse,
    AlteredReplicaLogDirPartition, AlteredReplicaLogDirTopic,
};

use super::{Context, Reply};

pub(super) async fn handle(
    context: &Context,
    request: AlterReplicaLogDirsRequest,
) -> Reply<AlterReplicaLogDirsResponse> {
    let results = request
        .dirs
        .into_iter()
        .flat_map(|dir| {
            let is_ours = Path::new(&dir.path) == context.broker.data_dir;
            dir.topics
                .into_iter()
                .map(move |topic| place(context, topic, is_ours))
        })
        .collect();
    AlterReplicaLogDirsResponse {
        results,
        ..Default::default()
    }
    .into()
}

fn place(
    context: &Context,
    asked: AlterReplicaLogDirTopic,
    is_ours: bool,
) -> AlteredReplicaLogDirTopic {
    let topic = context.broker.replicas.by_name(&asked.name);
    let key = TopicKey::Name(asked.name.as_str().into());
    let code = |index| {
        let partition = topic.as_ref().and_then(|topic| topic.partition(index));
        match (is_ours, partition) {
            (false, _) => ErrorCode::LogDirNotFound,
            // As Apache Kafka calls it here.
            (true, None) => match context.elsewhere(&key, index).code {
                ErrorCode::NotLeaderOrFollower => ErrorCode::ReplicaNotAvailable,
                unknown => unknown,
            },
            (true, Some(_)) => ErrorCode::None,
        }
    };
    AlteredReplicaLogDirTopic {
        topic_name: asked.name,
        partitions: asked
            .partitions
            .into_iter()
            .map(|partition_index| AlteredReplicaLogDirPartition {
                partition_index,
                error_code: code(partition_index),
            })
            .collect(),
    }
}
