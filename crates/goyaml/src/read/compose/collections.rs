//! Sequences and mappings, in block and in flow style, and what goes into them.

use std::sync::Arc;

use super::{Built, Composer, Reader, Result};
use crate::read::Keys;
use crate::read::decode::{KeyFault, key_text};
use crate::read::gosyntax::go_syntax;
use crate::read::token::{Fault, Mark, TokenKind};
use crate::{Map, Value};

/// What a collection's parts add up to.
pub(super) struct Collected {
    cost: u64,
    height: usize,
}

impl Collected {
    fn add(&mut self, part: &Built) {
        self.cost = self.cost.saturating_add(part.cost);
        self.height = self.height.max(part.height);
    }
}

impl<'a> Composer<'a> {
    pub(super) fn collection(
        &mut self,
        anchor: Option<&'a str>,
        start: Mark,
        first: Mark,
        read: Reader<'a>,
    ) -> Result<Built> {
        self.depth += 1;
        self.check_depth(0, first)?;
        let id = anchor.map(|name| self.new_anchor(name));
        self.decoded = self.decoded.saturating_add(1);
        let mut collected = Collected { cost: 1, height: 0 };
        let value = read(self, &mut collected)?;
        self.depth -= 1;
        let (cost, height) = (collected.cost, collected.height + 1);
        if let (Some(name), Some(id)) = (anchor, id) {
            self.fill_anchor(name, id, (value.clone(), cost, height));
        }
        Ok(Built { value, mark: start, cost, height, is_alias: false, is_merge: false })
    }

    pub(super) fn block_sequence(&mut self, collected: &mut Collected) -> Result<Value> {
        self.scanner.take();
        let mut items = Vec::new();
        while self.took(|kind| matches!(kind, TokenKind::BlockEntry))? {
            let item = match self.peek()?.kind {
                TokenKind::BlockEntry | TokenKind::BlockEnd => self.empty()?,
                _ => self.node(true, false)?,
            };
            self.add_item(&mut items, item, collected);
        }
        self.expect_end("did not find expected '-' indicator")?;
        Ok(items.into())
    }

