//! What readers of committed messages see of transactions while the offset that brokers agree on rises and falls: the log against a
//! list of what was appended.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;
mod transacting;

use std::path::Path;

use kafkalite_log::{Durability, Log, LogConfig, OpenOptions};
use kafkalite_world::Dice;
use support::{NOW, append, open};
use transacting::{committed, end, in_transaction};

const PRODUCERS: i64 = 4;

/// One message of the list, whose offset is its place.
#[derive(Clone, Copy, PartialEq)]
enum Appended {
    Plain,
    In(usize),
    Marker,
}

struct Transaction {
    first_offset: i64,
    /// The marker's offset, and whether it says that the transaction counts.
    ended: Option<(i64, bool)>,
}

/// All that was appended, and how far it is durable and agreed upon.
struct Model {
    messages: Vec<Appended>,
    transactions: Vec<Transaction>,
    open: [Option<usize>; PRODUCERS as usize],
    flushed: i64,
    agreed: Option<i64>,
    /// What the offset does not fall to before.
    lowest: i64,
    synced: bool,
}

impl Model {
    fn end(&self) -> i64 {
        self.messages.len() as i64
    }

    fn visible(&self) -> i64 {
        let durable = if self.synced {
            self.flushed
        } else {
            self.end()
        };
        self.agreed.map_or(durable, |agreed| agreed.min(durable))
    }

    fn counts_as_ended(&self, transaction: &Transaction) -> bool {
        let marker = transaction.ended.map(|(marker, _)| marker);
        marker.is_some_and(|marker| marker < self.visible())
    }

    fn stable(&self) -> i64 {
        let unstable = self.transactions.iter();
        let unstable = unstable.filter(|transaction| !self.counts_as_ended(transaction));
        let first = unstable.map(|transaction| transaction.first_offset).min();
        first.map_or(self.visible(), |first| first.min(self.visible()))
    }

    fn committed(&self) -> Vec<i64> {
        let is_committed = |message: &Appended| match *message {
            Appended::Plain => true,
            Appended::In(of) => self.transactions[of].ended.is_some_and(|(_, kept)| kept),
            Appended::Marker => false,
        };
        (0..self.stable())
            .filter(|offset| is_committed(&self.messages[*offset as usize]))
            .collect()
    }

    fn check(&self, log: &Log, what: &str) {
        assert_eq!(
            (log.high_watermark(), log.last_stable_offset()),
            (self.visible(), self.stable()),
            "{what}"
        );
    }
}

/// Opens a log anew, after a stop in good order or a crash that took nothing.
fn opened_again(dir: &Path, config: &LogConfig, in_order: bool, agreed: Option<i64>) -> Log {
    let options = OpenOptions {
        clean_shutdown: in_order,
        agreed,
        now_ms: NOW,
        ..OpenOptions::default()
    };
    Log::open(dir, config.clone(), &options).unwrap().0
}

#[test]
fn a_transaction_whose_end_may_be_cut_is_open_again_in_any_order_of_events() {
    for seed in 0..20 {
        let mut rng = Dice::seeded(seed).rng();
        let synced = rng.bool();
        let dir = tempfile::tempdir().unwrap();
        let config = LogConfig {
            segment_bytes: rng.u32(300..3_000),
            durability: if synced {
                Durability::Synced
            } else {
                Durability::Visible
            },
            ..LogConfig::default()
        };
        let (mut log, _) = open(dir.path(), &config);
        let mut model = Model {
            messages: Vec::new(),
            transactions: Vec::new(),
            open: [None; PRODUCERS as usize],
            flushed: 0,
            agreed: None,
            lowest: 0,
            synced,
        };
        let mut sequences = [0; PRODUCERS as usize];
        for step in 0..120 {
            let what = format!("seed {seed}, step {step}");
            let producer = rng.i64(0..PRODUCERS);
            let of = producer as usize;
            match rng.u8(0..21) {
                0..5 => {
                    append(&log, &[b"plain"]);
                    model.messages.push(Appended::Plain);
                }
                5..10 => {
                    in_transaction(&log, producer, sequences[of], b"in one");
                    sequences[of] += 1;
                    let first_offset = model.end();
                    let transaction = *model.open[of].get_or_insert_with(|| {
                        model.transactions.push(Transaction {
                            first_offset,
                            ended: None,
                        });
                        model.transactions.len() - 1
                    });
                    model.messages.push(Appended::In(transaction));
                }
                10..13 => {
                    let kept = rng.bool();
                    let marker = end(&log, producer, kept);
                    model.messages.push(Appended::Marker);
                    if let Some(transaction) = model.open[of].take() {
                        model.transactions[transaction].ended = Some((marker, kept));
                    }
                }
                13..19 => {
                    let agreed = rng.i64(model.lowest..=model.end() + 3);
                    model.agreed = (rng.u8(0..8) > 0).then_some(agreed);
                    log.agree(model.agreed);
                }
                19 => {
                    log.flush().unwrap();
                    model.flushed = model.end();
                }
                _ => {
                    let in_order = rng.bool();
                    if in_order {
                        log.close().unwrap();
                    }
                    drop(log);
                    log = opened_again(dir.path(), &config, in_order, model.agreed);
                    model.flushed = model.end();
                    model.lowest = model.agreed.unwrap_or(i64::MAX).min(model.end());
                }
            }
            model.check(&log, &what);
            if step % 10 == 9 {
                let read = committed(&log, 0, rng.usize(1..1_000));
                let read: Vec<i64> = read.iter().map(|(offset, _)| *offset).collect();
                assert_eq!(read, model.committed(), "{what}");
            }
        }
    }
}
