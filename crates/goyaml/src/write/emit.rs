//! The layout of collections: block style throughout, indented by two.

use std::borrow::Cow;

use super::Dialect;
use super::order;
use super::style::{Analysis, Style, analyze};
use crate::json::check_depth;
use crate::scalar::encode_base64_lines;
use crate::{Node, Shape, WriteError, number};

/// A key longer than this gets a line of its own.
const MAX_SIMPLE_KEY: usize = 128;

/// From this length on a key might be too long to be read back from JSON.
const SUSPICIOUS_KEY: usize = 160;

/// Why writing stopped.
pub(super) enum Stop {
    Fault(WriteError),
    /// Only the long way, by JSON and YAML, shows what becomes of this value.
    ReadAgain,
}

impl From<WriteError> for Stop {
    fn from(fault: WriteError) -> Self {
        Self::Fault(fault)
    }
}

/// What stands in front of a node.
#[derive(Clone, Copy, PartialEq)]
enum Lead {
    /// Nothing: it is the whole document.
    Nothing,
    /// `key:`; a collection goes on the next line.
    Key,
    /// `-`, `?` or the `:` of a long key; a collection begins on the same line.
    Indicator,
}

/// In which order entries are written.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Sorted,
    Given,
}

pub(super) struct Emitter {
    out: String,
    dialect: Dialect,
    /// Characters on the current line.
    pub(super) column: usize,
    /// Whether the current line is empty and may be used.
    pub(super) fresh: bool,
    depth: usize,
}

