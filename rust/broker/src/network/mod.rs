//! Sockets: accepting, reading frames, writing answers. It knows frames and not what is in them.

/// Stands in for `kafkalite_log::LogSlice` until the log has it.
#[derive(Debug, Clone)]
pub(crate) struct LogSlice;
