//! Who is the controller, and how one becomes it: decided from what was read, without asking anybody.

use crate::registries::{ControllerEpochZnode, ControllerZnode, Garbage, Znode, paths};
use crate::session::{MultiWrite, StoredNode};

/// The time in which one broker is the controller, from taking the place until the next one takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControllerTerm {
    epoch: i32,
    /// Of `/controller_epoch`, since this term began. The number alone would not do: somebody might set it back.
    version: i32,
}

impl ControllerTerm {
    /// Its number, which grows.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// These writes, if no other term has begun.
    pub fn fenced(&self, writes: MultiWrite) -> MultiWrite {
        MultiWrite::new()
            .check(paths::CONTROLLER_EPOCH, self.version)
            .then(writes)
    }
}

/// Who has the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incumbent {
    Nobody,
    /// This session.
    Us,
    /// This broker, in another session, perhaps an earlier one of the same broker.
    Broker(i32),
    /// The place is taken, and nobody knows by whom.
    Unknown(Garbage),
}

/// Who has the place, by what was read at [`paths::CONTROLLER`].
pub(super) fn incumbent(found: Option<&StoredNode>, session: i64) -> Incumbent {
    match found {
        None => Incumbent::Nobody,
        Some(node) if node.owner == Some(session) => Incumbent::Us,
        Some(node) => match node.value::<ControllerZnode>() {
            Ok(controller) => Incumbent::Broker(controller.broker_id),
            Err(garbage) => Incumbent::Unknown(garbage),
        },
    }
}

/// What takes the place and begins a term, in one step, after what was read at [`paths::CONTROLLER_EPOCH`].
pub(super) fn bid(
    controller: &ControllerZnode,
    found: Option<&StoredNode>,
) -> Result<(MultiWrite, ControllerTerm), Garbage> {
    let place = MultiWrite::new().register(paths::CONTROLLER, controller.write());
    let Some(node) = found else {
        let term = ControllerTerm {
            epoch: 1,
            version: 0,
        };
        let epoch = ControllerEpochZnode(term.epoch).write();
        return Ok((place.create(paths::CONTROLLER_EPOCH, epoch), term));
    };
    let last: ControllerEpochZnode = node.value()?;
    let Some(epoch) = last.0.checked_add(1) else {
        let reason = "none can come after it";
        return Err(Garbage::new(
            &node.path,
            &node.data,
            ControllerEpochZnode::EXPECTED,
            reason,
        ));
    };
    let term = ControllerTerm {
        epoch,
        version: node.version.wrapping_add(1),
    };
    let write = ControllerEpochZnode(epoch).write();
    Ok((
        place.set(paths::CONTROLLER_EPOCH, write, node.version),
        term,
    ))
}

/// Whether the term that a bid was for has begun and no other since, by what was read at [`paths::CONTROLLER_EPOCH`].
pub(super) fn is_current(term: ControllerTerm, found: Option<&StoredNode>) -> bool {
    found.is_some_and(|node| {
        node.version == term.version && node.value() == Ok(ControllerEpochZnode(term.epoch))
    })
}
