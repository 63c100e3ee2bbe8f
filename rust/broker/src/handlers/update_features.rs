//! `UpdateFeatures` · key 57 · versions 0–2
//!
//! Behaviour: the levels of features are those of the code: what is in force may be asked for again, everything else is
//! `INVALID_UPDATE_VERSION`, and one such feature refuses the whole request.
//!
//! Version notes: how a level may go down is a flag in 0, a number from 1 (KIP-778). The answer lists the features up to 1.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::update_features::{
    FeatureUpdate, UpdateFeaturesRequest, UpdateFeaturesResponse, UpdatedFeature,
};

use super::features::FEATURES;
use super::{Context, Reply};

const FIRST_WITH_UPGRADE_TYPE: i16 = 1;

/// Up only, down if nothing is lost, down in any case.
const UPGRADE_TYPES: std::ops::RangeInclusive<i8> = 1..=3;

pub(super) async fn handle(
    context: &Context,
    request: UpdateFeaturesRequest,
) -> Reply<UpdateFeaturesResponse> {
    let updates = request.feature_updates;
    let checked = updates
        .iter()
        .try_for_each(|update| check(context.api_version, update));
    match checked {
        Ok(()) => UpdateFeaturesResponse {
            results: updates.into_iter().map(unchanged).collect(),
            ..Default::default()
        },
        Err(message) => UpdateFeaturesResponse {
            error_code: ErrorCode::InvalidUpdateVersion,
            error_message: Some(format!("no feature is changed: {message}")),
            ..Default::default()
        },
    }
    .into()
}

fn check(api_version: i16, update: &FeatureUpdate) -> Result<(), String> {
    let (name, level) = (&update.feature, update.max_version_level);
    let upgrade_type = update.upgrade_type;
    if api_version >= FIRST_WITH_UPGRADE_TYPE && !UPGRADE_TYPES.contains(&upgrade_type) {
        return Err(format!(
            "feature '{name}' is to be updated in way {upgrade_type}; there are 1, 2 and 3"
        ));
    }
    let Some(feature) = FEATURES.iter().find(|feature| feature.name == name) else {
        return Err(format!("there is no feature '{name}' here"));
    };
    if level == feature.in_force {
        Ok(())
    } else {
        Err(format!(
            "feature '{name}' has level {} here and cannot get {level}",
            feature.in_force
        ))
    }
}

fn unchanged(update: FeatureUpdate) -> UpdatedFeature {
    UpdatedFeature {
        feature: update.feature,
        error_code: ErrorCode::None,
        error_message: Some(ErrorCode::None.name().to_owned()),
    }
}
