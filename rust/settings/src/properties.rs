//! Java's properties format, as far as server.properties and our own file of altered settings use it.
//!
//! Comments begin with `#` or `!`; a key ends at the first `=`, `:` or space; a line that ends in `\` goes on in the
//! next; `\t \n \r \f \\ \: \= \# \! \uXXXX` are escapes.

use std::fmt::Write as _;

/// A line of a properties file is malformed. Correct it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the properties: {reason}")]
pub struct BadProperties {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// What Java skips around keys and values; other white space is part of them.
const BLANK: [char; 3] = [' ', '\t', '\x0c'];

/// Every key with its value, in the order they stand; a key that stands twice comes twice.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, BadProperties> {
    let mut pairs = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim_start_matches(BLANK);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = line.to_owned();
        while logical.chars().rev().take_while(|&c| c == '\\').count() % 2 == 1 {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(BLANK));
        }
        pairs.push(pair(&logical).map_err(|reason| BadProperties {
            line: index + 1,
            reason,
        })?);
    }
    Ok(pairs)
}

fn pair(line: &str) -> Result<(String, String), &'static str> {
    let mut end = line.len();
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '=' | ':' | ' ' | '\t' | '\x0c' => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(BLANK);
    let value = rest
        .strip_prefix(['=', ':'])
        .unwrap_or(rest)
        .trim_start_matches(BLANK);
    let key = unescape(key)?;
    if key.is_empty() {
        return Err("there is a value and no key");
    }
    Ok((key, unescape(value)?))
}

fn unescape(text: &str) -> Result<String, &'static str> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('f') => plain.push('\x0c'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16)
                    .ok()
                    .filter(|_| digits.len() == 4);
                plain.push(
                    code.and_then(char::from_u32)
                        .ok_or("\\u must be followed by four hexadecimal digits")?,
                );
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Ok(plain)
}

/// One line that [`parse`] reads back as `key` and `value`.
pub fn write_pair(out: &mut String, key: &str, value: &str) {
    let escape = |out: &mut String, text: &str, is_key: bool| {
        for (at, c) in text.chars().enumerate() {
            match c {
                '\t' => out.push_str("\\t"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\x0c' => out.push_str("\\f"),
                '\\' | '#' | '!' => out.extend(['\\', c]),
                '=' | ':' if is_key => out.extend(['\\', c]),
                ' ' if is_key || at == 0 => out.push_str("\\ "),
                c if c.is_control() && u32::from(c) <= 0xFFFF => {
                    write!(out, "\\u{:04X}", u32::from(c))
                        .expect("writing to a String does not fail");
                }
                c => out.push(c),
            }
        }
    };
    escape(out, key, true);
    out.push('=');
    escape(out, value, false);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kafkas_own_spellings_are_read() {
        let text = "# comment\n ! another\n\nnode.id=1\nlisteners = PLAINTEXT://:9092\nlog.dirs:/data\nnum.partitions 3\n\
                    a.list=one,\\\n   two\nempty=\nkey\\=with=v\\u0041\\tx\n";
        let expected = [
            ("node.id", "1"),
            ("listeners", "PLAINTEXT://:9092"),
            ("log.dirs", "/data"),
            ("num.partitions", "3"),
            ("a.list", "one,two"),
            ("empty", ""),
            ("key=with", "vA\tx"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let error = parse("a=1\n\nb=\\u12\n").unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
        assert!(parse("=value").unwrap_err().to_string().contains("no key"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(key in "\\PC{1,20}", value in "(\\PC|[\\x00-\\x20\\x7f-\\u{9f}]){0,40}") {
            let mut text = String::new();
            write_pair(&mut text, &key, &value);
            prop_assert_eq!(parse(&text).unwrap(), vec![(key, value)]);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = parse(&text);
        }
    }
}
