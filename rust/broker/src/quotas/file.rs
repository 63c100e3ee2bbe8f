//! The file that keeps quotas: `entity=` begins one; then its parts, `default=` for one without a name; then its limits.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use kafkalite_settings::properties::{self, write_pair};
use kafkalite_world::Disk;

use super::check::{CLIENT_ID, IP, USER, check_entity, check_limit};
use super::{Entity, Limits};
use crate::error::BrokerError;

pub(super) const NAME: &str = "quotas.altered";
const VERSION: &str = "1";

/// What the file says; nothing if it is not there.
pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<BTreeMap<Entity, Limits>, BrokerError> {
    let text = match disk.read_text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => {
            return Err(BrokerError::File {
                what: "read",
                path: path.to_owned(),
                source,
            });
        }
    };
    parse(&text).map_err(|reason| BrokerError::DamagedConfigs {
        path: path.to_owned(),
        reason,
    })
}

fn parse(text: &str) -> Result<BTreeMap<Entity, Limits>, String> {
    let mut pairs = properties::parse(text)
        .map_err(|error| error.to_string())?
        .into_iter();
    let version = pairs.next();
    if version != Some(("version".to_owned(), VERSION.to_owned())) {
        return Err(format!("expected version={VERSION} at the beginning"));
    }
    let mut entities: Vec<(Entity, Limits)> = Vec::new();
    for (key, value) in pairs {
        if key == "entity" {
            entities.push(Default::default());
            continue;
        }
        let (entity, limits) = entities
            .last_mut()
            .ok_or_else(|| format!("{key}={value} stands before any entity"))?;
        match key.as_str() {
            USER | CLIENT_ID | IP => drop(entity.insert(key, Some(value))),
            "default" => drop(entity.insert(value, None)),
            _ => {
                let value = value
                    .parse()
                    .map_err(|_| format!("{key}={value} is no number"))?;
                limits.insert(key, value);
            }
        }
    }
    for (entity, limits) in &entities {
        check_entity(entity).map_err(|refusal| refusal.message)?;
        for (key, value) in limits {
            check_limit(entity, key, Some(*value)).map_err(|refusal| refusal.message)?;
        }
    }
    Ok(entities.into_iter().collect())
}

/// The file's content.
pub(super) fn text(quotas: &BTreeMap<Entity, Limits>) -> String {
    let mut text =
        "# Quotas altered while the broker ran. Edit only while it is stopped.\n".to_owned();
    write_pair(&mut text, "version", VERSION);
    for (entity, limits) in quotas {
        write_pair(&mut text, "entity", "");
        for (kind, name) in entity {
            match name {
                Some(name) => write_pair(&mut text, kind, name),
                None => write_pair(&mut text, "default", kind),
            }
        }
        for (key, value) in limits {
            write_pair(&mut text, key, &value.to_string());
        }
    }
    text
}
