//! Members' regular expressions are compiled and matched here: before their group is locked, and one after another.
//!
//! Some take a tenth of a second and much memory to be compiled, or to be refused; and to match them among many topics can take as
//! long. The threads that may take their time also do what the disk is asked for: so one of them is taken, however many members come
//! at a time.

use std::sync::{Arc, Weak};

use kafkalite_cluster::ClusterImage;
use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;

use super::Groups;
use super::group::{GroupKind, Held};
use crate::refusal::Refusal;
use crate::warnings::About;
use kafkalite_groups::consumer::{Matched, Pattern};
use kafkalite_wire::CodedError;

/// What a regular expression stands for. Until it is dropped nobody else has one looked at: whoever waits to use the same finds it in
/// the group then.
pub(super) struct FoundTopics {
    pub(super) matched: Matched,
    /// The topics that it was matched among.
    pub(super) among: Weak<ClusterImage>,
    _turn: Option<Turn>,
}

type Turn = OwnedMutexGuard<()>;

impl Groups {
    /// What a regular expression that a member of the group brings stands for.
    pub(super) async fn found(&self, group: &str, regex: &str) -> Result<FoundTopics, Refusal> {
        let known = || self.with(group, |_, held| known(held, regex)).flatten();
        if let Some(found) = known() {
            return Ok(found);
        }
        let turn = self.turn().await;
        if let Some(found) = known() {
            return Ok(found);
        }
        let topics = Arc::clone(&self.registry.image());
        let (turn, outcome) = find(turn, &topics, regex.to_owned(), None).await?;
        Ok(FoundTopics {
            matched: outcome?,
            among: Arc::downgrade(&topics),
            _turn: Some(turn),
        })
    }

    /// Has the group know what its members' regular expressions stand for, if topics have come or gone since that was last looked at,
    /// and compiles what it has only as text, as after a restart: each in a turn of its own, so that other groups have theirs in
    /// between.
    pub(super) async fn match_patterns(&self, group: &str) -> Result<(), Refusal> {
        let topics = Arc::clone(&self.registry.image());
        let due = || {
            let patterns = |held: &mut Held| (held.to_match(&topics), Arc::clone(&held.matching));
            let found = self.with(group, |_, held| patterns(held));
            found.filter(|(patterns, _)| !patterns.is_empty())
        };
        let Some((_, matching)) = due() else {
            return Ok(());
        };
        let _matching = matching.lock().await;
        // Another member's heartbeat may have seen to it.
        let Some((patterns, _)) = due() else {
            return Ok(());
        };
        let mut all = Vec::with_capacity(patterns.len());
        for (regex, pattern) in patterns {
            let turn = self.turn().await;
            let (_turn, outcome) = find(turn, &topics, regex.clone(), pattern).await?;
            let matched = outcome.unwrap_or_else(|error| {
                self.warn_of_stored(group, &error);
                Pattern::NOTHING.among(&[])
            });
            all.push((regex, matched));
        }
        self.with(group, |_, held| held.set_matched(all, &topics));
        Ok(())
    }

    async fn turn(&self) -> Turn {
        Arc::clone(&self.compiling).lock_owned().await
    }

    fn warn_of_stored(&self, group: &str, error: &CodedError) {
        let sentence = format!(
            "group {group} has a member whose stored regular expression stands for no topics: {error}"
        );
        if self.warnings.is_new(About::Groups, &sentence) {
            tracing::warn!("{sentence}");
        }
    }
}

fn known(held: &mut Held, regex: &str) -> Option<FoundTopics> {
    let GroupKind::Consumer(consumer) = &held.kind else {
        return None;
    };
    Some(FoundTopics {
        matched: consumer.matched(regex)?,
        among: held.matched.clone()?,
        _turn: None,
    })
}

/// The turn goes with the work and ends with it, also where nobody waits for that any more.
async fn find(
    turn: Turn,
    topics: &Arc<ClusterImage>,
    regex: String,
    pattern: Option<Pattern>,
) -> Result<(Turn, Result<Matched, CodedError>), Refusal> {
    let topics = Arc::clone(topics);
    let work = move || {
        let pattern = pattern.map_or_else(|| Pattern::compile(&regex), Ok);
        (turn, pattern.map(|pattern| pattern.among(&topics.names())))
    };
    spawn_blocking(work).await.map_err(|_| Refusal::stopping())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use kafkalite_log::datadir::{DataDir, Expected};
    use kafkalite_wire::api::consumer_group_heartbeat::ConsumerGroupHeartbeatRequest;
    use kafkalite_world::World;
    use tokio::task::yield_now;

    use super::*;
    use crate::config::{BrokerConfig, Configs, Overrides};
    use crate::groups::MemberClient;
    use crate::registry::{NewTopic, Registry};

    fn open(dir: &Path) -> Arc<Groups> {
        let world = World::real();
        let configs = Arc::new(Configs::open(&BrokerConfig::new(), dir, &world.disk).unwrap());
        let data_dir = DataDir::open(dir, &Expected::default()).unwrap();
        let opened = Registry::open(data_dir, Arc::clone(&configs), world.clone());
        let (registry, replicas) = opened.unwrap();
        Groups::open(registry, replicas, configs, Arc::default(), world).unwrap()
    }

    #[tokio::test]
    async fn a_group_can_be_looked_at_while_its_regular_expressions_are_matched() {
        let dir = tempfile::tempdir().unwrap();
        let groups = open(dir.path());
        let client = || MemberClient {
            id: "client".to_owned(),
            host: "/127.0.0.1".to_owned(),
            api_version: 1,
        };
        let beat = |epoch| ConsumerGroupHeartbeatRequest {
            group_id: "g".to_owned(),
            member_id: "m".to_owned(),
            member_epoch: epoch,
            ..Default::default()
        };
        let join = ConsumerGroupHeartbeatRequest {
            rebalance_timeout_ms: 60_000,
            subscribed_topic_regex: Some("t.*".to_owned()),
            topic_partitions: Some(Vec::new()),
            ..beat(0)
        };
        let joined = groups.consumer_heartbeat(join, client()).await.unwrap();
        let new = NewTopic {
            name: "topic".to_owned(),
            wish: groups.registry.anywhere(1),
            overrides: Overrides::new(),
        };
        groups.registry.create(vec![new]).await.remove(0).unwrap();

        let turn = groups.turn().await;
        let beating = || {
            let (groups, beat) = (Arc::clone(&groups), beat(joined.member_epoch));
            tokio::spawn(async move { groups.consumer_heartbeat(beat, client()).await })
        };
        let (beating, again) = (beating(), beating());
        for _ in 0..100 {
            yield_now().await;
        }
        assert!(!beating.is_finished(), "it has to wait for its turn");
        let described = groups.describe_consumers("g").unwrap();
        assert_eq!(described.members.len(), 1);

        drop(turn);
        let answer = beating.await.unwrap().unwrap();
        let topics = answer.assignment.unwrap().topic_partitions;
        assert_eq!(topics[0].partitions, [0]);
        let _ = again.await.unwrap(); // its epoch is over, but that is not what it waited for
        let _turn = groups.turn().await;
        groups.match_patterns("g").await.unwrap(); // there is nothing left to be matched, so it waits for no turn
    }
}
