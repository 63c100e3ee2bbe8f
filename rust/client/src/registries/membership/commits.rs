//! Offsets, as they are written. Each write names the version of the node that this consumer saw last: so nobody's is overwritten by
//! one that does not know of it, and none is set back.

use kafkalite_names::TopicPartition;

use super::held::Stage;
use super::{
    CommitAnswer, RegistryEffect, RegistryMembership, RegistryPhase, RegistryTrouble, Verdict,
};

/// How often in a row a write may meet another's before it is left to the next commit.
const OVERTAKEN: u32 = 3;

impl RegistryMembership {
    /// Readers have come so far.
    pub(super) fn consumed(
        &mut self,
        consumed: Vec<(TopicPartition, i64)>,
        to: &mut Vec<RegistryEffect>,
    ) {
        if !self.is_open {
            return;
        }
        for (of, offset) in consumed {
            if let Some(held) = self.held.get_mut(&of)
                && held.is_read()
            {
                held.offset.wanted = Some(offset);
                self.write(&of, to);
            }
        }
    }

    /// Begins the next write of a partition's offset, unless one is under way or there is nothing new.
    pub(super) fn write(&mut self, of: &TopicPartition, to: &mut Vec<RegistryEffect>) {
        let Some(held) = self.held.get_mut(of) else {
            return;
        };
        let node = &mut held.offset;
        if node.writing.is_some() {
            return;
        }
        let Some(offset) = node.wanted.take() else {
            return;
        };
        if node.committed == Some(offset) {
            return;
        }
        node.writing = Some(offset);
        to.push(RegistryEffect::Commit {
            partition: of.clone(),
            offset,
            version: node.version,
        });
    }

    pub(super) fn committed_as(
        &mut self,
        of: &TopicPartition,
        answer: CommitAnswer,
        to: &mut Vec<RegistryEffect>,
    ) {
        let Some(held) = self.held.get_mut(of) else {
            return;
        };
        let node = &mut held.offset;
        match answer {
            CommitAnswer::Written(version) => {
                node.version = Some(version);
                node.committed = node.writing.take();
                node.overtaken = 0;
            }
            CommitAnswer::Moved if node.overtaken < OVERTAKEN => {
                // It stays under way until it is clear whose the partition is.
                node.overtaken += 1;
                to.push(RegistryEffect::Verify(of.clone(), held.thread.clone()));
                return;
            }
            CommitAnswer::Moved => {
                let reason = "somebody else goes on writing it".to_owned();
                self.not_committed(of, reason, to);
            }
            CommitAnswer::Failed(reason) => self.not_committed(of, reason, to),
        }
        self.write(of, to);
        self.give_back(to);
    }

    pub(super) fn verified(
        &mut self,
        of: &TopicPartition,
        answer: Result<Verdict, String>,
        to: &mut Vec<RegistryEffect>,
    ) {
        let Some(held) = self.held.get_mut(of) else {
            return;
        };
        let node = &mut held.offset;
        match answer {
            Ok(Verdict::Ours(stored)) => {
                node.version = stored.map(|it| it.version);
                node.committed = stored.map(|it| it.offset);
                let ours = node.wanted.or(node.writing);
                node.writing = None;
                // Who had it before was further, and what it read need not be read again by whoever comes next.
                node.wanted = ours.filter(|ours| node.committed.is_none_or(|it| it < *ours));
                self.write(of, to);
            }
            Ok(Verdict::Gone) => {
                node.writing = None;
                node.wanted = None;
                self.robbed(of, to);
            }
            Err(reason) => self.not_committed(of, reason, to),
        }
        self.give_back(to);
    }

    /// Another owns a partition that was taken for ours.
    fn robbed(&mut self, of: &TopicPartition, to: &mut Vec<RegistryEffect>) {
        let Some(held) = self.held.get_mut(of) else {
            return;
        };
        if held.is_read() {
            to.push(RegistryEffect::Revoke([of.clone()].into()));
        }
        if held.is_with_readers() {
            held.stage = Stage::Lost;
        }
        to.push(RegistryEffect::Report(RegistryTrouble::Robbed(of.clone())));
        if self.phase != RegistryPhase::Committing {
            self.changed(to);
        }
    }

    fn not_committed(&mut self, of: &TopicPartition, reason: String, to: &mut Vec<RegistryEffect>) {
        if let Some(held) = self.held.get_mut(of) {
            held.offset.writing = None;
            held.offset.overtaken = 0;
        }
        self.tell(RegistryTrouble::NotCommitted(of.clone(), reason), to);
    }
}
