//! Stands in for the log's slice until it is there.
use bytes::Bytes;
use std::{fs::File, sync::Arc};
#[derive(Debug, Clone)]
pub(crate) struct LogSlice {
    pub(crate) file: Arc<File>,
    pub(crate) position: u64,
    pub(crate) len: usize,
}
impl LogSlice {
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }
    pub(crate) fn position(&self) -> u64 {
        self.position
    }
    pub(crate) fn len(&self) -> usize {
        self.len
    }
    pub(crate) fn bytes(&self) -> std::io::Result<Bytes> {
        use std::os::unix::fs::FileExt;
        let mut b = vec![0; self.len];
        self.file.read_exact_at(&mut b, self.position)?;
        Ok(b.into())
    }
}
