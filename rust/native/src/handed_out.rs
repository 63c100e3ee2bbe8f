//! What was taken from the core, handed out a message at a time; and what of it counts as consumed.
//!
//! A message counts as consumed when the next one is asked for. Until then its reader has it *in hand*, and no commit
//! covers it unless the reader says so.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kafkalite_client::{BatchLayouts, Claim, ClientError, TopicPartition};
use kafkalite_records::TimestampType;

use crate::message::{Message, MessageOrigin};

/// This thread's number: unlike `ThreadId`, it is had without counting references.
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    NUMBER.with(|number| *number)
}

/// Locked for moments only, never while anything waits.
#[derive(Default)]
pub(crate) struct HandedOut {
    batches: VecDeque<HandedOutBatch>,
    /// Batches of paused partitions, in order; apart, so that looking for the next message is not slowed down by them.
    held: VecDeque<HandedOutBatch>,
    /// Of batches that were handed out to their end: how far, to count as consumed when the next message is asked for.
    /// How far the first of `batches` is in hand, it says itself.
    in_hand: Vec<InHand>,
    /// The thread that was handed the last message; 0 for none.
    reader: u64,
    /// Met while messages before it were handed out; told next.
    pub(crate) trouble: Option<ClientError>,
}

struct InHand {
    origin: Arc<MessageOrigin>,
    claim: Arc<Claim>,
    next_offset: i64,
}

struct HandedOutBatch {
    origin: Arc<MessageOrigin>,
    layouts: BatchLayouts,
    /// In a group, the right to read the partition.
    claim: Option<Arc<Claim>>,
    /// Offset after the last message handed out.
    next_offset: i64,
    /// Offset after the last message there is.
    end: i64,
}

impl HandedOutBatch {
    fn is_of(&self, of: &TopicPartition) -> bool {
        self.origin.is_of(of)
    }

    fn is_revoked(&self) -> bool {
        self.claim.as_ref().is_some_and(|claim| claim.is_revoked())
    }
}

impl HandedOut {
    /// The reader comes back: what it had in hand is consumed.
    pub(crate) fn settle(&mut self) {
        for done in self.in_hand.drain(..) {
            done.claim.consume(done.next_offset);
        }
        if let Some(batch) = self.batches.front()
            && let Some(claim) = &batch.claim
        {
            claim.consume(batch.next_offset);
        }
    }

    /// [`settle`](Self::settle), if it is the reader who calls: anybody else doesn't know what it is still working on.
    pub(crate) fn settle_for_reader(&mut self) {
        if self.reader == this_thread() {
            self.settle();
        }
    }

    /// What is in hand is not consumed, whoever asks.
    pub(crate) fn disown(&mut self) {
        self.reader = 0;
    }

    /// The next message; `None` if all were handed out.
    pub(crate) fn next(&mut self) -> Option<Result<Message, ClientError>> {
        if let Some(error) = self.trouble.take() {
            return Some(Err(error));
        }
        while let Some(batch) = self.batches.front_mut() {
            if batch.is_revoked() {
                self.batches.pop_front();
                continue;
            }
            match batch.layouts.next() {
                Some(Ok(layout)) => {
                    batch.next_offset = layout.offset + 1;
                    self.reader = this_thread();
                    return Some(Ok(Message::read(Arc::clone(&batch.origin), layout)));
                }
                Some(Err(source)) => {
                    let error = ClientError::Records {
                        topic: Arc::clone(&batch.origin.topic),
                        partition: batch.origin.partition,
                        offset: batch.next_offset,
                        source,
                    };
                    self.batches.pop_front();
                    return Some(Err(error));
                }
                None => {
                    let (origin, end) = (Arc::clone(&batch.origin), batch.end);
                    if let Some(claim) = batch.claim.take() {
                        self.in_hand.push(InHand {
                            origin,
                            claim,
                            next_offset: end,
                        });
                    }
                    self.batches.pop_front();
                }
            }
        }
        None
    }

    /// Adds what the core gave; `paused`: it was on its way when its partition was.
    pub(crate) fn put(&mut self, batch: kafkalite_client::Batch, paused: bool) {
        let origin = MessageOrigin {
            topic: Arc::clone(batch.topic()),
            partition: batch.partition(),
            payload: batch.payload().clone(),
            log_append: batch.timestamp_type() == TimestampType::LogAppend,
        };
        let taken = HandedOutBatch {
            origin: Arc::new(origin),
            claim: batch.claim().cloned(),
            next_offset: batch.first_offset(),
            end: batch.next_offset(),
            layouts: batch.into_layouts(),
        };
        if paused {
            self.held.push_back(taken);
        } else {
            self.batches.push_back(taken);
        }
    }

    /// Drops what is left of a partition: it was sought.
    pub(crate) fn forget(&mut self, of: &TopicPartition) {
        self.in_hand.retain(|done| !done.origin.is_of(of));
        self.batches.retain(|batch| !batch.is_of(of));
        self.held.retain(|batch| !batch.is_of(of));
    }

    /// Holds back what is left of a partition.
    pub(crate) fn pause(&mut self, of: &TopicPartition) {
        if let Some(batch) = self.batches.front().filter(|batch| batch.is_of(of))
            && let Some(claim) = &batch.claim
        {
            self.in_hand.push(InHand {
                origin: Arc::clone(&batch.origin),
                claim: Arc::clone(claim),
                next_offset: batch.next_offset,
            });
        }
        let (held, going_on) = self.batches.drain(..).partition(|batch| batch.is_of(of));
        let held: VecDeque<_> = held;
        self.batches = going_on;
        self.held.extend(held);
    }

    /// Hands out what was held back.
    pub(crate) fn resume(&mut self, of: &TopicPartition) {
        let (going_on, held) = self.held.drain(..).partition(|batch| batch.is_of(of));
        let going_on: VecDeque<_> = going_on;
        self.held = held;
        self.batches.extend(going_on);
    }

    /// Where a partition goes on, if that is not yet the core's position.
    pub(crate) fn position(&self, of: &TopicPartition) -> Option<i64> {
        let mut batches = self.batches.iter().chain(&self.held);
        batches
            .find(|batch| batch.is_of(of) && !batch.is_revoked())
            .map(|batch| batch.next_offset)
    }
}
