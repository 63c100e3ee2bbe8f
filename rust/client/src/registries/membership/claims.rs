//! Looking, claiming what should be ours, and beginning with it (P16, steps 2 to 10).

use std::collections::BTreeSet;

use kafkalite_names::TopicPartition;

use super::held::{Held, Stage};
use super::{
    Beginning, ClaimAnswer, RARELY, RegistryEffect, RegistryMembership, RegistryPhase,
    RegistryTrouble, Share, Step, StoredOffset,
};

impl RegistryMembership {
    pub(super) fn look(&mut self, to: &mut Vec<RegistryEffect>) {
        self.has_changed = false;
        self.look_at = None;
        self.phase = RegistryPhase::Looking;
        to.push(RegistryEffect::Look);
    }

    pub(super) fn looked(&mut self, answer: Result<Share, String>, to: &mut Vec<RegistryEffect>) {
        if self.phase != RegistryPhase::Looking {
            return;
        }
        if self.departs() {
            return self.release_all(to);
        }
        let share = match answer {
            Ok(share) => share,
            Err(reason) => {
                self.tell(RegistryTrouble::Unreadable(reason), to);
                return self.wait(Step::Look);
            }
        };
        for garbage in share.garbage {
            self.tell(RegistryTrouble::Garbage(garbage), to);
        }
        if !share.is_member {
            // Somebody has deleted its node.
            return self.register(to);
        }
        self.share = share.threads;
        let given_up = self.held.iter().filter(|(of, held)| {
            let stays = matches!(held.stage, Stage::Read | Stage::Claimed);
            !stays || self.share.get(*of) != Some(&held.thread)
        });
        let given_up: BTreeSet<_> = given_up.map(|(of, _)| of.clone()).collect();
        if !given_up.is_empty() {
            return self.release(given_up, false, to);
        }
        let missing = self.share.iter();
        let missing = missing.filter(|(of, _)| !self.held.contains_key(*of));
        let missing: super::Threads = missing.map(|(of, it)| (of.clone(), it.clone())).collect();
        if missing.is_empty() {
            self.watch(BTreeSet::new(), to);
            self.read_offsets(to);
        } else {
            self.phase = RegistryPhase::Claiming;
            to.push(RegistryEffect::Claim(missing));
        }
    }

    pub(super) fn claimed(
        &mut self,
        answers: Vec<(TopicPartition, ClaimAnswer)>,
        to: &mut Vec<RegistryEffect>,
    ) {
        if self.phase != RegistryPhase::Claiming {
            return;
        }
        let (mut made, mut contested) = (BTreeSet::new(), BTreeSet::new());
        let mut in_the_way = BTreeSet::new();
        let mut failed = None;
        for (of, answer) in answers {
            match answer {
                ClaimAnswer::Owned => {
                    if let Some(thread) = self.share.get(&of) {
                        self.held.insert(of.clone(), Held::new(thread.clone()));
                        made.insert(of);
                    }
                }
                ClaimAnswer::Contested => {
                    contested.insert(of.clone());
                    in_the_way.insert(of);
                }
                ClaimAnswer::Earlier => {
                    in_the_way.insert(of);
                }
                ClaimAnswer::Stuck(reason) => {
                    self.tell(RegistryTrouble::Stuck(of.clone(), reason), to);
                    in_the_way.insert(of);
                }
                ClaimAnswer::Failed(reason) => {
                    contested.insert(of);
                    failed = Some(reason);
                }
            }
        }
        self.watch(in_the_way, to);
        if self.departs() {
            self.release_all(to);
        } else if contested.is_empty() {
            self.read_offsets(to);
        } else if self.tries < self.terms.max_tries {
            self.tries += 1;
            self.release(made, true, to);
        } else {
            let (tries, partitions) = (self.tries, contested);
            let trouble = match failed {
                Some(reason) => RegistryTrouble::Unreadable(reason),
                None => RegistryTrouble::NotOwned { tries, partitions },
            };
            self.tell(trouble, to);
            self.read_offsets(to);
        }
    }

    /// Watches the owners' nodes that are in the way.
    pub(super) fn watch(
        &mut self,
        in_the_way: BTreeSet<TopicPartition>,
        to: &mut Vec<RegistryEffect>,
    ) {
        if self.in_the_way != in_the_way {
            self.in_the_way.clone_from(&in_the_way);
            to.push(RegistryEffect::Watch(in_the_way));
        }
    }

    /// One of these nodes is gone, or another's.
    pub(super) fn yielded(&mut self, partition: &TopicPartition, to: &mut Vec<RegistryEffect>) {
        if !self.in_the_way.remove(partition) {
            return;
        }
        match self.phase {
            // All of them: a claim that only meets the next one is a try for nothing.
            RegistryPhase::Waiting(_, Step::Look) if self.in_the_way.is_empty() => self.look(to),
            RegistryPhase::Settled => {
                self.tries = 0;
                self.look(to);
            }
            _ => {
                self.has_changed = true;
                self.pauses &= !self.in_the_way.is_empty();
            }
        }
    }

    fn read_offsets(&mut self, to: &mut Vec<RegistryEffect>) {
        let claimed = self.held.iter();
        let claimed = claimed.filter(|(_, held)| held.stage == Stage::Claimed);
        let claimed: BTreeSet<_> = claimed.map(|(of, _)| of.clone()).collect();
        if claimed.is_empty() {
            return self.settle(to);
        }
        self.phase = RegistryPhase::Beginning;
        to.push(RegistryEffect::ReadOffsets(claimed));
    }

    pub(super) fn begin(
        &mut self,
        offsets: Vec<(TopicPartition, Result<Option<StoredOffset>, String>)>,
        to: &mut Vec<RegistryEffect>,
    ) {
        if self.phase != RegistryPhase::Beginning {
            return;
        }
        if self.departs() {
            return self.release_all(to);
        }
        if let Some(interval) = self.terms.commit_interval
            && !self.held.values().any(Held::is_read)
        {
            self.commit_at = self.now + interval;
        }
        let mut begun = Vec::new();
        for (partition, answer) in offsets {
            let stored = match answer {
                Ok(stored) => stored,
                Err(reason) => {
                    // To guess a start would be to lose messages or to repeat all of them.
                    self.tell(RegistryTrouble::NoStart(partition, reason), to);
                    continue;
                }
            };
            let Some(held) = self.held.get_mut(&partition) else {
                continue;
            };
            held.stage = Stage::Read;
            held.offset.version = stored.map(|it| it.version);
            held.offset.committed = stored.map(|it| it.offset);
            begun.push(Beginning {
                partition,
                stream: held.thread.stream(),
                offset: stored.map(|it| it.offset),
            });
        }
        if !begun.is_empty() {
            to.push(RegistryEffect::Begin(begun));
        }
        self.settle(to);
    }

    fn settle(&mut self, to: &mut Vec<RegistryEffect>) {
        self.phase = RegistryPhase::Settled;
        let read = self.held.values().filter(|held| held.is_read());
        let owned = read.count();
        to.push(RegistryEffect::Settled { owned });
        if owned < self.share.len() {
            self.look_at = Some(self.now + self.terms.backoff * RARELY);
        } else {
            self.tries = 0;
        }
        if self.has_changed {
            self.look(to);
        }
    }
}
