//! Settings of the admin client.

use std::time::Duration;

use super::Kind::Millis;
use super::{ClientConfig, settings};

settings! {
    /// Settings of an [`Admin`](crate::Admin).
    AdminConfig with client: ClientConfig {
        api_timeout: Duration = "default.api.timeout.ms", "60000", Millis(1, i32::MAX as i64),
            "How long an operation may take, retries included.";
    }
}
