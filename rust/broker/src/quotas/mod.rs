//! Quotas of users, client ids and addresses (KIP-13, KIP-546, KIP-612): kept and described. They are not in force: nobody is
//! told apart here before there is security.
//!
//! Kafka keeps them in its metadata log. We have none, so `quotas.altered`, at the top of the data directory, holds them in
//! Java's properties format; it is replaced as a whole.

mod check;
mod file;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use kafkalite_world::Disk;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::BrokerError;
use crate::refusal::Refusal;

pub(crate) use check::{CLIENT_ID, IP, USER};

/// Whom a quota is for: what is limited (a user, a client id, an address) and its name; without a name the default for those
/// that have no quota of their own.
pub(crate) type Entity = BTreeMap<String, Option<String>>;

/// The limits of one entity, by key.
pub(crate) type Limits = BTreeMap<String, f64>;

/// Limits to set (or to take away, where there is none) for one entity.
#[derive(Debug, Clone)]
pub(crate) struct QuotaChange {
    pub(crate) entity: Entity,
    pub(crate) limits: HashMap<String, Option<f64>>,
}

/// The turn of who changes quotas.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// All quotas, and the file that keeps them.
#[derive(Debug)]
pub(crate) struct Quotas {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    current: ArcSwap<BTreeMap<Entity, Limits>>,
    /// Held while a change is checked, made and written, so that changes follow one another: asking for hosts by name may take
    /// long, and those who wait for their turn keep no thread.
    changing: Arc<Mutex<()>>,
}

impl Quotas {
    /// Reads what was altered before from the data directory `dir`.
    pub(crate) fn open(dir: &Path, disk: &Arc<dyn Disk>) -> Result<Self, BrokerError> {
        let path = dir.join(file::NAME);
        let current = ArcSwap::from_pointee(file::read(&**disk, &path)?);
        Ok(Self {
            path,
            disk: Arc::clone(disk),
            current,
            changing: Arc::default(),
        })
    }

    /// All quotas as they are now.
    pub(crate) fn all(&self) -> Arc<BTreeMap<Entity, Limits>> {
        self.current.load_full()
    }

    /// Waits for the turn to [`alter`](Self::alter).
    pub(crate) async fn turn(&self) -> Turn {
        Arc::clone(&self.changing).lock_owned().await
    }

    /// Makes those changes that are right, all in one write, or says whether they would be made. An outcome for each, in
    /// order. Blocks: it asks for hosts by name and writes a file.
    pub(crate) fn alter(
        &self,
        _turn: &Turn,
        changes: &[QuotaChange],
        validate_only: bool,
    ) -> Vec<Result<(), Refusal>> {
        let mut outcomes = check::check_all(changes);
        if validate_only || outcomes.iter().all(Result::is_err) {
            return outcomes;
        }
        let mut altered = BTreeMap::clone(&self.current.load());
        for (change, outcome) in changes.iter().zip(&outcomes) {
            if outcome.is_ok() {
                apply(&mut altered, change);
            }
        }
        let text = file::text(&altered);
        match self.disk.replace_file(&self.path, text.as_bytes()) {
            Ok(()) => self.current.store(Arc::new(altered)),
            Err(source) => {
                let refusal = Refusal::from(BrokerError::File {
                    what: "write",
                    path: self.path.clone(),
                    source,
                });
                for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
                    *outcome = Err(refusal.clone());
                }
            }
        }
        outcomes
    }
}

fn apply(quotas: &mut BTreeMap<Entity, Limits>, change: &QuotaChange) {
    let limits = quotas.entry(change.entity.clone()).or_default();
    for (key, value) in &change.limits {
        match value {
            Some(value) => drop(limits.insert(key.clone(), *value)),
            None => drop(limits.remove(key)),
        }
    }
    if limits.is_empty() {
        quotas.remove(&change.entity);
    }
}

#[cfg(test)]
mod tests {
    use kafkalite_world::disk::os;

    use super::*;

    fn alter(
        quotas: &Quotas,
        changes: &[QuotaChange],
        validate_only: bool,
    ) -> Vec<Result<(), Refusal>> {
        let turn = Arc::clone(&quotas.changing).try_lock_owned();
        quotas.alter(&turn.expect("nobody else is here"), changes, validate_only)
    }

    pub(super) fn entity(parts: &[(&str, Option<&str>)]) -> Entity {
        let owned =
            |&(kind, name): &(&str, Option<&str>)| (kind.to_owned(), name.map(str::to_owned));
        parts.iter().map(owned).collect()
    }

    fn change(parts: &[(&str, Option<&str>)], key: &str, value: Option<f64>) -> QuotaChange {
        QuotaChange {
            entity: entity(parts),
            limits: HashMap::from([(key.to_owned(), value)]),
        }
    }

    #[test]
    fn what_was_altered_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let quotas = Quotas::open(dir.path(), &os()).unwrap();
        let odd = [("client-id", Some("a=b: #\n\u{e4}")), ("user", None)];
        let changes = [
            change(&odd, "request_percentage", Some(0.1)),
            change(
                &[("ip", Some("::1"))],
                "connection_creation_rate",
                Some(7.0),
            ),
            change(&[("user", Some("u"))], "producer_byte_rate", Some(9e15)),
            change(&[("user", Some("u"))], "consumer_byte_rate", Some(1.0)),
            change(&[("user", Some("u"))], "consumer_byte_rate", None),
        ];
        assert!(alter(&quotas, &changes, false).iter().all(Result::is_ok));
        let kept = quotas.all();
        assert_eq!(kept.len(), 3);
        let limits = Limits::from([("request_percentage".to_owned(), 0.1)]);
        assert_eq!(kept[&entity(&odd)], limits);
        assert_eq!(Quotas::open(dir.path(), &os()).unwrap().all(), kept);
    }

    #[test]
    fn an_entity_without_limits_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let quotas = Quotas::open(dir.path(), &os()).unwrap();
        let user = [("user", Some("u"))];
        for value in [Some(5.0), None] {
            let outcomes = alter(
                &quotas,
                &[change(&user, "producer_byte_rate", value)],
                false,
            );
            assert_eq!(outcomes, [Ok(())]);
        }
        assert!(quotas.all().is_empty());
    }

    #[test]
    fn what_is_only_validated_or_wrong_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let quotas = Quotas::open(dir.path(), &os()).unwrap();
        let right = change(&[("user", Some("u"))], "producer_byte_rate", Some(5.0));
        assert_eq!(alter(&quotas, std::slice::from_ref(&right), true), [Ok(())]);
        let wrong = change(&[("user", Some("v"))], "producer_byte_rate", Some(0.5));
        assert!(alter(&quotas, &[wrong], false)[0].is_err());
        assert!(quotas.all().is_empty());
        assert!(!dir.path().join("quotas.altered").exists());
    }

    #[test]
    fn a_file_that_somebody_broke_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("quotas.altered");
        for broken in [
            "version=2\n",
            "user=u\n",
            "version=1\nentity=\nuser=u\nproducer_byte_rate=much\n",
            "version=1\nentity=\nproducer_byte_rate=1\n",
            "version=1\nentity=\nuser=u\nflux=1\n",
        ] {
            std::fs::write(&path, broken).unwrap();
            let error = Quotas::open(dir.path(), &os()).unwrap_err().to_string();
            assert!(error.contains("quotas.altered"), "{error}");
        }
    }
}
