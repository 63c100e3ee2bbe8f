//! Changing what is set on a topic or on this broker, for both APIs that do it.

use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use tokio::task::spawn_blocking;

use super::Context;
use super::resource::Resource;
use crate::config::Overrides;
use crate::refusal::Refusal;

/// What is to be made of what is set.
pub(super) type Edit = Box<dyn FnOnce(Overrides) -> Result<Overrides, Refusal> + Send>;

/// Changes a resource, or checks that it could be changed.
pub(super) async fn alter(
    context: &Context,
    kind: i8,
    name: &str,
    validate_only: bool,
    edit: Edit,
) -> Result<(), Refusal> {
    let resource = Resource::of(context, kind, name)?;
    let broker = Arc::clone(&context.broker);
    // Writes a file and flushes it; once begun it is finished, whoever goes away.
    let change = move || {
        let configs = &broker.configs;
        match resource {
            Resource::Topic(name) if validate_only => configs.check_alter_topic(&name, edit),
            Resource::Topic(name) => {
                configs.alter_topic(&name, edit)?;
                broker.topics.apply_settings(Some(&name));
                if broker.topics.by_name(&name).is_none() {
                    // Deleted meanwhile: a later topic of the name shall not inherit this.
                    configs.forget_topic(&name)?;
                }
                Ok(())
            }
            Resource::Broker { .. } if validate_only => configs.check_alter_broker(edit),
            Resource::Broker { .. } => {
                configs.alter_broker(edit)?;
                broker.topics.apply_settings(None);
                Ok(())
            }
        }
    };
    spawn_blocking(change)
        .await
        .unwrap_or_else(|_| Err(Refusal::stopping()))
}

/// An outcome as the answer has it.
pub(super) fn told(outcome: Result<(), Refusal>) -> (ErrorCode, Option<String>) {
    match outcome {
        Ok(()) => (ErrorCode::None, None),
        Err(Refusal { code, message }) => (code, Some(message)),
    }
}