    /// A sequence that is not further in than the mapping it is a value of.
    pub(super) fn indentless_sequence(&mut self, collected: &mut Collected) -> Result<Value> {
        let mut items = Vec::new();
        while self.took(|kind| matches!(kind, TokenKind::BlockEntry))? {
            let item = match self.peek()?.kind {
                TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                    self.empty()?
                }
                _ => self.node(true, false)?,
            };
            self.add_item(&mut items, item, collected);
        }
        Ok(items.into())
    }

    pub(super) fn flow_sequence(&mut self, collected: &mut Collected) -> Result<Value> {
        self.scanner.take();
        let mut items = Vec::new();
        loop {
            let token = self.peek()?;
            let mark = token.start;
            match token.kind {
                TokenKind::FlowSequenceEnd => break,
                TokenKind::Key => {
                    let pair = self.collection(None, mark, mark, Self::flow_pair)?;
                    self.add_item(&mut items, pair, collected);
                }
                _ => {
                    let item = self.node(false, false)?;
                    self.add_item(&mut items, item, collected);
                }
            }
            if !self
                .flow_goes_on(&TokenKind::FlowSequenceEnd, "did not find expected ',' or ']'")?
            {
                break;
            }
        }
        self.scanner.take();
        Ok(items.into())
    }

    /// A mapping of one entry without braces, inside a flow sequence.
    fn flow_pair(&mut self, collected: &mut Collected) -> Result<Value> {
        self.scanner.take();
        let mut map = Map::new();
        let key = match self.peek()?.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // go-yaml takes that token for the empty key.
                let key = self.empty()?;
                self.scanner.take();
                key
            }
            _ => self.node(false, false)?,
        };
        let value = if self.took(|kind| matches!(kind, TokenKind::Value))? {
            match self.peek()?.kind {
                TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => self.empty()?,
                _ => self.node(false, false)?,
            }
        } else {
            self.empty()?
        };
        self.add_entry(&mut map, &key, value, collected);
        Ok(map.into())
    }

    pub(super) fn flow_mapping(&mut self, collected: &mut Collected) -> Result<Value> {
        self.scanner.take();
        let mut map = Map::new();
        loop {
            let (key, value) = match self.peek()?.kind {
                TokenKind::FlowMappingEnd => break,
                TokenKind::Key => {
                    self.scanner.take();
                    let key = match self.peek()?.kind {
                        TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                            self.empty()?
                        }
                        _ => self.node(false, false)?,
                    };
                    (key, self.flow_value()?)
                }
                _ => (self.node(false, false)?, self.empty()?),
            };
            self.add_entry(&mut map, &key, value, collected);
            if !self.flow_goes_on(&TokenKind::FlowMappingEnd, "did not find expected ',' or '}'")? {
                break;
            }
        }
        self.scanner.take();
        Ok(map.into())
    }

    fn flow_value(&mut self) -> Result<Built> {
        if !self.took(|kind| matches!(kind, TokenKind::Value))? {
            return self.empty();
        }
        match self.peek()?.kind {
            TokenKind::FlowEntry | TokenKind::FlowMappingEnd => self.empty(),
            _ => self.node(false, false),
        }
    }

    /// Between two parts of a flow collection: whether another one may follow. The end stays.
    fn flow_goes_on(&mut self, end: &TokenKind<'a>, problem: &str) -> Result<bool> {
        let token = self.peek()?;
        if std::mem::discriminant(&token.kind) == std::mem::discriminant(end) {
            return Ok(false);
        }
        if !matches!(token.kind, TokenKind::FlowEntry) {
            return Err(Fault::parser(problem, token.start));
        }
        self.scanner.take();
        Ok(true)
    }

    pub(super) fn block_mapping(&mut self, collected: &mut Collected) -> Result<Value> {
        self.scanner.take();
        let mut map = Map::new();
        while self.took(|kind| matches!(kind, TokenKind::Key))? {
            let key = self.block_part()?;
            let value = if self.took(|kind| matches!(kind, TokenKind::Value))? {
                self.block_part()?
            } else {
                self.empty()?
            };
            self.add_entry(&mut map, &key, value, collected);
        }
        self.expect_end("did not find expected key")?;
        Ok(map.into())
    }

    /// What stands behind `?` or `:` in a block mapping.
    fn block_part(&mut self) -> Result<Built> {
        match self.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => self.empty(),
            _ => self.node(true, true),
        }
    }

    fn expect_end(&mut self, problem: &str) -> Result<()> {
        if self.took(|kind| matches!(kind, TokenKind::BlockEnd))? {
            return Ok(());
        }
        Err(Fault::parser(problem, self.peek()?.start))
    }

    fn add_item(&mut self, items: &mut Vec<Value>, item: Built, collected: &mut Collected) {
        collected.add(&item);
        items.push(self.placed(item));
    }

    fn add_entry(&mut self, map: &mut Map, key: &Built, value: Built, collected: &mut Collected) {
        collected.add(&value);
        if key.is_merge {
            return self.merge(map, &value);
        }
        collected.add(key);
        match key_text(&key.value) {
            Ok(name) => {
                if self.keys == Keys::Once && map.get(&name).is_some() {
                    let (line, key) = (value.mark.line + 1, go_syntax(&key.value));
                    self.repeated
                        .push((format!("line {line}: key {key} already set in map"), value.mark));
                }
                map.insert(name, self.placed(value));
            }
            Err(fault) => {
                let message = fault.message(&value.value);
                let noted = match fault {
                    KeyFault::Decode(_) => &mut self.decode_fault,
                    KeyFault::Convert { .. } => &mut self.convert_fault,
                };
                noted.get_or_insert(Fault::Decoder { message, mark: key.mark });
            }
        }
    }

    /// `<<`: the entries of one mapping, or of several of which the first wins. They overwrite
    /// what stands before the merge key, and are overwritten by what stands behind it.
    fn merge(&mut self, map: &mut Map, from: &Built) {
        let sources = match &from.value {
            Value::Map(_) => std::slice::from_ref(&from.value),
            Value::Seq(items) if !from.is_alias => items,
            _ => &[],
        };
        let fits = matches!(from.value, Value::Map(_) | Value::Seq(_))
            && !(from.is_alias && matches!(from.value, Value::Seq(_)))
            && sources.iter().all(|source| matches!(source, Value::Map(_)));
        if !fits {
            let message = "yaml: map merge requires map or sequence of maps as the value";
            return self.note_decode(message.into(), from.mark);
        }
        for source in sources.iter().rev().filter_map(Value::as_map) {
            for (key, value) in source.shared_iter() {
                map.insert(Arc::clone(key), value.clone());
            }
        }
    }
}
