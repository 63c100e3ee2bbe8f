//! Two crates' structs, compared field by field through what `Debug` prints of them.
//!
//! Equal bytes alone would not notice two fields of one type that have changed places.

use std::{collections::BTreeMap, fmt::Debug};

use kafkalite_wire::ErrorCode;

/// A value without the names of its types.
#[derive(Debug)]
pub(crate) enum Tree {
    Atom(String),
    List(Vec<Tree>),
    Fields(BTreeMap<String, Tree>),
}

/// What only the oracle's structs have: unknown tagged fields, and those of version 6 of `InitProducerId`.
const THEIRS_ALONE: &[&str] = &[
    "unknown_tagged_fields",
    "enable_2_pc",
    "keep_prepared_txn",
    "ongoing_txn_producer_id",
    "ongoing_txn_producer_epoch",
];

/// What only ours have, in versions that are newer or older than the oracle, and how it prints where it is not set.
const OURS_ALONE: &[(&str, &str)] = &[
    ("cluster_id", "None"),
    ("node_id", "-1"),
    ("is_cordoned", "false"),
    ("error_message", "None"),
    ("max_num_offsets", "1"),
    ("old_style_offsets", "[]"),
];

/// The tree of a value. Wrappers such as `Some` and `TopicName` are peeled off.
pub(crate) fn tree(value: &impl Debug) -> Tree {
    let text = format!("{value:?}");
    let mut parser = Parser { rest: &text };
    let tree = parser.value();
    assert_eq!(parser.rest, "", "left over from {text}");
    tree
}

impl Tree {
    /// Whether two trees say the same. An absent optional field is null with us and may be empty in the oracle; that null
    /// and empty differ where they are sent is seen in the bytes.
    pub(crate) fn says_the_same(&self, theirs: &Tree) -> bool {
        match (self, theirs) {
            (Tree::Atom(ours), Tree::List(list)) => ours == "None" && list.is_empty(),
            (Tree::Atom(ours), Tree::Atom(theirs)) => {
                ours == theirs || ours == "None" && theirs == "\"\""
            }
            (Tree::List(ours), Tree::List(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(a, b)| a.says_the_same(b))
            }
            (Tree::Fields(ours), Tree::Fields(theirs)) => {
                theirs.keys().all(|name| ours.contains_key(name))
                    && ours.iter().all(|(name, value)| match theirs.get(name) {
                        Some(theirs) => value.says_the_same(theirs),
                        None => value.is_unset(name),
                    })
            }
            _ => false,
        }
    }

    /// Whether this is the value of a field that the oracle does not have yet, and that was not sent.
    fn is_unset(&self, name: &str) -> bool {
        let printed = match self {
            Tree::Atom(text) => text.as_str(),
            Tree::List(list) if list.is_empty() => "[]",
            _ => return false,
        };
        OURS_ALONE.contains(&(name, printed))
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn value(&mut self) -> Tree {
        if self.eat("[") {
            let mut list = Vec::new();
            while !self.eat("]") {
                list.push(self.value());
                self.eat(", ");
            }
            return Tree::List(list);
        }
        if self.eat("{}") {
            return Tree::Fields(BTreeMap::new());
        }
        if let Some(start) = ["\"", "b\""]
            .into_iter()
            .find(|quote| self.rest.starts_with(quote))
        {
            return self.quoted(start.len());
        }
        let word = self.word();
        if self.eat("(") {
            let inner = self.value();
            assert!(self.eat(")"), "{word} wraps one value");
            return inner;
        }
        if self.eat(" { ") {
            return self.fields();
        }
        Tree::Atom(word.to_owned())
    }

    fn fields(&mut self) -> Tree {
        let mut fields = BTreeMap::new();
        while !self.eat(" }") {
            let name = match self.word() {
                "_match" => "match_name", // a name that is Rust's own is spelt differently in each crate
                name => name,
            };
            assert!(self.eat(": "), "a value follows {name}");
            let value = self.value();
            self.eat(", ");
            if name.ends_with("error_code") {
                fields.insert(name.to_owned(), code(value));
            } else if !THEIRS_ALONE.contains(&name) {
                fields.insert(name.to_owned(), value);
            }
        }
        Tree::Fields(fields)
    }

    fn quoted(&mut self, start: usize) -> Tree {
        let mut escaped = false;
        let end = self.rest[start..]
            .find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            })
            .expect("a quote ends");
        let (text, rest) = self.rest.split_at(start + end + 1);
        self.rest = rest;
        Tree::Atom(text.to_owned())
    }

    fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn eat(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// Our error codes print as names, the oracle's as numbers.
fn code(value: Tree) -> Tree {
    let Tree::Atom(word) = &value else {
        return value;
    };
    let known = ErrorCode::ALL
        .iter()
        .find(|code| format!("{code:?}") == *word);
    known.map_or(value, |code| Tree::Atom(code.code().to_string()))
}
