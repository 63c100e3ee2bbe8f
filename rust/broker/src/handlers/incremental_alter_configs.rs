//! `IncrementalAlterConfigs` · key 44 · versions 0–1
//!
//! Behaviour: sets, deletes, extends or shortens single settings of a topic, a group or this broker (KIP-339). Each resource is
//! changed as a whole or not at all, on disk before the answer.
//!
//! Version notes: none; 1 is only written differently.

use std::collections::HashSet;

use kafkalite_settings::SettingType;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource,
    IncrementalAlterConfigsResponse, IncrementalAlterableConfig, IncrementallyAlteredResource,
};

use super::altering::{Alteration, Altered, alter_each};
use super::{Context, Reply};
use crate::config::{Overrides, row};
use crate::refusal::Refusal;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

pub(super) async fn handle(
    context: &Context,
    request: IncrementalAlterConfigsRequest,
) -> Reply<IncrementalAlterConfigsResponse> {
    let wanted = request.resources.into_iter().map(|resource| {
        let IncrementalAlterConfigsResource {
            resource_type,
            resource_name,
            configs,
        } = resource;
        Alteration {
            resource_type,
            resource_name,
            edit: Box::new(|overrides| changed(overrides, configs)),
        }
    });
    let altered = alter_each(context, wanted.collect(), request.validate_only).await;
    let answer = |altered: Altered| IncrementallyAlteredResource {
        error_code: altered.error_code,
        error_message: altered.error_message,
        resource_type: altered.resource_type,
        resource_name: altered.resource_name,
    };
    IncrementalAlterConfigsResponse {
        responses: altered.into_iter().map(answer).collect(),
        ..Default::default()
    }
    .into()
}

/// `overrides` after all changes, or the first change that makes no sense. Names and values are checked by who stores them.
fn changed(
    mut overrides: Overrides,
    changes: Vec<IncrementalAlterableConfig>,
) -> Result<Overrides, Refusal> {
    let mut seen = HashSet::new();
    for IncrementalAlterableConfig {
        name,
        config_operation,
        value,
    } in changes
    {
        let invalid =
            |what: &str| Refusal::new(ErrorCode::InvalidRequest, format!("{name} {what}"));
        if !seen.insert(name.clone()) {
            return Err(invalid("stands twice in the request"));
        }
        let given = || {
            value
                .clone()
                .ok_or_else(|| invalid("has no value to set, append or subtract"))
        };
        match config_operation {
            SET => drop(overrides.insert(name.clone(), given()?)),
            DELETE => drop(overrides.remove(&name)),
            APPEND | SUBTRACT => {
                let row = row(&name)?;
                if row.kind.value_type() != SettingType::List {
                    let message = format!(
                        "{name} is no list: there is nothing to append to or to subtract from"
                    );
                    return Err(Refusal::new(ErrorCode::InvalidConfig, message));
                }
                let before = overrides
                    .get(&name)
                    .map_or(row.default.unwrap_or_default(), String::as_str);
                let after = merged(before, &given()?, config_operation == APPEND);
                overrides.insert(name, after);
            }
            _ => {
                return Err(invalid(&format!(
                    "is to be changed by operation {config_operation}, which is none"
                )));
            }
        }
    }
    Ok(overrides)
}

/// The list `before` with the words of `change` at its end, each once; or without them.
fn merged(before: &str, change: &str, append: bool) -> String {
    let split = |text: &str| -> Vec<String> {
        text.split(',')
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    };
    let (mut list, change) = (split(before), split(change));
    list.retain(|word| !change.contains(word) || append);
    if append {
        for word in change {
            if !list.contains(&word) {
                list.push(word);
            }
        }
    }
    list.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, config_operation: i8, value: Option<&str>) -> IncrementalAlterableConfig {
        IncrementalAlterableConfig {
            name: name.to_owned(),
            config_operation,
            value: value.map(str::to_owned),
        }
    }

    fn overrides(pairs: &[(&str, &str)]) -> Overrides {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn single_settings_are_set_deleted_extended_and_shortened() {
        let before = overrides(&[("retention.ms", "1"), ("segment.ms", "2")]);
        let changes = vec![
            change("retention.ms", DELETE, None),
            change("segment.ms", SET, Some("3")),
            change("cleanup.policy", APPEND, Some("compact")),
        ];
        let after = changed(before, changes).unwrap();
        assert_eq!(
            after,
            overrides(&[("segment.ms", "3"), ("cleanup.policy", "delete,compact")])
        );
        let after = changed(
            after,
            vec![change("cleanup.policy", SUBTRACT, Some("delete"))],
        )
        .unwrap();
        assert_eq!(after["cleanup.policy"], "compact");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (changes, code) in [
            (
                vec![change("segment.ms", SET, None)],
                ErrorCode::InvalidRequest,
            ),
            (
                vec![change("segment.ms", 9, Some("1"))],
                ErrorCode::InvalidRequest,
            ),
            (
                vec![change("segment.ms", APPEND, Some("1"))],
                ErrorCode::InvalidConfig,
            ),
            (
                vec![change("no.such", APPEND, Some("1"))],
                ErrorCode::InvalidConfig,
            ),
            (
                vec![change("a", DELETE, None), change("a", DELETE, None)],
                ErrorCode::InvalidRequest,
            ),
        ] {
            assert_eq!(changed(Overrides::new(), changes).unwrap_err().code, code);
        }
    }
}
