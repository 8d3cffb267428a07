//! From tokens to values: the grammar, anchors and aliases, merge keys.
//!
//! go-yaml first parses a whole document, then decodes it, then turns keys into text, then writes
//! JSON. Here all of that happens at once; a fault of a later stage is therefore only noted, and
//! counts when the earlier stages turn out to be without one.

mod collections;

use std::borrow::Cow;
use std::collections::HashMap;

use super::decode::{scalar_value, through_json};
use super::directives::{Directives, STANDARD};
use super::reader;
use super::scanner::Scanner;
use super::token::{Fault, Mark, Token, TokenKind};
use super::{Keys, Numbers};
use crate::{MAX_DEPTH, ParseError, Value};
use collections::Collected;

/// Reads the first document of `bytes`.
pub(super) fn document(
    bytes: &[u8],
    numbers: Numbers,
    keys: Keys,
) -> std::result::Result<Value, ParseError> {
    let input = reader::decode(bytes);
    let mut composer = Composer {
        scanner: Scanner::new(&input.text, input.fault),
        numbers,
        keys,
        directives: Directives::default(),
        anchors: HashMap::new(),
        next_anchor: 0,
        depth: 0,
        // The document itself counts.
        decoded: 1,
        expanded: 0,
        decode_fault: None,
        convert_fault: None,
        not_finite: None,
        repeated: Vec::new(),
    };
    Ok(composer.document()?)
}

/// A node, decoded.
struct Built {
    value: Value,
    /// Where it begins.
    mark: Mark,
    /// How many nodes decoding it takes, aliases expanded.
    cost: u64,
    /// How many collections are nested in it, itself included.
    height: usize,
    is_alias: bool,
    /// Whether it is the key that merges other mappings in.
    is_merge: bool,
}

/// An anchor; without a value while its node is still being read.
struct Anchored {
    id: usize,
    value: Option<(Value, u64, usize)>,
}

/// What may stand in front of a node.
#[derive(Default)]
struct Properties<'a> {
    anchor: Option<&'a str>,
    tag: Cow<'a, str>,
}

struct Composer<'a> {
    scanner: Scanner<'a>,
    numbers: Numbers,
    keys: Keys,
    directives: Directives<'a>,
    anchors: HashMap<&'a str, Anchored>,
    next_anchor: usize,
    depth: usize,
    decoded: u64,
    expanded: u64,
    decode_fault: Option<Fault>,
    convert_fault: Option<Fault>,
    not_finite: Option<Mark>,
    /// Keys that stand twice in their mapping, in go-yaml's words, where that is a fault.
    repeated: Vec<(String, Mark)>,
}

type Result<T> = std::result::Result<T, Fault>;

/// Reads one kind of collection.
type Reader<'a> = fn(&mut Composer<'a>, &mut Collected) -> Result<Value>;

impl<'a> Composer<'a> {
    fn document(&mut self) -> Result<Value> {
        let mut explicit = false;
        while let TokenKind::Version { .. } | TokenKind::TagDirective { .. } = self.peek()?.kind {
            explicit = true;
            if let Some(Token { kind, start }) = self.scanner.take() {
                self.directives.add(kind, start)?;
            }
        }
        let token = self.peek()?;
        let mark = token.start;
        let built = match token.kind {
            TokenKind::DocumentStart => {
                self.scanner.take();
                self.content()?
            }
            _ if explicit => {
                return Err(Fault::parser("did not find expected <document start>", mark));
            }
            TokenKind::StreamEnd => return Ok(Value::Null),
            _ => self.node(true, false)?,
        };
        // The end of the document shows only at the token behind it.
        self.peek()?;
        self.finish(built)
    }

    /// Reports what was noted on the way, in the order of go-yaml's stages.
    fn finish(&mut self, built: Built) -> Result<Value> {
        let repeated = self.repeated();
        if let Some(fault) = self.decode_fault.take().or(repeated).or(self.convert_fault.take()) {
            return Err(fault);
        }
        let value = self.placed(built);
        match self.not_finite {
            Some(mark) => match find_not_finite(&value) {
                Some(word) => Err(Fault::Decoder {
                    message: format!("json: unsupported value: {word}"),
                    mark,
                }),
                None => Ok(value),
            },
            None => Ok(value),
        }
    }

