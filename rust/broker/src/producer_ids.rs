//! Producer ids, never handed out twice, not even after `kill -9`.
//!
//! A block of ids is reserved before the first of them is used, on disk or where a cluster reserves them; what was left of a block
//! at a crash is skipped.

use std::{io, path::Path, sync::Arc};

use kafkalite_log::LogError;
use kafkalite_world::Disk;
use tokio::sync::Mutex;

use crate::refusal::Refusal;
#[cfg(feature = "zookeeper")]
use crate::registry::Registry;

/// The file in the data directory: its version and the first id that was never reserved, a line each.
const FILE_NAME: &str = "producer-ids.reserved";
const VERSION: &str = "1";

/// Ids reserved at once, as in Apache Kafka: one fsync a thousand producers.
const BLOCK: i64 = 1000;

/// Hands out producer ids.
pub(crate) struct ProducerIds {
    store: Store,
    /// Held while a block is reserved, so that one write serves all who ask meanwhile.
    block: Mutex<Block>,
}

/// Where blocks are reserved.
enum Store {
    /// In a file, by a broker that is alone.
    File {
        path: Arc<Path>,
        disk: Arc<dyn Disk>,
    },
    /// With the registry of the cluster.
    #[cfg(feature = "zookeeper")]
    Cluster(Arc<Registry>),
}

#[derive(Debug)]
struct Block {
    next: i64,
    /// The first id that is not reserved.
    end: i64,
}

impl ProducerIds {
    /// Goes on after the last reserved block, and in any case not below `unused_from`: a directory that Apache Kafka
    /// wrote has ids in its logs and no file of ours.
    pub(crate) fn open(
        data_dir: &Path,
        unused_from: i64,
        disk: &Arc<dyn Disk>,
    ) -> Result<Self, LogError> {
        let path = data_dir.join(FILE_NAME);
        let reserved = match disk.read_text(&path) {
            Ok(text) => parse(&text).ok_or_else(|| LogError::MalformedFile {
                path: path.clone(),
                reason: format!("expected the lines '{VERSION}' and an id, found {text:?}"),
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(source) => {
                return Err(LogError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        let next = reserved.max(unused_from);
        Ok(Self {
            store: Store::File {
                path: path.into(),
                disk: Arc::clone(disk),
            },
            block: Mutex::new(Block { next, end: next }),
        })
    }

    /// Takes block after block of those that the brokers of a cluster share, none of them below `unused_from`.
    #[cfg(feature = "zookeeper")]
    pub(crate) fn of_cluster(registry: Arc<Registry>, unused_from: i64) -> Self {
        Self {
            store: Store::Cluster(registry),
            block: Mutex::new(Block {
                next: unused_from,
                end: unused_from,
            }),
        }
    }

    /// An id that nobody had before.
    pub(crate) async fn next(&self) -> Result<i64, Refusal> {
        let mut block = self.block.lock().await;
        if block.next == block.end {
            match &self.store {
                Store::File { path, disk } => {
                    block.end = reserve(Arc::clone(disk), path, block.end).await?;
                }
                #[cfg(feature = "zookeeper")]
                Store::Cluster(registry) => {
                    let taken = registry.take_producer_ids(BLOCK, block.end).await?;
                    (block.next, block.end) = (taken.start, taken.end);
                }
            }
        }
        let id = block.next;
        block.next += 1;
        Ok(id)
    }
}

/// Writes down that the block from `first` on is taken, and answers its end.
async fn reserve(disk: Arc<dyn Disk>, path: &Path, first: i64) -> Result<i64, LogError> {
    let failed = |source| LogError::Io {
        action: "reserve producer ids in",
        path: path.to_owned(),
        source,
    };
    let Some(end) = first.checked_add(BLOCK) else {
        return Err(failed(io::Error::other("all producer ids have been used")));
    };
    let target = path.to_owned();
    let write = move || disk.replace_file(&target, format!("{VERSION}\n{end}\n").as_bytes());
    let written = tokio::task::spawn_blocking(write)
        .await
        .map_err(io::Error::other)
        .flatten();
    written.map(|()| end).map_err(failed)
}

fn parse(text: &str) -> Option<i64> {
    let (version, next) = text.strip_suffix('\n')?.split_once('\n')?;
    next.parse()
        .ok()
        .filter(|&next| version == VERSION && next >= 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use kafkalite_wire::ErrorCode;
    use kafkalite_world::disk::os;

    use super::*;

    #[tokio::test]
    async fn ids_go_on_after_a_restart_without_a_goodbye() {
        let dir = tempfile::tempdir().unwrap();
        let mut last = -1;
        for _ in 0..3 {
            let ids = ProducerIds::open(dir.path(), 0, &os()).unwrap();
            for _ in 0..=BLOCK {
                let id = ids.next().await.unwrap();
                assert!(id > last, "{id} after {last}");
                last = id;
            }
        }
    }

    #[tokio::test]
    async fn ids_found_in_logs_are_not_used_again() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            ProducerIds::open(dir.path(), 4711, &os())
                .unwrap()
                .next()
                .await
                .unwrap(),
            4711
        );
        assert_eq!(
            ProducerIds::open(dir.path(), 0, &os())
                .unwrap()
                .next()
                .await
                .unwrap(),
            4711 + BLOCK
        );
    }

    #[tokio::test]
    async fn an_id_that_cannot_be_reserved_is_not_handed_out() {
        let dir = tempfile::tempdir().unwrap();
        let ids = ProducerIds::open(&dir.path().join("missing"), 0, &os()).unwrap();
        let refused = ids.next().await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::KafkaStorageError);
        fs::create_dir(dir.path().join("missing")).unwrap();
        assert_eq!(ids.next().await.unwrap(), 0);
    }

    #[test]
    fn a_file_with_something_else_in_it_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "1\n", "2\n5\n", "1\n-5\n", "1\nx\n", "1\n5"] {
            fs::write(dir.path().join(FILE_NAME), text).unwrap();
            assert!(
                matches!(
                    ProducerIds::open(dir.path(), 0, &os()),
                    Err(LogError::MalformedFile { .. })
                ),
                "{text:?}"
            );
        }
    }
}
