//! Whether bytes of a segment are in memory, and getting them there.
//!
//! `sendfile`, and whoever touches a mapping, wait for the disk where the page cache lacks the bytes, and with them the
//! worker and every connection that it serves. So before old bytes are sent they are looked for, and what is not there is
//! read first by a thread that may wait.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use tokio::task::spawn_blocking;

/// Between two looks: as much as the system usually reads ahead at once.
#[cfg(target_os = "linux")]
const STEP: u64 = 128 * 1024;
/// Read at once to get bytes into memory.
const AT_ONCE: usize = 64 * 1024;

/// Brings bytes into memory that are not there. Where nothing is missing this waits for nothing.
pub(crate) async fn bring_in(file: &Arc<File>, from: u64, len: u64) {
    if len == 0 || holds(file, from, len) {
        return;
    }
    let file = Arc::clone(file);
    // Errors are met again, and told, by who sends the bytes.
    let _ = spawn_blocking(move || read_through(&file, from, len)).await;
}

/// Whether bytes are in memory, as far as a look at some of them tells. True where the file system does not say.
#[cfg(target_os = "linux")]
fn holds(file: &File, from: u64, len: u64) -> bool {
    use std::io::IoSliceMut;

    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    let last = from + len - 1;
    let places = (from..last).step_by(STEP as usize).chain([last]);
    places.into_iter().all(|place| {
        let mut byte = [0];
        let looked = preadv2(
            file,
            &mut [IoSliceMut::new(&mut byte)],
            place,
            ReadWriteFlags::NOWAIT,
        );
        looked != Err(Errno::AGAIN)
    })
}

#[cfg(not(target_os = "linux"))]
fn holds(_: &File, _: u64, _: u64) -> bool {
    true
}

fn read_through(file: &File, from: u64, len: u64) {
    let mut buffer = vec![0; AT_ONCE.min(len as usize)];
    let mut at = from;
    while at < from + len {
        match file.read_at(&mut buffer, at) {
            Ok(read) if read > 0 => at += read as u64,
            _ => return,
        }
    }
}