    /// What stands behind an explicit document start.
    fn content(&mut self) -> Result<Built> {
        match self.peek()?.kind {
            TokenKind::Version { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => self.empty(),
            _ => self.node(true, false),
        }
    }

    fn peek(&mut self) -> Result<&Token<'a>> {
        self.scanner.peek()
    }

    /// Takes the next token if it is of the wanted kind.
    fn took(&mut self, wanted: impl Fn(&TokenKind<'a>) -> bool) -> Result<bool> {
        let found = wanted(&self.peek()?.kind);
        if found {
            self.scanner.take();
        }
        Ok(found)
    }

    fn node(&mut self, block: bool, indentless: bool) -> Result<Built> {
        let Token { kind, start } = self.peek()?;
        let start = *start;
        if let TokenKind::Alias(name) = *kind {
            self.scanner.take();
            return self.alias(name, start);
        }
        let properties = self.properties()?;
        let token = self.peek()?;
        let mark = token.start;
        let read: Reader<'a> = match token.kind {
            TokenKind::Scalar { .. } => return self.scalar(&properties, start),
            TokenKind::BlockEntry if indentless => Self::indentless_sequence,
            TokenKind::FlowSequenceStart => Self::flow_sequence,
            TokenKind::FlowMappingStart => Self::flow_mapping,
            TokenKind::BlockSequenceStart if block => Self::block_sequence,
            TokenKind::BlockMappingStart if block => Self::block_mapping,
            _ if properties.anchor.is_some() || !properties.tag.is_empty() => {
                let plain = properties.tag.is_empty();
                return Ok(self.finish_scalar(&properties, Cow::Borrowed(""), plain, start));
            }
            _ => return Err(Fault::parser("did not find expected node content", mark)),
        };
        self.collection(properties.anchor, start, mark, read)
    }