impl Emitter {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { out: String::new(), dialect, column: 0, fresh: true, depth: 0 }
    }

    pub(super) fn write<N: Node>(mut self, node: &N) -> Result<String, Stop> {
        self.node(node, Lead::Nothing, None)?;
        if !self.fresh {
            self.out.push('\n');
        }
        Ok(self.out)
    }

    /// Writes a node inside a collection at `indent` (none around it: `None`).
    fn node<N: Node>(&mut self, node: &N, lead: Lead, indent: Option<usize>) -> Result<(), Stop> {
        let shape = node.shape();
        match &shape {
            Shape::Seq(items) if !items.is_empty() => return self.sequence(items, lead, indent),
            Shape::Map(entries) if !entries.is_empty() => {
                return self.mapping(entries, Order::Sorted, lead, indent);
            }
            Shape::Struct(fields) if !fields.is_empty() => {
                let v3 = self.dialect == Dialect::V3;
                let order = if v3 { Order::Given } else { Order::Sorted };
                return self.mapping(fields, order, lead, indent);
            }
            _ => {}
        }
        if lead != Lead::Nothing {
            self.push(' ');
        }
        match shape {
            Shape::Null => self.push_str("null"),
            Shape::Bool(value) => self.push_str(if value { "true" } else { "false" }),
            Shape::Int(value) => self.push_str(&value.to_string()),
            Shape::Uint(value) => self.push_str(&value.to_string()),
            Shape::Float(value) => self.float(value)?,
            Shape::Time(text) if self.dialect == Dialect::V3 => {
                self.push_str(&valid_text(text.as_ref()));
            }
            Shape::Text(text) | Shape::Time(text) => {
                self.value_text(text.as_ref(), indent.map_or(2, |indent| indent + 2))?;
            }
            Shape::Seq(_) => self.push_str("[]"),
            Shape::Map(_) | Shape::Struct(_) => self.push_str("{}"),
            Shape::Unsupported(kind) => return Err(WriteError::UnsupportedType(kind).into()),
        }
        Ok(())
    }

    fn sequence<N: Node>(
        &mut self,
        items: &[N],
        lead: Lead,
        indent: Option<usize>,
    ) -> Result<(), Stop> {
        self.enter("[]interface {}")?;
        let inner = match indent {
            None => 0,
            // v2 does not indent a sequence that is the value of a key.
            Some(indent) if lead == Lead::Key && self.dialect != Dialect::V3 => indent,
            Some(indent) => indent + 2,
        };
        for (at, item) in items.iter().enumerate() {
            self.begin_part(at, lead, inner);
            self.push('-');
            self.node(item, Lead::Indicator, Some(inner))?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn mapping<N: Node>(
        &mut self,
        entries: &[(N::Text, N)],
        order: Order,
        lead: Lead,
        indent: Option<usize>,
    ) -> Result<(), Stop> {
        self.enter("map[string]interface {}")?;
        let inner = indent.map_or(0, |indent| indent + 2);
        let mut sorted: Vec<_> =
            entries.iter().map(|entry| (valid_text(entry.0.as_ref()), entry)).collect();
        if order == Order::Sorted {
            order::sort(&mut sorted, self.dialect);
        }
        for (at, (name, (key, value))) in sorted.iter().enumerate() {
            self.begin_part(at, lead, inner);
            let lead = self.key(name, key.as_ref(), inner)?;
            self.node(value, lead, Some(inner))?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn enter(&mut self, kind: &str) -> Result<(), Stop> {
        check_depth(self.depth, kind)?;
        self.depth += 1;
        Ok(())
    }

    /// Moves to where part number `at` of a collection begins.
    fn begin_part(&mut self, at: usize, lead: Lead, indent: usize) {
        match lead {
            Lead::Nothing if at == 0 => self.fresh = false,
            Lead::Indicator if at == 0 => self.push(' '),
            _ => self.new_line(indent),
        }
    }

    /// Writes a key with its colon, and says what the value then has in front of it.
    fn key(&mut self, name: &str, bytes: &[u8], indent: usize) -> Result<Lead, Stop> {
        let scalar = self.scalar_of(name, bytes);
        if name.len() > SUSPICIOUS_KEY && self.dialect == Dialect::V2Json {
            return Err(Stop::ReadAgain);
        }
        let length = scalar.text.len() + if scalar.binary { "!!binary".len() } else { 0 };
        if scalar.analysis.read_again {
            return Err(Stop::ReadAgain);
        }
        if length <= MAX_SIMPLE_KEY && !scalar.analysis.multiline {
            self.tag(&scalar);
            self.text(&scalar.text, scalar.analysis.style, indent + 2, false);
            self.push(':');
            return Ok(Lead::Key);
        }
        self.push_str("? ");
        self.tag(&scalar);
        self.text(&scalar.text, scalar.analysis.style, indent + 2, self.folds());
        self.new_line(indent);
        self.push(':');
        Ok(Lead::Indicator)
    }

    fn value_text(&mut self, bytes: &[u8], indent: usize) -> Result<(), Stop> {
        let name = valid_text(bytes);
        let scalar = self.scalar_of(&name, bytes);
        if scalar.analysis.read_again {
            return Err(Stop::ReadAgain);
        }
        self.tag(&scalar);
        self.text(&scalar.text, scalar.analysis.style, indent, self.folds());
        Ok(())
    }

    /// What is to be written for the bytes of a text: v3 writes those that are no text as base64.
    fn scalar_of<'t>(&self, text: &'t str, bytes: &[u8]) -> ScalarText<'t> {
        if self.dialect == Dialect::V3 && text.as_bytes() != bytes {
            let text = encode_base64_lines(bytes);
            let multiline = text.contains('\n');
            let style = if multiline { Style::Literal } else { Style::Plain };
            let analysis = Analysis { style, multiline, read_again: false };
            return ScalarText { text: text.into(), analysis, binary: true };
        }
        ScalarText { text: text.into(), analysis: analyze(text, self.dialect), binary: false }
    }

    /// v3 never folds lines.
    fn folds(&self) -> bool {
        self.dialect != Dialect::V3
    }

    fn tag(&mut self, scalar: &ScalarText<'_>) {
        if scalar.binary {
            self.push_str("!!binary ");
        }
    }

    fn float(&mut self, value: f64) -> Result<(), Stop> {
        let mut text = String::new();
        if self.dialect == Dialect::V2Json {
            number::push_json(&mut text, value)
                .map_err(|word| WriteError::UnsupportedValue(word.into()))?;
            // What JSON writes without point and exponent comes back as an integer, if it can.
            if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
                self.push_str(if text == "-0" { "0" } else { &text });
                return Ok(());
            }
            text.clear();
        }
        number::push_g(&mut text, value);
        self.push_str(match &*text {
            "+Inf" => ".inf",
            "-Inf" => "-.inf",
            "NaN" => ".nan",
            text => text,
        });
        Ok(())
    }

    // The output and where it stands.

    pub(super) fn push(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
        self.fresh = false;
    }

    pub(super) fn push_str(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
        self.fresh = false;
    }

    /// Writes a line end that is part of a text.
    pub(super) fn push_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
        self.fresh = true;
    }

    /// Begins a line at `indent`, unless an empty one is there already.
    pub(super) fn new_line(&mut self, indent: usize) {
        if !self.fresh {
            self.out.push('\n');
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
        self.fresh = false;
    }
}

struct ScalarText<'t> {
    text: Cow<'t, str>,
    analysis: Analysis,
    binary: bool,
}

/// The text of bytes, as JSON takes it: each byte that is not UTF-8 is U+FFFD.
fn valid_text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(crate::read::text_of(bytes)),
    }
}
