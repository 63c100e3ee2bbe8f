//! What topics are set to stands in ZooKeeper. Each broker takes it over into its own settings, where it is kept for the next start
//! and checked: what Kafka knows and this broker does not is left out. The settings themselves are watched, so nobody has to announce
//! in `/config/changes` that they have changed.

use std::sync::Arc;

use kafkalite_coordination::registries::{Garbage, SettingsOf, SettingsZnode, Znode};
use kafkalite_coordination::session::{StoredNode, ZooKeeperError};
use kafkalite_wire::ErrorCode;

use super::Membership;
use super::membership::unwritten;
use super::view::View;
use crate::config::{Configs, Overrides};
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::registry::turns::Changed;

impl Registry {
    /// Replaces what is set on a topic by what `edit` makes of it.
    pub(in crate::registry) async fn alter_shared(
        &self,
        membership: &Membership,
        name: &str,
        edit: impl FnOnce(Overrides) -> Changed<Overrides> + Send,
    ) -> Changed<()> {
        let session = membership.session()?;
        let path = SettingsOf::Topic(name.to_owned()).path();
        let found = session
            .get(&path)
            .await
            .map_err(|error| unwritten(&error))?;
        let version = found.as_ref().map(|node| node.version);
        let read = |node: StoredNode| node.value::<SettingsZnode>();
        let now: Result<Option<SettingsZnode>, Garbage> = found.map(read).transpose();
        let now = now.map_err(|garbage| unwritten(&garbage.into()))?;
        let edited = edit(now.unwrap_or_default().settings)?;
        let settings = self.configs.check_topic(pairs(&edited))?;
        let node = SettingsZnode {
            settings: settings.clone(),
        };
        let written = match version {
            Some(version) => session.set(&path, &node.write(), version).await.map(drop),
            None => session.create(&path, &node.write()).await,
        };
        match written {
            Ok(()) => {}
            Err(ZooKeeperError::BadVersion { .. } | ZooKeeperError::NodeExists { .. }) => {
                let message = format!(
                    "somebody else has set something on topic '{name}' meanwhile; try again"
                );
                return Err(Refusal::new(ErrorCode::InvalidRequest, message));
            }
            Err(error) => return Err(unwritten(&error)),
        }
        let what = format!("what is set on topic '{name}'");
        membership
            .until(&what, || self.configs.topic_overrides(name) == settings)
            .await
    }
}

impl View {
    /// The topics that are not set to what is known of them, and what they are to be set to.
    pub(super) fn new_settings(&self, configs: &Configs) -> Vec<(Arc<str>, Overrides)> {
        let mut news = Vec::new();
        for (name, topic) in &self.topics {
            let Some(told) = topic.overrides() else {
                continue;
            };
            let known = configs.topic_overrides(name);
            if known == told {
                continue;
            }
            let accepted = accepted(configs, &told);
            if accepted != known {
                news.push((Arc::clone(name), accepted));
            }
        }
        news
    }
}

/// What of it this broker knows and takes.
fn accepted(configs: &Configs, told: &Overrides) -> Overrides {
    if let Ok(all) = configs.check_topic(pairs(told)) {
        return all;
    }
    let one_by_one = pairs(told).filter_map(|pair| configs.check_topic([pair]).ok());
    let some: Overrides = one_by_one.flatten().collect();
    // Each by itself, and yet not together.
    configs.check_topic(pairs(&some)).unwrap_or_default()
}

fn pairs(settings: &Overrides) -> impl Iterator<Item = (&str, &str)> {
    settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}
