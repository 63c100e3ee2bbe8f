//! Members' regular expressions are compiled here: before their group is locked, and one after another.
//!
//! Some take a tenth of a second and much memory to be compiled, or to be refused, and the threads that may take their time also do
//! what the disk is asked for: so one of them is taken, however many members come at a time.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;
use tokio::task::spawn_blocking;

use super::Groups;
use super::group::GroupKind;
use crate::refusal::Refusal;
use crate::warnings::About;
use kafkalite_groups::consumer::{Consumer, Pattern};
use kafkalite_wire::CodedError;

/// A compiled regular expression. Until it is dropped nobody else has one compiled: whoever waits to use the same finds it in the
/// group then.
pub(super) struct Compiled {
    pub(super) pattern: Pattern,
    _turn: Option<Turn>,
}

type Turn = OwnedMutexGuard<()>;

impl Groups {
    /// The compiled form of a regular expression that a member of the group brings.
    pub(super) async fn compiled(&self, group: &str, regex: &str) -> Result<Compiled, Refusal> {
        let known = || {
            self.consumer(group, |consumer| consumer.pattern(regex))
                .flatten()
        };
        let without_turn = |pattern| Compiled {
            pattern,
            _turn: None,
        };
        if let Some(pattern) = known() {
            return Ok(without_turn(pattern));
        }
        let turn = self.turn().await;
        if let Some(pattern) = known() {
            return Ok(without_turn(pattern));
        }
        let (turn, outcome) = compile(turn, regex.to_owned()).await?;
        Ok(Compiled {
            pattern: outcome?,
            _turn: Some(turn),
        })
    }

    /// Compiles what the group has only as text, as after a restart: each in a turn of its own, so that other groups have
    /// theirs in between.
    pub(super) async fn compile_stored(&self, group: &str) -> Result<(), Refusal> {
        let missing = || {
            let text = |consumer: &mut Consumer| consumer.uncompiled().map(str::to_owned);
            self.consumer(group, text).flatten()
        };
        while missing().is_some() {
            let turn = self.turn().await;
            // Another member's heartbeat may have seen to it.
            let Some(regex) = missing() else { break };
            let (_turn, outcome) = compile(turn, regex.clone()).await?;
            let pattern = outcome.unwrap_or_else(|error| {
                self.warn_of_stored(group, &error);
                Pattern::NOTHING
            });
            self.with(group, |_, held| {
                if let GroupKind::Consumer(consumer) = &mut held.kind {
                    consumer.set_pattern(&regex, pattern);
                    // To be looked at again, now that it is known what to look for.
                    held.seen = None;
                }
            });
        }
        Ok(())
    }

    fn consumer<T>(&self, group: &str, ask: impl FnOnce(&mut Consumer) -> T) -> Option<T> {
        self.with(group, |_, held| match &mut held.kind {
            GroupKind::Consumer(consumer) => Some(ask(consumer)),
            GroupKind::Classic(_) => None,
        })
        .flatten()
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

/// The turn goes with the work and ends with it, also where nobody waits for that any more.
async fn compile(
    turn: Turn,
    regex: String,
) -> Result<(Turn, Result<Pattern, CodedError>), Refusal> {
    let work = move || (turn, Pattern::compile(&regex));
    spawn_blocking(work).await.map_err(|_| Refusal::stopping())
}
