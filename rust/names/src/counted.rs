//! Numbers as sentences have them: `1 member`, `2 members`.

use std::fmt::Display;

/// So many of what `noun` names; its plural is the regular one.
pub fn counted(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(counted(0, "offset"), "0 offsets");
        assert_eq!(counted(1, "offset"), "1 offset");
        assert_eq!(counted(21, "offset"), "21 offsets");
    }
}
