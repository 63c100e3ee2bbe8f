//! How a reading commits: at once, or soon.

use kafkalite_client::{CommittedOffset, TopicPartition};
use pyo3::prelude::*;

use crate::blocking::{FOR_EVER, seconds, wait};
use crate::commits::{Committed, Offsets};
use crate::errors;
use crate::reading::Reading;

impl Reading {
    /// Commits and waits for the answer; without offsets what is consumed, and what the caller has in hand.
    pub(crate) fn commit(
        &self,
        py: Python<'_>,
        offsets: Option<Offsets>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let offsets = self.what(offsets);
        let Some(member) = self.source.member() else {
            return Err(errors::no_group());
        };
        let limit = seconds(timeout).unwrap_or(FOR_EVER);
        match wait(py, None, member.commit(offsets, limit))? {
            Some(committed) => committed.map(drop).map_err(|error| errors::client(&error)),
            None => Ok(()), // without a timeout there is always an outcome
        }
    }

    /// Commits without waiting.
    pub(crate) fn commit_soon(
        &self,
        py: Python<'_>,
        offsets: Option<Offsets>,
        then: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let offsets = self.what(offsets);
        let Some(member) = self.source.member() else {
            return Err(errors::no_group());
        };
        let settle = self.outcomes.expected(py, then)?;
        let asked = offsets.clone().unwrap_or_default();
        member.commit_soon(offsets, move |outcome| match outcome {
            Ok(committed) => settle(committed, None),
            Err(error) => settle(asked, Some(error)),
        });
        Ok(())
    }

    fn what(&self, offsets: Option<Offsets>) -> Option<Committed> {
        if offsets.is_none() {
            self.taken.lock().settle_for_reader();
        }
        let named = |((topic, partition), offset)| {
            let metadata = String::new();
            (
                TopicPartition::new(topic, partition),
                CommittedOffset { offset, metadata },
            )
        };
        offsets.map(|offsets| offsets.into_iter().map(named).collect())
    }
}
