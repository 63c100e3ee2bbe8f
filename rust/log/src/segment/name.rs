//! The names of a segment's files: the base offset in twenty digits, and what the file is.

use std::path::{Path, PathBuf};

/// Suffix of the batches themselves.
pub(crate) const LOG: &str = "log";
/// Suffix of the offset index.
pub(crate) const OFFSET_INDEX: &str = "index";
/// Suffix of the time index.
pub(crate) const TIME_INDEX: &str = "timeindex";
/// Suffix of the producers' state at the segment's base offset.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// Suffix of the index of aborted transactions.
pub(crate) const TRANSACTION_INDEX: &str = "txnindex";
/// What is appended to the name of a file that compaction is writing.
pub(crate) const CLEANED: &str = "cleaned";
/// What is appended to the name of a file that compaction has finished, and that is to take the place of others.
pub(crate) const SWAP: &str = "swap";
/// What is appended to the name of a file that is to be unlinked soon.
pub(crate) const DELETED: &str = "deleted";

/// The batches, and what is only about them.
pub(crate) const DATA: [&str; 4] = [LOG, OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX];

/// `<dir>/<base offset>.<suffix>`.
pub(crate) fn path(dir: &Path, base_offset: i64, suffix: &str) -> PathBuf {
    dir.join(format!("{base_offset:020}.{suffix}"))
}

/// `<path>.<state>`: the name of a file on its way in or out.
pub(crate) fn in_state(path: &Path, state: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(state);
    PathBuf::from(name)
}

/// The base offset and suffix in a file name, if it is one of a segment's.
pub(crate) fn parse(name: &str) -> Option<(i64, &str)> {
    let (digits, suffix) = name.split_once('.')?;
    let well_formed = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| well_formed)?, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kafka() {
        assert_eq!(
            path(Path::new("t-0"), 368_769, LOG),
            Path::new("t-0/00000000000000368769.log")
        );
        assert_eq!(
            parse("00000000000000368769.timeindex"),
            Some((368_769, TIME_INDEX))
        );
        assert_eq!(
            parse("00000000000000000000.log.deleted"),
            Some((0, "log.deleted"))
        );
        assert_eq!(parse("leader-epoch-checkpoint"), None);
        assert_eq!(parse("+0000000000000000001.log"), None);
        assert_eq!(parse("99999999999999999999.log"), None);
    }
}
