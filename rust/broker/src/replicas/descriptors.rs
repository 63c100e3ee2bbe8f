//! Every partition holds one open file, of the segment that is appended to; older ones are open only while there are
//! descriptors to spare. A topic for which there are not enough is refused as a whole, before anything is
//! created: if it took the last one, nobody could connect any more.

use kafkalite_wire::ErrorCode;
use rustix::process::{Resource, getrlimit};

use super::Replicas;
use crate::refusal::Refusal;

/// Left for connections, for files that are open for a moment, and for older segments that are read.
const SPARE: u64 = 100;

/// How many partitions there are, and may be.
#[derive(Debug)]
pub(crate) struct Room {
    limit: Option<u64>,
    open: u64,
}

impl Replicas {
    /// The descriptors that are left. Counts all partitions.
    pub(crate) fn room(&self) -> Room {
        let snapshot = self.snapshot();
        let open = snapshot.iter().map(|topic| topic.partitions.len() as u64);
        Room {
            limit: getrlimit(Resource::Nofile).current,
            open: open.sum(),
        }
    }
}

impl Room {
    /// Takes those that this many more partitions need, or refuses if there are not as many.
    pub(crate) fn take(&mut self, more: usize) -> Result<(), Refusal> {
        check(self.limit, self.open, more)?;
        self.open += more as u64;
        Ok(())
    }
}

fn check(limit: Option<u64>, open: u64, more: usize) -> Result<(), Refusal> {
    match limit {
        Some(limit) if open + more as u64 + SPARE > limit => Err(Refusal::new(
            ErrorCode::PolicyViolation,
            format!(
                "{more} more partitions than the {open} that there are would need more open files than the {limit} that \
                 this process may have; raise that limit ('ulimit -n') and start the broker anew"
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_descriptors_are_left_to_others() {
        assert_eq!(check(Some(1024), 900, 24), Ok(()));
        let refused = check(Some(1024), 900, 25).unwrap_err();
        assert_eq!(refused.code, ErrorCode::PolicyViolation);
        assert!(
            refused.message.contains("than the 1024"),
            "{}",
            refused.message
        );
        assert_eq!(check(None, u64::MAX / 2, usize::MAX), Ok(()));
        let mut room = Room {
            limit: Some(200),
            open: 90,
        };
        assert!(room.take(6).is_ok() && room.take(5).is_err() && room.take(4).is_ok());
    }
}
