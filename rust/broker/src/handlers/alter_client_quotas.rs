//! `AlterClientQuotas` · key 49 · versions 0–1
//!
//! Behaviour: sets and takes away quotas (KIP-546), on disk before the answer; each entity as a whole or not at all. They are
//! kept and described, and limit nobody yet. An entity that stands twice in the request, or with two changes of one limit, is
//! refused.
//!
//! Version notes: none; 1 is the flexible form.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::alter_client_quotas::{
    AlterClientQuotasRequest, AlterClientQuotasResponse, AlterableQuotas, AlteredQuotas,
};
use tokio::task::spawn_blocking;

use super::describe_client_quotas::parts;
use super::repeated::split_repeated;
use super::{Context, Reply};
use crate::quotas::{Entity, QuotaChange};
use crate::refusal::Refusal;

pub(super) async fn handle(
    context: &Context,
    request: AlterClientQuotasRequest,
) -> Reply<AlterClientQuotasResponse> {
    let entries: Vec<(Entity, AlterableQuotas)> = request
        .entries
        .into_iter()
        .map(|entry| (entity_of(&entry), entry))
        .collect();
    let (once, repeated) = split_repeated(entries, |(entity, _)| entity.clone());
    let mut answers = Vec::with_capacity(once.len() + repeated.len());
    let mut changes = Vec::with_capacity(once.len());
    for (entity, entry) in once {
        match change_of(entity, entry) {
            Ok(change) => changes.push(change),
            Err(entity) => answers.push(answer(&entity, Err(twice()))),
        }
    }
    answers.extend(
        repeated
            .iter()
            .map(|(entity, _)| answer(entity, Err(twice()))),
    );
    let broker = Arc::clone(&context.broker);
    let validate_only = request.validate_only;
    let turn = broker.quotas.turn().await;
    // Writes a file and flushes it; once begun it is finished, whoever goes away.
    let altered = spawn_blocking(move || {
        let outcomes = broker.quotas.alter(&turn, &changes, validate_only);
        changes
            .iter()
            .zip(outcomes)
            .map(|(change, outcome)| answer(&change.entity, outcome))
            .collect::<Vec<_>>()
    });
    let Ok(altered) = altered.await else {
        return Reply::Close("the broker is stopping".to_owned());
    };
    answers.extend(altered);
    AlterClientQuotasResponse {
        entries: answers,
        ..Default::default()
    }
    .into()
}

fn entity_of(entry: &AlterableQuotas) -> Entity {
    let part = |part: &kafkalite_wire::api::client_quota::QuotaEntityPart| {
        (part.entity_type.clone(), part.entity_name.clone())
    };
    entry.entity.iter().map(part).collect()
}

/// The change that is asked for, or whom it is for, if it says two things about one limit.
fn change_of(entity: Entity, entry: AlterableQuotas) -> Result<QuotaChange, Entity> {
    let count = entry.ops.len();
    let limits: HashMap<_, _> = entry
        .ops
        .into_iter()
        .map(|change| (change.key, (!change.remove).then_some(change.value)))
        .collect();
    if limits.len() < count {
        return Err(entity);
    }
    Ok(QuotaChange { entity, limits })
}

fn twice() -> Refusal {
    let message = "the request changes the quotas of this entity twice";
    Refusal::new(ErrorCode::InvalidRequest, message)
}

fn answer(entity: &Entity, outcome: Result<(), Refusal>) -> AlteredQuotas {
    let refusal = outcome.err();
    AlteredQuotas {
        error_code: refusal.as_ref().map_or(ErrorCode::None, |one| one.code),
        error_message: refusal.map(|one| one.message),
        entity: parts(entity),
    }
}
