//! Settings of the admin client.

use std::time::Duration;

use kafkalite_settings::INT_MAX;
use kafkalite_settings::ValueKind::Millis;

use super::{ClientConfig, settings};

settings! {
    /// Settings of an [`Admin`](crate::Admin).
    AdminConfig with client: ClientConfig {
        api_timeout: Duration = "default.api.timeout.ms", "60000", Millis(1, INT_MAX),
            "How long an operation may take, retries included.";
    }
}
