//! What a table says of one setting.

use crate::{ConfigError, ValueKind};

/// One setting: everything that parsing, `DescribeConfigs`, error messages and the printed tables need to know.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Kafka's spelling.
    pub name: &'static str,
    /// What may be written.
    pub kind: ValueKind,
    /// What holds when nothing is written; `None` where that depends on other settings.
    pub default: Option<&'static str>,
    /// Whether it can change at run time. A topic's and a group's always can, a client's never.
    pub change: ChangedWhen,
    /// Settings of the broker that stand in when this one is not set, the first that is set wins.
    pub synonyms: &'static [Synonym],
    /// One sentence, with the unit.
    pub doc: &'static str,
}

/// Where a setting may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedWhen {
    /// Only by starting whatever has it again.
    Restart,
    /// By `IncrementalAlterConfigs` as well; kept across restarts.
    Dynamic,
}

/// A setting that stands in for another one, in its own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Synonym {
    /// The name of the setting that stands in.
    pub name: &'static str,
    /// How many of our units one of its units is; 1 where the unit is the same.
    pub factor: i64,
}

impl Row {
    /// A setting that has a default, and changes only with a restart.
    pub const fn new(
        name: &'static str,
        kind: ValueKind,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default: Some(default),
            change: ChangedWhen::Restart,
            synonyms: &[],
            doc,
        }
    }

    /// Whether it is only kept and described for tools, without effect. Its sentence begins with that.
    pub fn is_only_described(&self) -> bool {
        self.doc.starts_with("Kept and described for tools")
    }

    /// Checks `value` and returns it in one spelling, as [`ValueKind::check`] does.
    pub fn check(&self, value: &str) -> Result<String, ConfigError> {
        let refused = |expected| ConfigError::invalid(self.name, value.trim(), expected);
        self.kind.check(value).map_err(refused)
    }
}
