//! What is too large to be sent.

use super::error::ZooKeeperError;

/// Bytes of the largest request that a server reads, unless its `jute.maxbuffer` was raised. It closes the connection over a
/// larger one without a word, again and again for whoever tries again.
const LARGEST: usize = 1_048_575;

/// Bytes of a request, or of one of several writes in it, besides path and data: header, flags, rights, lengths.
const AROUND: usize = 80;

/// Refuses what is too large: paths as the server sees them, with their data.
pub(super) fn check<'a>(
    chroot: usize,
    writes: impl Iterator<Item = (&'a str, usize)>,
) -> Result<(), ZooKeeperError> {
    let mut first = None;
    let mut bytes = AROUND;
    for (path, data) in writes {
        first.get_or_insert(path);
        bytes += AROUND + chroot + path.len() + data;
    }
    match first {
        Some(path) if bytes > LARGEST => Err(ZooKeeperError::TooLarge {
            path: path.to_owned(),
            bytes,
            limit: LARGEST,
        }),
        _ => Ok(()),
    }
}
