//! `AlterConfigs` · key 33 · versions 0–2
//!
//! Behaviour: replaces all that is set on a topic or group, or altered on this broker: what is not in the request goes back to its
//! default. Each resource is changed as a whole or not at all, on disk before the answer.
//!
//! Version notes: none; 2 is only written differently. `IncrementalAlterConfigs` has superseded it.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse, AlterableConfig,
    AlteredConfigsResource,
};

use super::altering::{Alteration, Altered, alter_each};
use super::{Context, Reply};
use crate::config::Overrides;
use crate::refusal::Refusal;

pub(super) async fn handle(
    context: &Context,
    request: AlterConfigsRequest,
) -> Reply<AlterConfigsResponse> {
    let wanted = request.resources.into_iter().map(|resource| {
        let AlterConfigsResource {
            resource_type,
            resource_name,
            configs,
        } = resource;
        Alteration {
            resource_type,
            resource_name,
            edit: Box::new(|_| replacement(configs)),
        }
    });
    let altered = alter_each(context, wanted.collect(), request.validate_only).await;
    let answer = |altered: Altered| AlteredConfigsResource {
        error_code: altered.error_code,
        error_message: altered.error_message,
        resource_type: altered.resource_type,
        resource_name: altered.resource_name,
    };
    AlterConfigsResponse {
        responses: altered.into_iter().map(answer).collect(),
        ..Default::default()
    }
    .into()
}

/// All that is set from now on. Null returns to the default, as leaving out does.
fn replacement(configs: Vec<AlterableConfig>) -> Result<Overrides, Refusal> {
    let mut replaced = Overrides::new();
    for AlterableConfig { name, value } in configs {
        let Some(value) = value else { continue };
        if replaced.contains_key(&name) {
            let message = format!("{name} stands twice in the request");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        }
        replaced.insert(name, value);
    }
    Ok(replaced)
}