    /// An anchor and a tag, in either order.
    fn properties(&mut self) -> Result<Properties<'a>> {
        let mut properties = Properties::default();
        let mut tag = None;
        loop {
            match self.peek()?.kind {
                TokenKind::Anchor(name) if properties.anchor.is_none() => {
                    properties.anchor = Some(name);
                    self.scanner.take();
                }
                TokenKind::Tag { .. } if tag.is_none() => tag = self.scanner.take(),
                _ => break,
            }
        }
        if let Some(Token { kind: TokenKind::Tag { handle, suffix }, start: mark }) = tag {
            properties.tag = self
                .directives
                .resolve(&handle, suffix)
                .filter(|tag| !tag.is_empty())
                .ok_or_else(|| Fault::parser("found undefined tag handle", mark))?;
        }
        Ok(properties)
    }

    fn scalar(&mut self, properties: &Properties<'a>, start: Mark) -> Result<Built> {
        let Some(Token { kind: TokenKind::Scalar { text, plain }, .. }) = self.scanner.take()
        else {
            return self.empty();
        };
        let implicit = plain && properties.tag.is_empty() || properties.tag == "!";
        Ok(self.finish_scalar(properties, text, implicit, start))
    }

    fn finish_scalar(
        &mut self,
        properties: &Properties<'a>,
        text: Cow<'a, str>,
        implicit: bool,
        mark: Mark,
    ) -> Built {
        self.decoded = self.decoded.saturating_add(1);
        let merge_tag = properties.tag.strip_prefix(STANDARD) == Some("merge");
        let is_merge = text == "<<" && (implicit || merge_tag);
        let value = match scalar_value(&properties.tag, text, implicit) {
            Ok(value) => value,
            Err(message) => {
                self.note_decode(message, mark);
                Value::Null
            }
        };
        if let Some(name) = properties.anchor {
            let id = self.new_anchor(name);
            self.fill_anchor(name, id, (value.clone(), 1, 0));
        }
        Built { value, mark, cost: 1, height: 0, is_alias: false, is_merge }
    }

    /// Null where the text has nothing.
    fn empty(&mut self) -> Result<Built> {
        let mark = self.peek()?.start;
        Ok(self.finish_scalar(&Properties::default(), Cow::Borrowed(""), true, mark))
    }

    // Anchors and aliases.

    fn new_anchor(&mut self, name: &'a str) -> usize {
        self.next_anchor += 1;
        self.anchors.insert(name, Anchored { id: self.next_anchor, value: None });
        self.next_anchor
    }

    /// Gives anchor number `id` its value, unless the name stands for another node by now.
    fn fill_anchor(&mut self, name: &str, id: usize, value: (Value, u64, usize)) {
        if let Some(anchored) = self.anchors.get_mut(name)
            && anchored.id == id
        {
            anchored.value = Some(value);
        }
    }

    fn alias(&mut self, name: &'a str, mark: Mark) -> Result<Built> {
        let known = self.anchors.get(name).map(|anchored| anchored.value.clone());
        let (value, cost, height) = match known {
            Some(Some(known)) => known,
            Some(None) => {
                self.note_decode(format!("yaml: anchor '{name}' value contains itself"), mark);
                (Value::Null, 0, 0)
            }
            None => {
                let message = format!("yaml: unknown anchor '{name}' referenced");
                return Err(Fault::Decoder { message, mark });
            }
        };
        self.decoded = self.decoded.saturating_add(1).saturating_add(cost);
        self.expanded = self.expanded.saturating_add(cost);
        if excessive(self.expanded, self.decoded) {
            self.note_decode("yaml: document contains excessive aliasing".into(), mark);
        }
        self.check_depth(height, mark)?;
        let cost = cost.saturating_add(1);
        Ok(Built { value, mark, cost, height, is_alias: true, is_merge: false })
    }

    fn check_depth(&self, height: usize, mark: Mark) -> Result<()> {
        if self.depth + height > MAX_DEPTH {
            return Err(Fault::Scanner {
                problem: format!("exceeded max depth of {MAX_DEPTH}"),
                mark,
            });
        }
        Ok(())
    }

    fn note_decode(&mut self, message: String, mark: Mark) {
        self.decode_fault.get_or_insert(Fault::Decoder { message, mark });
    }

    /// All keys that stand twice, as one fault at the first of them.
    fn repeated(&mut self) -> Option<Fault> {
        let (_, mark) = *self.repeated.first()?;
        let lines: Vec<String> = self.repeated.drain(..).map(|(line, _)| line).collect();
        let message = format!("yaml: unmarshal errors:\n  {}", lines.join("\n  "));
        Some(Fault::Decoder { message, mark })
    }

    /// The value as it stands in a collection, after JSON.
    fn placed(&mut self, built: Built) -> Value {
        through_json(built.value, self.numbers).unwrap_or_else(|value| {
            self.not_finite.get_or_insert(built.mark);
            value
        })
    }
}

/// go-yaml's rule against documents that are mostly alias expansion: 99 % up to 400 000 nodes,
/// 10 % from 4 000 000 on.
#[allow(clippy::cast_precision_loss, reason = "a ratio")]
fn excessive(expanded: u64, decoded: u64) -> bool {
    const LOW: u64 = 400_000;
    const HIGH: u64 = 4_000_000;
    if expanded <= 100 || decoded <= 1000 {
        return false;
    }
    let allowed = if decoded <= LOW {
        0.99
    } else if decoded >= HIGH {
        0.10
    } else {
        0.99 - 0.89 * ((decoded - LOW) as f64 / (HIGH - LOW) as f64)
    };
    expanded as f64 / decoded as f64 > allowed
}

/// Go's word for the first number JSON cannot express. A number that was replaced by a later
/// entry of the same key is no longer there.
fn find_not_finite(value: &Value) -> Option<&'static str> {
    match value {
        Value::Float(value) => crate::number::push_json(&mut String::new(), *value).err(),
        Value::Seq(items) => items.iter().find_map(find_not_finite),
        Value::Map(map) => map.iter().find_map(|(_, value)| find_not_finite(value)),
        _ => None,
    }
}
