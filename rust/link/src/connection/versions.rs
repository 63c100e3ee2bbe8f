//! Which version of each API a broker and this side have in common.

use std::collections::HashMap;

use kafkalite_wire::api::api_versions::ApiVersionsResponse;
use kafkalite_wire::{ApiKey, ErrorCode, Request};

use crate::address::Address;
use crate::error::{LinkError, Result};

/// The ranges that a broker reported.
#[derive(Debug, Default)]
pub(super) struct BrokerVersions {
    ranges: HashMap<i16, (i16, i16)>,
    /// APIs of which this side has less than it could read and write.
    highest: &'static [(ApiKey, i16)],
}

impl BrokerVersions {
    pub(super) fn of(response: &ApiVersionsResponse, highest: &'static [(ApiKey, i16)]) -> Self {
        Self {
            highest,
            ranges: response
                .api_keys
                .iter()
                .map(|api| (api.api_key, (api.min_version, api.max_version)))
                .collect(),
        }
    }

    /// The highest version that both speak.
    pub(super) fn common<R: Request>(&self, address: &Address) -> Result<i16> {
        let (lowest, mut highest) = (*R::VERSIONS.start(), *R::VERSIONS.end());
        if let Some((_, own)) = self.highest.iter().find(|(key, _)| *key == R::KEY) {
            highest = highest.min(*own);
        }
        let unsupported = |detail: String| LinkError::Unsupported {
            api: R::KEY.name(),
            address: address.clone(),
            detail: detail.into(),
        };
        let Some(&(min, max)) = self.ranges.get(&R::KEY.code()) else {
            return Err(unsupported("the broker does not have it".to_owned()));
        };
        let version = highest.min(max);
        if version < lowest || version < min {
            return Err(unsupported(format!(
                "the broker has {min}-{max}, the client {lowest}-{highest}"
            )));
        }
        Ok(version)
    }
}

/// The version of `ApiVersions` to ask in after a broker refused ours; it answers with v0 and its range (KIP-511).
pub(super) fn fallback(refusal: &ApiVersionsResponse, key: i16) -> i16 {
    debug_assert_eq!(refusal.error_code, ErrorCode::UnsupportedVersion);
    // Brokers from before KIP-511 leave the list empty; version 0 is the one that all have.
    refusal
        .api_keys
        .iter()
        .find(|api| api.api_key == key)
        .map_or(0, |api| api.max_version)
}
