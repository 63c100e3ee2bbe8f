//! `DescribeClientQuotas` · key 48 · versions 0–1
//!
//! Behaviour: the quotas whose entities fulfil all conditions (KIP-546): a part of this name, the default, or either; strictly,
//! with no other part. One condition at the most for each kind, and none for an address together with others.
//!
//! Version notes: none; 1 is the flexible form.

use std::collections::HashSet;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::client_quota::QuotaEntityPart;
use kafkalite_wire::api::describe_client_quotas::{
    DescribeClientQuotasRequest, DescribeClientQuotasResponse, DescribedQuotas, QuotaFilter,
    QuotaValue,
};

use super::{Context, Reply};
use crate::quotas::{CLIENT_ID, Entity, IP, Limits, USER};
use crate::refusal::Refusal;

const THIS_NAME: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;

pub(super) async fn handle(
    context: &Context,
    request: DescribeClientQuotasRequest,
) -> Reply<DescribeClientQuotasResponse> {
    let DescribeClientQuotasRequest { components, strict } = request;
    if let Err(Refusal { code, message }) = check(&components) {
        return Reply::from(DescribeClientQuotasResponse {
            error_code: code,
            error_message: Some(message),
            ..Default::default()
        });
    }
    let matches = |entity: &Entity| {
        components.iter().all(|filter| is_met(filter, entity))
            && !(strict && entity.len() != components.len())
    };
    let quotas = context.broker.quotas.all();
    let entries = quotas
        .iter()
        .filter(|(entity, _)| matches(entity))
        .map(describe)
        .collect();
    Reply::from(DescribeClientQuotasResponse {
        error_message: Some(String::new()),
        entries: Some(entries),
        ..Default::default()
    })
}

fn check(filters: &[QuotaFilter]) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::new(ErrorCode::InvalidRequest, message));
    let mut seen = HashSet::new();
    for filter in filters {
        let kind = filter.entity_type.as_str();
        if kind.is_empty() {
            return invalid("a condition names no kind of entity".to_owned());
        }
        if ![USER, CLIENT_ID, IP].contains(&kind) {
            let message = format!("there are quotas for user, client-id and ip, not for '{kind}'");
            return Err(Refusal::new(ErrorCode::UnsupportedVersion, message));
        }
        if !seen.insert(kind) {
            return invalid(format!("there is more than one condition for {kind}"));
        }
        match (filter.match_type, &filter.match_name) {
            (THIS_NAME, Some(_)) | (DEFAULT | ANY, None) => {}
            (THIS_NAME, None) => return invalid(format!("the {kind} to match has no name")),
            (DEFAULT | ANY, Some(name)) => {
                return invalid(format!("the {kind} to match is not '{name}' alone"));
            }
            (other, _) => {
                return invalid(format!(
                    "there is no match of type {other}; there are 0, 1 and 2"
                ));
            }
        }
    }
    if seen.contains(IP) && seen.len() > 1 {
        return invalid("no quota is for an ip and for something else".to_owned());
    }
    Ok(())
}

fn is_met(filter: &QuotaFilter, entity: &Entity) -> bool {
    entity
        .get(&filter.entity_type)
        .is_some_and(|name| match filter.match_type {
            ANY => true,
            // Without a name for the default, which is what the default has.
            _ => *name == filter.match_name,
        })
}

fn describe((entity, limits): (&Entity, &Limits)) -> DescribedQuotas {
    DescribedQuotas {
        entity: parts(entity),
        values: limits
            .iter()
            .map(|(key, &value)| QuotaValue {
                key: key.clone(),
                value,
            })
            .collect(),
    }
}

/// An entity as it is sent.
pub(super) fn parts(entity: &Entity) -> Vec<QuotaEntityPart> {
    entity
        .iter()
        .map(|(kind, name)| QuotaEntityPart {
            entity_type: kind.clone(),
            entity_name: name.clone(),
        })
        .collect()
}
