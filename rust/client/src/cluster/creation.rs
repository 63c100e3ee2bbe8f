//! Topics that the cluster creates because somebody reads them: said, for a name that is mistyped brings one to life, too.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::metadata::{MetadataRequestTopic, MetadataResponse};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::absence::CREATION;
use super::{Cluster, Metadata, named};
use crate::error::Result;

/// Topics that were missing when somebody wanted to read them, and since when the cluster may be creating them.
#[derive(Debug, Default)]
pub(super) struct Creations(Mutex<HashMap<Arc<str>, Instant>>);

impl Creations {
    /// The cluster was asked to create these, which it does not have.
    pub(super) fn begun<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let now = Instant::now();
        let names = names.into_iter().map(|name| (name.into(), now));
        self.0.lock().extend(names);
    }

    /// Speaks of those that are there now. What takes longer is not created because it was asked for.
    pub(super) fn look(&self, metadata: &Metadata) {
        self.0.lock().retain(|name, since| {
            let found = metadata.topics.get(name);
            let partitions = found.map_or(0, |topic| topic.partitions.len());
            if partitions > 0 {
                let plural = if partitions == 1 { "" } else { "s" };
                tracing::warn!(
                    "topic {name} did not exist and was created with {partitions} partition{plural}, because it is to be read \
                     (auto.create.topics.enable of the cluster). If it is a typo delete it; allow.auto.create.topics=false of the \
                     consumer creates none"
                );
            }
            partitions == 0 && since.elapsed() < CREATION
        });
    }
}

impl Cluster {
    /// The cluster's answer about topics that somebody names to read them; `create`: what is missing is created, if the cluster and
    /// `allow.auto.create.topics` allow it, and spoken of. The snapshot stays as it is.
    pub(crate) async fn fetch_to_read(
        &self,
        topics: Vec<MetadataRequestTopic>,
        create: bool,
    ) -> Result<MetadataResponse> {
        let mut answer = self.fetch(Some(topics)).await?;
        if create && self.config.allow_auto_create_topics {
            let (missing, mut found): (Vec<_>, Vec<_>) = answer
                .topics
                .into_iter()
                .partition(|topic| topic.error_code == ErrorCode::UnknownTopicOrPartition);
            if !missing.is_empty() {
                let names: Vec<_> = missing.into_iter().filter_map(|topic| topic.name).collect();
                let asked = names.iter().map(|name| named(name)).collect();
                let created = self.fetch_or_create(asked).await?;
                self.creations.begun(names.iter().map(String::as_str));
                found.extend(created.topics);
            }
            answer.topics = found;
        }
        self.creations.look(&Metadata::of(answer.clone()));
        Ok(answer)
    }
}
