//! `ElectLeaders` · key 43 · versions 0–2
//!
//! Behaviour: where the preferred leader leads, as it does where one broker is alone, no election is needed; of another it is not
//! known whether it could. Asked for all partitions, the topics are listed without any.
//!
//! Version notes: the kind of election, and an error of the whole request, from 1 (KIP-460).

use kafkalite_cluster::election;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, ElectLeadersTopic, ElectedPartition, ElectedTopic,
};

use super::{Context, Reply};
use crate::refusal::Refusal;

const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;

pub(super) async fn handle(
    context: &Context,
    request: ElectLeadersRequest,
) -> Reply<ElectLeadersResponse> {
    let election = request.election_type;
    let refused = (!matches!(election, PREFERRED | UNCLEAN)).then(|| {
        let message = format!(
            "there is no election of type {election}; 0 elects the preferred leader, 1 any replica"
        );
        Refusal::new(ErrorCode::InvalidRequest, message)
    });
    let replica_election_results = match (request.topic_partitions, &refused) {
        (Some(topics), _) => topics
            .into_iter()
            .map(|topic| elect(context, topic, refused.as_ref()))
            .collect(),
        (None, Some(_)) => Vec::new(),
        (None, None) => context
            .broker
            .registry
            .image()
            .names()
            .into_iter()
            .map(|topic| ElectedTopic {
                topic: topic.to_string(),
                partition_result: Vec::new(),
            })
            .collect(),
    };
    ElectLeadersResponse {
        error_code: refused.map_or(ErrorCode::None, |refusal| refusal.code),
        replica_election_results,
        ..Default::default()
    }
    .into()
}

fn elect(context: &Context, asked: ElectLeadersTopic, refused: Option<&Refusal>) -> ElectedTopic {
    let name = asked.topic;
    let image = context.broker.registry.image();
    let outcome = |partition_id| {
        let refusal = match refused {
            Some(refusal) => refusal.clone(),
            // Whoever could take over would have: this broker knows of no other.
            None => match election::preferred(&image, &name, partition_id) {
                Ok(preferred) => Refusal::new(
                    ErrorCode::PreferredLeaderNotAvailable,
                    format!("broker {preferred} is not known to be able to lead"),
                ),
                Err(error) => error.into(),
            },
        };
        ElectedPartition {
            partition_id,
            error_code: refusal.code,
            error_message: Some(refusal.message),
        }
    };
    let partition_result = asked.partitions.into_iter().map(outcome).collect();
    ElectedTopic {
        topic: name,
        partition_result,
    }
}
