//! `AlterConfigs` · key 33 · versions 0–2
//!
//! Behaviour: replaces all that is set on a topic, or altered on this broker: what is not in the request goes back to its
//! default. Each resource is changed as a whole or not at all, on disk before the answer.
//!
//! Version notes: none; 2 is only written differently. `IncrementalAlterConfigs` has superseded it.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse, AlteredConfigsResource,
};

use super::altering::{Edit, alter, told};
use super::resource::refuse_repeated;
use super::{Context, Reply};
use crate::config::Overrides;
use crate::refusal::Refusal;

pub(super) async fn handle(
    context: &Context,
    request: AlterConfigsRequest,
) -> Reply<AlterConfigsResponse> {
    let names = request
        .resources
        .iter()
        .map(|one| (one.resource_type, one.resource_name.clone()));
    let repeated = refuse_repeated(names);
    let mut responses = Vec::with_capacity(request.resources.len());
    for (resource, repeated) in request.resources.into_iter().zip(repeated) {
        let AlterConfigsResource {
            resource_type,
            resource_name,
            configs,
        } = resource;
        let edit: Edit = Box::new(move |_| {
            let mut replaced = Overrides::new();
            // Null returns to the default, as leaving out does.
            for (name, value) in configs
                .into_iter()
                .filter_map(|config| Some((config.name, config.value?)))
            {
                if replaced.contains_key(&name) {
                    return Err(Refusal::new(
                        ErrorCode::InvalidRequest,
                        format!("{name} stands twice in the request"),
                    ));
                }
                replaced.insert(name, value);
            }
            Ok(replaced)
        });
        let outcome = match repeated {
            Ok(()) => {
                alter(
                    context,
                    resource_type,
                    &resource_name,
                    request.validate_only,
                    edit,
                )
                .await
            }
            refused => refused,
        };
        let (error_code, error_message) = told(outcome);
        responses.push(AlteredConfigsResource {
            error_code,
            error_message,
            resource_type,
            resource_name,
        });
    }
    AlterConfigsResponse {
        responses,
        ..Default::default()
    }
    .into()
}
