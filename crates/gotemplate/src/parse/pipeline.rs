//! Pipelines, commands and operands.

use std::borrow::Cow;

use super::{Parse, Parser};
use crate::ast::{Chain, Id, Literal, NodeKind, Pipe, Variable};
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
        let mut pipe = Pipe { assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
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
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
        self.check(&pipe, context)?;
        Ok(self.source.push(pos, NodeKind::Pipe(Box::new(pipe))))
    }

    /// `$x :=`, `$x =`, or with `range` also `$i, $x :=`. A variable that turns out to be an
    /// argument is put back.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parse<()> {
        while self.peek_non_space().token == Token::Variable {
            let variable = self.next();
            let after = self.peek().clone();
            let next = self.peek_non_space();
            let token = next.token;
            let comma = token == Token::Char && &*next.text == b",";
            if !comma && token != Token::Assign && token != Token::Declare {
                if after.token == Token::Space {
                    self.put_back(after);
                }
                self.put_back(variable);
                return Ok(());
            }
            self.next_non_space();
            let name = self.source.variable(&lossy(&variable.text));
            pipe.variables.push(name);
            self.tree.variables.push(name);
            if !comma {
                pipe.assigns = token == Token::Assign;
                return Ok(());
            }
            if context != "range" || pipe.variables.len() >= 2 {
                return self.error(format!("too many declarations in {context}"));
            }
            match self.peek_non_space().token {
                Token::Variable | Token::RightDelim | Token::RightParen => {}
                _ => return self.error("range can only initialize variables"),
            }
        }
        Ok(())
    }

    fn check(&self, pipe: &Pipe, context: &str) -> Parse<()> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (at, command) in pipe.commands.iter().enumerate().skip(1) {
            let NodeKind::Command(args) = &self.source.node(*command).kind else { continue };
            let literal = args.first().is_some_and(|first| {
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
        let mut args = Vec::new();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                args.push(operand);
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
        if args.is_empty() {
            return self.error("empty command");
        }
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
        let mut more = Vec::new();
        while self.peek().token == Token::Field {
            let item = self.next();
            more.push(field_name(&item));
        }
        let kind = match &self.source.node(node).kind {
            NodeKind::Field(fields) => {
                NodeKind::Field(fields.iter().cloned().chain(more).collect())
            }
            NodeKind::Variable(variable) => {
                let fields = variable.fields.iter().cloned().chain(more).collect();
                NodeKind::Variable(Variable { name: variable.name, fields })
            }
            NodeKind::Bool(_)
            | NodeKind::String(_)
            | NodeKind::Number(_)
            | NodeKind::Nil
            | NodeKind::Dot => {
                let term = quote(self.source.print(node));
                return self.error(format!("unexpected . after term {term}"));
            }
            _ => NodeKind::Chain(Chain { node, fields: more }),
        };
        Ok(Some(self.source.push(pos, kind)))
    }

    fn term(&mut self) -> Parse<Option<Id>> {
        let item = self.next_non_space();
        let kind = match item.token {
            Token::Identifier => self.identifier(&item)?,
            Token::Dot => NodeKind::Dot,
            Token::Nil => NodeKind::Nil,
            Token::Variable => self.variable(&item)?,
            Token::Field => NodeKind::Field(vec![field_name(&item)]),
            Token::Bool => NodeKind::Bool(&*item.text == b"true"),
            Token::CharConstant => self.number(&item, Form::Char)?,
            Token::Complex => self.number(&item, Form::Complex)?,
            Token::Number => self.number(&item, Form::Plain)?,
            Token::LeftParen => return self.parenthesised().map(Some),
            Token::String | Token::RawString => {
                let text = self.unquote(&item)?;
                let quoted = item.pos..item.pos + item.text.len();
                NodeKind::String(Box::new(Literal { quoted, text }))
            }
            _ => {
                self.put_back(item);
                return Ok(None);
            }
        };
        Ok(Some(self.source.push(item.pos, kind)))
    }

    fn identifier(&mut self, item: &Item<'t>) -> Parse<NodeKind> {
        if let Some(name) = self.named.get(&*item.text) {
            return Ok(NodeKind::Identifier(*name));
        }
        let name = lossy(&item.text);
        let Some(function) = self.function(&name) else {
            return self.error(format!("function {} not defined", quote(&item.text)));
        };
        let name = self.source.add_function(&name, function);
        if let Cow::Borrowed(text) = item.text {
            self.named.insert(text, name);
        }
        Ok(NodeKind::Identifier(name))
    }

    /// The use of a variable, which must have been declared.
    fn variable(&mut self, item: &Item<'_>) -> Parse<NodeKind> {
        let name = self.source.variable(&lossy(&item.text));
        if !self.tree.variables.contains(&name) {
            return self.error(format!("undefined variable {}", quote(&item.text)));
        }
        Ok(NodeKind::Variable(Variable { name, fields: Vec::new() }))
    }

    fn number(&self, item: &Item<'_>, form: Form) -> Parse<NodeKind> {
        match Number::parse(&item.text, form) {
            Ok(number) => Ok(NodeKind::Number(Box::new(number))),
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
fn field_name(item: &Item<'_>) -> Box<str> {
    lossy(item.text.get(1..).unwrap_or_default()).into()
}
