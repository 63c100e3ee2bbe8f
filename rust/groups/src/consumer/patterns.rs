//! Members' regular expressions, compiled: before a group is locked, and once for all that use them.
//!
//! What is kept is only what compiling would give again. So it decides nothing, and may be forgotten at any time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use kafkalite_wire::ErrorCode;
use regex::{Regex, RegexBuilder};

use kafkalite_wire::CodedError;

/// So many are kept, those that were used last. Few groups use any.
const KEPT: usize = 64;
/// Most bytes that one may take when compiled, where a few characters can stand for as much as anybody likes.
const LARGEST: usize = 2 << 20;

/// Those used last are behind the others.
static COMPILED: Mutex<VecDeque<(String, Arc<Regex>)>> = Mutex::new(VecDeque::new());

/// A regular expression that a topic's whole name must match.
pub(super) fn compile(regex: &str) -> Result<Arc<Regex>, CodedError> {
    if let Some(known) = take(regex) {
        keep(regex, &known);
        return Ok(known);
    }
    let build = |text: &str| RegexBuilder::new(text).size_limit(LARGEST).build();
    // First by itself: `a)|(?:b` makes sense only in the parentheses that are put around it.
    let alone = build(regex);
    let whole = alone.and_then(|_| build(&format!("^(?:{regex})$")));
    let compiled = Arc::new(whole.map_err(|error| {
        CodedError::new(
            ErrorCode::InvalidRegularExpression,
            format!("'{regex}' is no regular expression: {error}"),
        )
    })?);
    keep(regex, &compiled);
    Ok(compiled)
}

fn take(regex: &str) -> Option<Arc<Regex>> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let at = compiled.iter().position(|(text, _)| text == regex)?;
    compiled.remove(at).map(|(_, known)| known)
}

fn keep(regex: &str, known: &Arc<Regex>) {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    // Another thread may have compiled it meanwhile.
    compiled.retain(|(text, _)| text != regex);
    compiled.push_back((regex.to_owned(), Arc::clone(known)));
    if compiled.len() > KEPT {
        compiled.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_compiled_once_for_all_that_use_it_and_few_are_kept() {
        let first = compile("kept-.*").unwrap();
        for number in 0..KEPT / 2 {
            compile(&format!("other-{number}")).unwrap();
        }
        assert!(Arc::ptr_eq(&first, &compile("kept-.*").unwrap()));
        for number in 0..2 * KEPT {
            compile(&format!("other-{number}")).unwrap();
        }
        assert!(!Arc::ptr_eq(&first, &compile("kept-.*").unwrap()));
        assert!(COMPILED.lock().unwrap().len() <= KEPT);
    }

    #[test]
    fn a_pattern_that_would_take_much_memory_is_refused() {
        let refused = compile(r"(?:\w{100}){100}").unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidRegularExpression);
    }
}
