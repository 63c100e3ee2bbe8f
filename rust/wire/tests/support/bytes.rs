//! Messages as bytes, made from the schema alone: an encoder that shares no code with the one it judges.

use kafkalite_wire::{
    Version,
    schema::{Field, Kind},
};

/// What the writer of a message has to decide.
pub(crate) enum Choice {
    /// The number of elements of an array.
    Count,
    /// The length of a string or of bytes.
    Length,
    /// Whether a nullable field is null (0 is no).
    Null,
    /// Whether a tagged field is there (0 is no).
    Tagged,
    /// Eight bytes for a number.
    Number,
}

/// Writes one message.
pub(crate) struct Bytes<'a> {
    pub(crate) out: Vec<u8>,
    version: Version,
    choose: &'a mut dyn FnMut(Choice) -> u64,
    /// What arrays claim to hold, if not what they do.
    pub(crate) claim: Option<u64>,
    /// Whether every struct carries a tagged field that nobody knows.
    strangers: bool,
    /// Inside a tagged field, where no value may be a default: a default is not sent at all.
    tagged: bool,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(version: Version, choose: &'a mut dyn FnMut(Choice) -> u64) -> Bytes<'a> {
        Bytes {
            out: Vec::new(),
            version,
            choose,
            claim: None,
            strangers: false,
            tagged: false,
        }
    }

    /// The bytes of a message whose choices come from `entropy`, then from zeros.
    pub(crate) fn random(
        kind: &Kind,
        version: Version,
        entropy: &[u8],
        strangers: bool,
    ) -> Vec<u8> {
        let mut entropy = entropy.iter().copied();
        let mut next = || u64::from(entropy.next().unwrap_or(0));
        let mut choose = |choice| match choice {
            Choice::Count => next() % 4,
            Choice::Length => match next() {
                255 => 300, // a length that takes two bytes in the compact form
                small => small % 8,
            },
            Choice::Null | Choice::Tagged => u64::from(next() % 4 == 1),
            Choice::Number => (0..8).fold(0, |number, _| number << 8 | next()),
        };
        let mut bytes = Bytes::new(version, &mut choose);
        bytes.strangers = strangers;
        bytes.value(kind);
        bytes.out
    }

    pub(crate) fn value(&mut self, kind: &Kind) {
        match kind {
            Kind::Bool => {
                let value = self.number(1) & 1;
                self.out.push(value as u8 | u8::from(self.tagged));
            }
            Kind::Int8 => self.integer(1),
            Kind::Int16 | Kind::Uint16 => self.integer(2),
            Kind::Int32 => self.integer(4),
            Kind::Int64 => self.integer(8),
            // Of a small range: what is no number equals nothing.
            Kind::Float64 => {
                let value = f64::from(self.number(1) as i32) / 4.0;
                self.out.extend(value.to_be_bytes());
            }
            Kind::Uuid => {
                self.integer(8);
                self.integer(8);
            }
            Kind::String => {
                let letters = self.some(Choice::Length);
                let text: String = (0..letters)
                    .map(|_| ['a', 'b', '\0', '"', 'é', '→', '🦀'][(self.number(1) % 7) as usize])
                    .collect();
                self.length(text.len() as u64, 2);
                self.out.extend(text.as_bytes());
            }
            Kind::Bytes | Kind::Records => {
                let length = self.some(Choice::Length);
                self.length(length, 4);
                for _ in 0..length {
                    let byte = self.number(1) as u8;
                    self.out.push(byte);
                }
            }
            Kind::Array(element) => {
                let count = self.some(Choice::Count);
                self.length(self.claim.unwrap_or(count), 4);
                for _ in 0..count {
                    self.value(element);
                }
            }
            Kind::Struct(fields) => self.fields(fields),
        }
    }

    fn fields(&mut self, fields: &[Field]) {
        let number = self.version.number();
        let carried = || fields.iter().filter(|f| f.versions.contains(&number));
        for field in carried().filter(|f| f.tag.is_none()) {
            self.field(field);
        }
        if !self.version.is_flexible() {
            return;
        }
        let mut tagged: Vec<_> = carried().filter(|f| f.tag.is_some()).collect();
        tagged.sort_by_key(|field| field.tag);
        tagged.retain(|_| (self.choose)(Choice::Tagged) != 0);
        self.varint(tagged.len() as u64 + u64::from(self.strangers));
        for field in tagged {
            self.varint(u64::from(field.tag.expect("only tagged fields are left")));
            let outer = std::mem::take(&mut self.out);
            let was_tagged = std::mem::replace(&mut self.tagged, true);
            self.field(field);
            self.tagged = was_tagged;
            let value = std::mem::replace(&mut self.out, outer);
            self.varint(value.len() as u64);
            self.out.extend(value);
        }
        if self.strangers {
            self.varint(4711);
            self.varint(3);
            self.out.extend(b"who");
        }
    }

    fn field(&mut self, field: &Field) {
        let nullable = field
            .nullable
            .as_ref()
            .is_some_and(|range| range.contains(&self.version.number()));
        let null = nullable && !self.tagged && (self.choose)(Choice::Null) != 0;
        match (&field.kind, null) {
            (Kind::Struct(_), true) => self.out.push(0xff),
            (Kind::Struct(_), false) if nullable => {
                self.out.push(1);
                self.value(&field.kind);
            }
            (_, true) if self.version.is_flexible() => self.out.push(0),
            (Kind::String, true) => self.out.extend([0xff; 2]),
            (_, true) => self.out.extend([0xff; 4]),
            (kind, false) => self.value(kind),
        }
    }

    fn number(&mut self, least: u64) -> u64 {
        let number = (self.choose)(Choice::Number);
        if self.tagged {
            number.max(least)
        } else {
            number
        }
    }

    fn some(&mut self, choice: Choice) -> u64 {
        let count = (self.choose)(choice);
        if self.tagged { count.max(1) } else { count }
    }

    fn integer(&mut self, size: usize) {
        // Defaults are 0, −1 and the extremes; a tagged field avoids them all.
        let number = self.number(0);
        let number = if self.tagged {
            number % 100 + 1
        } else {
            number
        };
        self.out.extend(&number.to_be_bytes()[8 - size..]);
    }

    fn length(&mut self, length: u64, width: usize) {
        if self.version.is_flexible() {
            self.varint(length + 1);
        } else {
            self.out.extend(&length.to_be_bytes()[8 - width..]);
        }
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }
}
