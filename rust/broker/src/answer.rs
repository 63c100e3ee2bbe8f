//! What handlers give to the network.

use kafkalite_log::LogSlice;
use kafkalite_wire::Encoded;

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Handled {
    /// It is answered.
    Answer(Box<AnswerFrame>),
    /// The client wants no answer.
    Nothing,
    /// The connection cannot go on; the sentence says why.
    Close(String),
}

/// A finished response.
#[derive(Debug)]
pub(crate) struct AnswerFrame {
    /// The frame, with gaps where records belong.
    pub(crate) frame: Encoded,
    /// The records; each gap names its place here.
    pub(crate) slices: Vec<LogSlice>,
}
