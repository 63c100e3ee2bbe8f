//! `meta.properties`: whose data directory this is.
//!
//! Version 1, as Kafka writes it since it does without ZooKeeper: `cluster.id`, `node.id`, `directory.id`. Version 0, of the time before, has
//! `broker.id` and perhaps no `cluster.id`; it is understood.

use std::io;
use std::path::Path;

use uuid::Uuid;

use super::Expected;
use kafkalite_names::ids;

use crate::{LogError, Result};
use kafkalite_world::{Disk, World};

/// Who writes in a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The same for all brokers of a cluster; 22 characters if Kafka or we made it up.
    pub cluster_id: String,
    /// The broker's number in its cluster.
    pub node_id: i32,
    /// Of this directory alone (KIP-858).
    pub directory_id: Uuid,
}

/// Reads the file, or writes a new one, and makes sure that it is what was `expected`.
pub(super) fn establish(dir: &Path, expected: &Expected, world: &World) -> Result<Identity> {
    let path = dir.join("meta.properties");
    let found = read(dir, &*world.disk)?;
    let belongs_elsewhere = |reason| LogError::ForeignDirectory {
        path: dir.to_owned(),
        reason,
    };
    if let (Some(found), Some(expected)) = (found.node, expected.node_id)
        && found != expected
    {
        return Err(belongs_elsewhere(format!(
            "node.id is {found} there, {expected} here"
        )));
    }
    if let (Some(found), Some(expected)) = (&found.cluster, &expected.cluster_id)
        && found != expected
    {
        return Err(belongs_elsewhere(format!(
            "cluster.id is {found} there, {expected} here"
        )));
    }
    let is_complete = found.cluster.is_some() && found.node.is_some() && found.directory.is_some();
    let identity = Identity {
        cluster_id: found
            .cluster
            .or_else(|| expected.cluster_id.clone())
            .unwrap_or_else(|| ids::to_text(world.dice.id())),
        node_id: found.node.or(expected.node_id).unwrap_or(0),
        directory_id: found.directory.unwrap_or_else(|| world.dice.id()),
    };
    if !is_complete {
        let text = format!(
            "version=1\ncluster.id={}\nnode.id={}\ndirectory.id={}\n",
            identity.cluster_id,
            identity.node_id,
            ids::to_text(identity.directory_id),
        );
        let written = world.disk.replace_file(&path, text.as_bytes());
        written.map_err(LogError::io("write", &path))?;
    }
    Ok(identity)
}

/// The cluster that a directory says it is of, before anybody opens it; `None` if it says nothing, or is not there.
pub fn recorded_cluster_id(dir: &Path, disk: &dyn Disk) -> Result<Option<String>> {
    Ok(read(dir, disk)?.cluster)
}

fn read(dir: &Path, disk: &dyn Disk) -> Result<Properties> {
    let path = dir.join("meta.properties");
    match disk.read_text(&path) {
        Ok(text) => {
            Properties::parse(&text).map_err(|reason| LogError::MalformedFile { path, reason })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Properties::default()),
        Err(error) => Err(LogError::io("read", &path)(error)),
    }
}

#[derive(Debug, Default)]
struct Properties {
    cluster: Option<String>,
    node: Option<i32>,
    directory: Option<Uuid>,
}

impl Properties {
    /// Lines of Java's properties format, as far as these values need it. What is not known is for others.
    fn parse(text: &str) -> Result<Self, String> {
        let mut found = Self::default();
        let mut version = 0;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', '!']) {
                continue;
            }
            let malformed = || format!("line {}: {line:?}", index + 1);
            let (key, value) = line.split_once('=').ok_or_else(malformed)?;
            let value = value.trim().replace('\\', ""); // Java escapes ':' and '=' in values
            match key.trim() {
                "version" => version = value.parse().map_err(|_| malformed())?,
                "cluster.id" => found.cluster = Some(value),
                "node.id" | "broker.id" => {
                    found.node = Some(value.parse().map_err(|_| malformed())?);
                }
                "directory.id" => {
                    found.directory = Some(ids::from_text(&value).ok_or_else(malformed)?);
                }
                _ => {}
            }
        }
        match version {
            0 => Ok(found),
            1 if found.cluster.is_some() && found.node.is_some() => Ok(found),
            1 => Err("version 1 without cluster.id or node.id".to_owned()),
            _ => Err(format!("version {version} is not known, only 0 and 1")),
        }
    }
}
