//! Pipelines, commands and operands.

use std::borrow::Cow;

use super::{Parse, Parser};
use crate::ast::{Chain, Declaration, Id, Literal, NodeKind, Run, Variable};
use crate::lex::{Item, Token};
use crate::number::{Form, Number};
use crate::print::quote;
use crate::stack;
use crate::text::lossy;

/// How deep parentheses may nest: Go's own limit.
const MAX_PARENS: usize = 10_000;

impl<'t> Parser<'t> {
    /// `declarations? command ('|' command)*`, up to and with the token `end`.
    pub(super) fn pipeline(&mut self, context: &'static str, end: Token) -> Parse<Id> {
        let pos = self.peek_non_space().pos;
        let declaration = self.declarations(context)?;
        let before = self.siblings.len();
        loop {
            let item = self.next_non_space();
            match item.token {
                token if token == end => break,
                Token::Bool
                | Token::CharConstant
                | Token::Complex
                | Token::Dot
                | Token::Field
                | Token::Identifier
                | Token::Number
                | Token::Nil
                | Token::RawString
                | Token::String
                | Token::Variable
                | Token::LeftParen => {
                    self.put_back(item);
                    let command = self.command()?;
                    self.siblings.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        self.check(&self.siblings[before..], context)?;
        let commands = self.children_since(before);
        let pipe = self.source.add_pipe(commands, declaration);
        Ok(self.source.push(pos, NodeKind::Pipe(pipe)))
    }

    /// `$x :=`, `$x =`, or with `range` also `$i, $x :=`. A variable that turns out to be an
    /// argument is put back.
    fn declarations(&mut self, context: &str) -> Parse<Option<Declaration>> {
        let mut names = Vec::new();
        let declaration = |assigns, variables: Vec<_>| {
            Ok((!variables.is_empty()).then_some(Declaration { assigns, variables }))
        };
        while self.peek_non_space().token == Token::Variable {
            let variable = self.next();
            let after = self.peek();
            let next = self.peek_non_space();
            let comma = next.token == Token::Char && next.text == b",";
            if !comma && next.token != Token::Assign && next.token != Token::Declare {
                if after.token == Token::Space {
                    self.put_back(after);
                }
                self.put_back(variable);
                break;
            }
            self.next_non_space();
            let name = self.source.variable(&lossy(variable.text));
            names.push(name);
            self.tree.variables.push(name);
            if !comma {
                return declaration(next.token == Token::Assign, names);
            }
            if context != "range" || names.len() >= 2 {
                return self.error(format!("too many declarations in {context}"));
            }
            match self.peek_non_space().token {
                Token::Variable | Token::RightDelim | Token::RightParen => {}
                _ => return self.error("range can only initialize variables"),
            }
        }
        declaration(false, names)
    }

    fn check(&self, commands: &[Id], context: &str) -> Parse<()> {
        if commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (at, command) in commands.iter().enumerate().skip(1) {
            let NodeKind::Command(args) = &self.source.node(*command).kind else { continue };
            let literal = self.source.children(*args).first().is_some_and(|first| {
                matches!(
                    self.source.node(*first).kind,
                    NodeKind::Bool(_)
                        | NodeKind::Dot
                        | NodeKind::Nil
                        | NodeKind::Number(_)
                        | NodeKind::String(_)
                )
            });
            if literal {
                return self.error(format!("non executable command in pipeline stage {}", at + 1));
            }
        }
        Ok(())
    }

    /// `operand (space operand)*`, up to and with a `|`, or up to the end of the pipeline.
    fn command(&mut self) -> Parse<Id> {
        let pos = self.peek_non_space().pos;
        let before = self.siblings.len();
        loop {
            if let Some(operand) = self.operand()? {
                self.siblings.push(operand);
            }
            let item = self.next();
            match item.token {
                Token::Space => continue,
                Token::RightDelim | Token::RightParen => self.put_back(item),
                Token::Pipe => {}
                _ => return self.unexpected(&item, "operand"),
            }
            break;
        }
        if self.siblings.len() == before {
            return self.error("empty command");
        }
        let args = self.children_since(before);
        Ok(self.source.push(pos, NodeKind::Command(args)))
    }

    /// A term with the fields that follow it; `None` if there is no term.
    fn operand(&mut self) -> Parse<Option<Id>> {
        let Some(node) = self.term()? else {
            return Ok(None);
        };
        if self.peek().token != Token::Field {
            return Ok(Some(node));
        }
        let pos = self.peek().pos;
        let kind = match self.source.node(node).kind {
            NodeKind::Field(fields) => NodeKind::Field(self.more_fields(fields)),
            NodeKind::Variable(Variable { name, fields }) => {
                NodeKind::Variable(Variable { name, fields: self.more_fields(fields) })
            }
            NodeKind::Bool(_)
            | NodeKind::String(_)
            | NodeKind::Number(_)
            | NodeKind::Nil
            | NodeKind::Dot => {
                while self.peek().token == Token::Field {
                    self.next();
                }
                let term = quote(self.source.print(node));
                return self.error(format!("unexpected . after term {term}"));
            }
            _ => {
                let none = self.source.no_fields();
                NodeKind::Chain(Chain { node, fields: self.more_fields(none) })
            }
        };
        Ok(Some(self.source.push(pos, kind)))
    }

    /// The fields of a run, and those that follow in the text.
    fn more_fields(&mut self, mut fields: Run) -> Run {
        while self.peek().token == Token::Field {
            let item = self.next();
            fields = self.source.add_field(fields, &field_name(&item));
        }
        fields
    }

    fn term(&mut self) -> Parse<Option<Id>> {
        let item = self.next_non_space();
        let kind = match item.token {
            Token::Identifier => self.identifier(&item)?,
            Token::Dot => NodeKind::Dot,
            Token::Nil => NodeKind::Nil,
            Token::Variable => self.variable(&item)?,
            Token::Field => {
                let none = self.source.no_fields();
                NodeKind::Field(self.source.add_field(none, &field_name(&item)))
            }
            Token::Bool => NodeKind::Bool(item.text == b"true"),
            Token::CharConstant => self.number(&item, Form::Char)?,
            Token::Complex => self.number(&item, Form::Complex)?,
            Token::Number => self.number(&item, Form::Plain)?,
            Token::LeftParen => return self.parenthesised().map(Some),
            Token::String | Token::RawString => {
                let text = self.unquote(&item)?;
                let quoted = item.pos..item.pos + item.text.len();
                self.source.add_literal(Literal { quoted, text })
            }
            _ => {
                self.put_back(item);
                return Ok(None);
            }
        };
        Ok(Some(self.source.push(item.pos, kind)))
    }

    fn identifier(&mut self, item: &Item<'t>) -> Parse<NodeKind> {
        if let Some(name) = self.named.get(item.text) {
            return Ok(NodeKind::Identifier(*name));
        }
        let name = lossy(item.text);
        let Some(function) = self.function(&name) else {
            return self.error(format!("function {} not defined", quote(item.text)));
        };
        let name = self.source.add_function(&name, function);
        self.named.insert(item.text, name);
        Ok(NodeKind::Identifier(name))
    }

    /// The use of a variable, which must have been declared.
    fn variable(&mut self, item: &Item<'_>) -> Parse<NodeKind> {
        let name = self.source.variable(&lossy(item.text));
        if !self.tree.variables.contains(&name) {
            return self.error(format!("undefined variable {}", quote(item.text)));
        }
        Ok(NodeKind::Variable(Variable { name, fields: self.source.no_fields() }))
    }

    fn number(&mut self, item: &Item<'_>, form: Form) -> Parse<NodeKind> {
        match Number::parse(item.text, form) {
            Ok(number) => Ok(self.source.add_number(number)),
            Err(message) => self.error(message),
        }
    }

    /// A pipeline in parentheses, of which the left one was taken.
    fn parenthesised(&mut self) -> Parse<Id> {
        if self.tree.parens >= MAX_PARENS {
            return self.error("max expression depth exceeded");
        }
        self.tree.parens += 1;
        let pipe = stack::grow(|| self.pipeline("parenthesized pipeline", Token::RightParen));
        self.tree.parens -= 1;
        pipe
    }
}

/// The name in a token `.name`.
fn field_name<'t>(item: &Item<'t>) -> Cow<'t, str> {
    lossy(item.text.get(1..).unwrap_or_default())
}
